// SPDX-License-Identifier: GPL-2.0

//! The names that may stand where an argument of an operation stands.

use std::fmt;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A number of the kernel's headers, or one of ours
    Number(u64),
    /// Descriptor of a file of the list
    File(usize),
    /// Descriptor of a userfaultfd
    Uffd(usize),
    /// Descriptor of the process of a child
    Child(usize),
    /// The process that acts
    Own,
    /// Descriptor of the pagemap of the process that acts
    Pagemap,
    /// A buffer outside of the arena, of which a digest is part of the result
    Out,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub name: &'static str,
    pub meaning: Meaning,
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! symbols {
    ($($name:ident = $meaning:expr;)*) => {
        $(pub const $name: Symbol = Symbol { name: stringify!($name), meaning: $meaning };)*
        pub const ALL: &[Symbol] = &[$($name),*];
    };
}

macro_rules! numbers {
    ($($name:ident = $number:expr;)*) => {
        symbols! {
            F0 = Meaning::File(0);
            F1 = Meaning::File(1);
            F2 = Meaning::File(2);
            F3 = Meaning::File(3);
            U0 = Meaning::Uffd(0);
            U1 = Meaning::Uffd(1);
            D0 = Meaning::Child(0);
            D1 = Meaning::Child(1);
            SELF = Meaning::Own;
            PAGEMAP = Meaning::Pagemap;
            OUT = Meaning::Out;
            $($name = Meaning::Number($number);)*
        }
    };
}

pub const FILES: [Symbol; 4] = [F0, F1, F2, F3];
pub const UFFDS: [Symbol; 2] = [U0, U1];
pub const CHILDREN: [Symbol; 2] = [D0, D1];

// By value, as the headers of a build machine may be older than the kernel that is tested.
numbers! {
    PROT_NONE = 0;
    PROT_READ = 1;
    PROT_WRITE = 2;
    PROT_EXEC = 4;

    MAP_SHARED = 0x1;
    MAP_PRIVATE = 0x2;
    MAP_FIXED = 0x10;
    MAP_ANONYMOUS = 0x20;
    MAP_GROWSDOWN = 0x100;
    MAP_LOCKED = 0x2000;
    MAP_NORESERVE = 0x4000;
    MAP_POPULATE = 0x8000;
    MAP_NONBLOCK = 0x1_0000;
    MAP_FIXED_NOREPLACE = 0x10_0000;

    MREMAP_MAYMOVE = 1;
    MREMAP_FIXED = 2;
    MREMAP_DONTUNMAP = 4;

    MADV_NORMAL = 0;
    MADV_RANDOM = 1;
    MADV_SEQUENTIAL = 2;
    MADV_WILLNEED = 3;
    MADV_DONTNEED = 4;
    MADV_FREE = 8;
    MADV_REMOVE = 9;
    MADV_DONTFORK = 10;
    MADV_DOFORK = 11;
    MADV_MERGEABLE = 12;
    MADV_UNMERGEABLE = 13;
    MADV_HUGEPAGE = 14;
    MADV_NOHUGEPAGE = 15;
    MADV_DONTDUMP = 16;
    MADV_DODUMP = 17;
    MADV_WIPEONFORK = 18;
    MADV_KEEPONFORK = 19;
    MADV_COLD = 20;
    MADV_PAGEOUT = 21;
    MADV_POPULATE_READ = 22;
    MADV_POPULATE_WRITE = 23;
    MADV_DONTNEED_LOCKED = 24;
    MADV_COLLAPSE = 25;
    MADV_GUARD_INSTALL = 102;
    MADV_GUARD_REMOVE = 103;

    MS_ASYNC = 1;
    MS_INVALIDATE = 2;
    MS_SYNC = 4;

    MLOCK_ONFAULT = 1;
    MCL_CURRENT = 1;
    MCL_FUTURE = 2;
    MCL_ONFAULT = 4;

    FALLOC_FL_KEEP_SIZE = 1;
    FALLOC_FL_PUNCH_HOLE = 2;
    FALLOC_FL_COLLAPSE_RANGE = 8;
    FALLOC_FL_ZERO_RANGE = 0x10;
    FALLOC_FL_INSERT_RANGE = 0x20;

    F_ADD_SEALS = 1033;
    F_SEAL_SHRINK = 2;
    F_SEAL_GROW = 4;
    F_SEAL_WRITE = 8;
    F_SEAL_FUTURE_WRITE = 0x10;

    UFFD_FEATURE_SIGBUS = 1 << 7;
    UFFD_FEATURE_MINOR_SHMEM = 1 << 10;
    UFFD_FEATURE_WP_HUGETLBFS_SHMEM = 1 << 12;
    UFFD_FEATURE_WP_UNPOPULATED = 1 << 13;
    UFFD_FEATURE_POISON = 1 << 14;
    UFFD_FEATURE_WP_ASYNC = 1 << 15;
    UFFD_FEATURE_MOVE = 1 << 16;
    UFFDIO_REGISTER = 0xc020_aa00;
    UFFDIO_UNREGISTER = 0x8010_aa01;
    UFFDIO_COPY = 0xc028_aa03;
    UFFDIO_ZEROPAGE = 0xc020_aa04;
    UFFDIO_MOVE = 0xc028_aa05;
    UFFDIO_WRITEPROTECT = 0xc018_aa06;
    UFFDIO_CONTINUE = 0xc020_aa07;
    UFFDIO_POISON = 0xc020_aa08;
    UFFDIO_REGISTER_MODE_MISSING = 1;
    UFFDIO_REGISTER_MODE_WP = 2;
    UFFDIO_REGISTER_MODE_MINOR = 4;
    UFFDIO_COPY_MODE_WP = 2;
    UFFDIO_WRITEPROTECT_MODE_WP = 1;
    UFFDIO_CONTINUE_MODE_WP = 2;
    UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES = 2;

    PAGEMAP_SCAN = 0xc060_6610;
    PM_SCAN_WP_MATCHING = 1;
    PM_SCAN_CHECK_WPASYNC = 2;
    PAGE_IS_WPALLOWED = 1;
    PAGE_IS_WRITTEN = 2;
    PAGE_IS_FILE = 4;
    PAGE_IS_PRESENT = 8;
    PAGE_IS_SWAPPED = 0x10;
    PAGE_IS_PFNZERO = 0x20;
    PAGE_IS_SOFT_DIRTY = 0x80;
    PAGE_IS_GUARD = 0x100;

    MPOL_DEFAULT = 0;
    MPOL_BIND = 2;
    MPOL_MF_MOVE = 2;
    MPOL_MF_MOVE_ALL = 4;

    PIDFD_SELF_THREAD_GROUP = -10001_i64 as u64;

    KNOB_ENABLED = 0;
    KNOB_DELAY_MS = 1;
    KNOB_THP_64K = 2;
    KNOB_FAULT_AROUND = 3;
}

pub fn by_name(name: &str) -> Option<Symbol> {
    ALL.iter().copied().find(|symbol| symbol.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<&str> = ALL.iter().map(|symbol| symbol.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert_eq!(by_name("MADV_FREE"), Some(MADV_FREE));
        assert_eq!(by_name("NO_SUCH_NAME"), None);
    }

    #[test]
    fn values_are_those_of_libc() {
        for (ours, theirs) in [
            (MAP_NORESERVE, libc::MAP_NORESERVE),
            (MAP_POPULATE, libc::MAP_POPULATE),
            (MADV_DONTNEED, libc::MADV_DONTNEED),
            (MADV_POPULATE_WRITE, libc::MADV_POPULATE_WRITE),
            (MS_SYNC, libc::MS_SYNC),
            (FALLOC_FL_PUNCH_HOLE, libc::FALLOC_FL_PUNCH_HOLE),
            (F_ADD_SEALS, libc::F_ADD_SEALS),
            (MREMAP_DONTUNMAP, libc::MREMAP_DONTUNMAP),
        ] {
            assert_eq!(ours.meaning, Meaning::Number(theirs as u64), "{ours}");
        }
    }
}
