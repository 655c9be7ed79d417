// SPDX-License-Identifier: GPL-2.0

//! Walks of what maps a file, against the C.

#[kernel::prelude::kunit_tests(rust_pagewalk_mapping)]
mod mapping {
    use crate::pagewalk::tests::log::{self, Log};
    use core::ffi::{c_int, c_void};
    use kernel::{
        bindings,
        mm::pgtable::{testing::Memory, TABLE_SPAN},
        page::PAGE_SIZE,
        prelude::*,
    };

    type Walk = unsafe extern "C" fn(
        *mut bindings::address_space,
        usize,
        usize,
        *const bindings::mm_walk_ops,
        *mut c_void,
    ) -> c_int;

    const PAGES: usize = 3 * 512;

    struct File(*mut bindings::file);

    impl File {
        fn new() -> Result<Self> {
            let flags = bindings::vma_flags_t::default();
            let size = (PAGES * PAGE_SIZE) as bindings::loff_t;
            // SAFETY: The name lives for ever.
            let file = unsafe { bindings::shmem_file_setup(c"walk".as_ptr().cast(), size, flags) };

            Ok(Self(kernel::error::from_err_ptr(file)?))
        }

        /// Maps some pages of it over memory.
        fn map(&self, addr: usize, from: usize, count: usize) -> Result {
            let prot = bindings::PROT_READ | bindings::PROT_WRITE;
            let flags = bindings::MAP_SHARED | bindings::MAP_FIXED;
            // SAFETY: The address space is a test's own.
            let at = unsafe {
                bindings::vm_mmap(
                    self.0,
                    addr,
                    count * PAGE_SIZE,
                    prot as usize,
                    flags as usize,
                    from * PAGE_SIZE,
                )
            };

            if at == addr {
                Ok(())
            } else {
                Err(ENOMEM)
            }
        }

        fn walk(
            &self,
            walk: Walk,
            (first, count): (usize, usize),
            which: u32,
            seed: u64,
        ) -> Result<Log> {
            Log::of(which, seed, |ops, private| {
                // SAFETY: The file is ours, and its lock is held during the walk.
                unsafe {
                    let mapping = (*self.0).f_mapping;

                    bindings::i_mmap_lock_read(mapping);
                    let result = walk(mapping, first, count, ops, private);
                    bindings::i_mmap_unlock_read(mapping);
                    result
                }
            })
        }

        fn compare(&self, part: (usize, usize), which: u32, seed: u64) -> Result<Log> {
            let rust = self.walk(bindings::walk_page_mapping, part, which, seed)?;
            let c = self.walk(bindings::c_walk_page_mapping, part, which, seed)?;

            if !rust.is_like(&c) {
                return Err(EIO);
            }
            Ok(c)
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            // SAFETY: It is ours.
            unsafe { bindings::fput(self.0) };
        }
    }

    /// All of the file, a part of it within one table, and one from one table to the next.
    fn mapped(file: &File) -> Result<Memory> {
        let memory = Memory::map(6)?;

        file.map(memory.page(0, 0), 0, PAGES)?;
        file.map(memory.page(3, 100), 5, 50)?;
        file.map(memory.page(4, 500), 510, 30)?;
        for page in [0, 6, 7, 511, 512, 3 * 512 - 1] {
            memory.touch(0, page)?;
        }
        for page in [100, 103, 149] {
            memory.touch(3, page)?;
        }
        for page in [500, 511, 512, 520] {
            memory.touch(4, page)?;
        }
        Ok(memory)
    }

    #[test]
    fn parts() -> Result {
        let file = File::new()?;
        let _memory = mapped(&file)?;

        for part in [
            (0, PAGES),
            (0, 1),
            (5, 50),
            (4, 2),
            (54, 1),
            (55, 400),
            (511, 2),
            (509, 40),
            (PAGES - 1, 1),
            (PAGES - 1, 100),
            (PAGES, 1),
            (7, 0),
        ] {
            for which in [
                log::ALL,
                log::HOLES,
                log::PTE,
                log::VMAS,
                log::ALL | log::VMAS,
            ] {
                for seed in 0..8 {
                    file.compare(part, which, seed)?;
                }
            }
        }
        Ok(())
    }

    /// The walk comes to all three places, and to nothing where the file is not mapped.
    #[test]
    fn places() -> Result {
        let file = File::new()?;
        let memory = mapped(&file)?;
        let log = file.compare((512, 1), log::PTE, 0)?;
        let places = log.events.iter().map(|event| event.addr);
        let beyond = file.compare((PAGES, TABLE_SPAN / PAGE_SIZE), log::ALL, 0)?;

        assert!(places.eq([memory.page(1, 0), memory.page(4, 502)]));
        assert!(beyond.events.is_empty());
        Ok(())
    }

    /// To install entries is for mm itself.
    #[test]
    fn refused() -> Result {
        let file = File::new()?;
        let _memory = mapped(&file)?;
        let log = file.compare((0, PAGES), log::INSTALL | log::PTE, 0)?;

        assert_eq!(log.result, EINVAL.to_errno());
        assert!(log.events.is_empty());
        Ok(())
    }
}
