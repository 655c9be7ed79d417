// SPDX-License-Identifier: GPL-2.0

//! What an operation does: a system call as it is, or something of our own that a system call
//! alone is not.

use std::fmt;

macro_rules! verbs {
    (system calls { $($call:ident = $call_name:literal, $number:expr;)* }
     own { $($(#[$doc:meta])* $own:ident = $own_name:literal;)* }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Verb {
            $($call,)*
            $($(#[$doc])* $own,)*
        }

        pub const ALL: &[Verb] = &[$(Verb::$call,)* $(Verb::$own),*];

        impl Verb {
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$call => $call_name,)*
                    $(Self::$own => $own_name,)*
                }
            }

            /// The number of a system call.
            pub fn number(self) -> Option<i64> {
                match self {
                    $(Self::$call => Some($number),)*
                    _ => None,
                }
            }
        }
    };
}

verbs! {
    system calls {
        Mmap = "mmap", libc::SYS_mmap;
        Munmap = "munmap", libc::SYS_munmap;
        Mremap = "mremap", libc::SYS_mremap;
        Mprotect = "mprotect", libc::SYS_mprotect;
        Madvise = "madvise", libc::SYS_madvise;
        ProcessMadvise = "process_madvise", libc::SYS_process_madvise;
        Mincore = "mincore", libc::SYS_mincore;
        Msync = "msync", libc::SYS_msync;
        Mlock = "mlock", libc::SYS_mlock;
        Mlock2 = "mlock2", libc::SYS_mlock2;
        Munlock = "munlock", libc::SYS_munlock;
        Mlockall = "mlockall", libc::SYS_mlockall;
        Munlockall = "munlockall", libc::SYS_munlockall;
        RemapFilePages = "remap_file_pages", libc::SYS_remap_file_pages;
        Mbind = "mbind", libc::SYS_mbind;
        MovePages = "move_pages", libc::SYS_move_pages;
        Fallocate = "fallocate", libc::SYS_fallocate;
        Ftruncate = "ftruncate", libc::SYS_ftruncate;
        Fcntl = "fcntl", libc::SYS_fcntl;
        Fsync = "fsync", libc::SYS_fsync;
        Pread = "pread64", libc::SYS_pread64;
        Pwrite = "pwrite64", libc::SYS_pwrite64;
        ProcessVmReadv = "process_vm_readv", libc::SYS_process_vm_readv;
        ProcessVmWritev = "process_vm_writev", libc::SYS_process_vm_writev;
        Ioctl = "ioctl", libc::SYS_ioctl;
    }
    own {
        /// Read a word: load(address)
        Load = "load";
        /// Write a word: store(address, value)
        Store = "store";
        /// Read the first word of so many pages: load_pages(address, count)
        LoadPages = "load_pages";
        /// Write the first word of so many pages: store_pages(address, count, value)
        StorePages = "store_pages";
        /// Write a word to each 2 MiB block of a range, then madvise(MADV_COLLAPSE)
        Collapse = "collapse";
        /// Take a new memory file in the place of one: open_memfd(slot)
        OpenMemfd = "open_memfd";
        /// open_uffd(slot, features)
        OpenUffd = "open_uffd";
        /// close_uffd(slot)
        CloseUffd = "close_uffd";
        /// fork_child(slot): it acts when it is told to
        Fork = "fork_child";
        /// reap_child(slot): tell it to exit, wait until it has
        Reap = "reap_child";
        /// Let time pass: pause_ms(ms)
        Pause = "pause_ms";
        /// Set what a kernel without it does not have: knob(which, value)
        Knob = "knob";
        /// Write a number to /proc/self/clear_refs
        ClearRefs = "clear_refs";
        /// Bring back all that was swapped out: swapoff and swapon
        SwapCycle = "swap_cycle";
        /// Let go of clean page cache
        DropCaches = "drop_caches";
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

pub fn by_name(name: &str) -> Option<Verb> {
    ALL.iter().copied().find(|verb| verb.name() == name)
}
