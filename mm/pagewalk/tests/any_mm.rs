// SPDX-License-Identifier: GPL-2.0

//! Walks of tables of the kernel, and of any process, whatever VMAs there are; against the C.

#[kernel::prelude::kunit_tests(rust_pagewalk_any_mm)]
mod any_mm {
    use crate::pagewalk::tests::{
        forest::Forest,
        log::{self, Log},
    };
    use core::{
        ffi::{c_int, c_void},
        ptr::null_mut,
    };
    use kernel::{
        bindings, current,
        mm::pgtable::{
            testing::{mm, Memory},
            TABLE_SPAN,
        },
        prelude::*,
    };

    const SETS: [u32; 4] = [log::ALL, log::HOLES, log::PTE, log::PMD | log::PUD];

    /// Compares, under a lock that both want to be held.
    fn compare(
        which: u32,
        seed: u64,
        rust: impl FnOnce(*const bindings::mm_walk_ops, *mut c_void) -> c_int,
        c: impl FnOnce(*const bindings::mm_walk_ops, *mut c_void) -> c_int,
    ) -> Result<Log> {
        let rust = Log::of(which, seed, rust)?;
        let c = Log::of(which, seed, c)?;

        if !rust.is_like(&c) {
            return Err(EIO);
        }
        Ok(c)
    }

    fn compare_kernel(
        root: *mut bindings::pgd_t,
        start: usize,
        end: usize,
        which: u32,
        seed: u64,
    ) -> Result<Log> {
        let init_mm = &raw mut bindings::init_mm;

        // SAFETY: The lock keeps the kernel's tables; others are the caller's own.
        unsafe {
            bindings::mmap_read_lock(init_mm);
            let result = compare(
                which,
                seed,
                |ops, log| bindings::walk_kernel_page_table_range(start, end, ops, root, log),
                |ops, log| bindings::c_walk_kernel_page_table_range(start, end, ops, root, log),
            );
            bindings::mmap_read_unlock(init_mm);
            result
        }
    }

    #[test]
    fn given_root() -> Result {
        let forest = Forest::with_all_levels()?;

        for (start, end) in [(0, 1 << 39), (4096, 3 << 30), (2 << 30, 513 << 30)] {
            for which in SETS {
                for seed in 0..6 {
                    let log = compare_kernel(forest.root(), start, end, which, seed)?;

                    // Without a callback for entries nobody looks for holes in tables.
                    assert!(which == log::HOLES || !log.events.is_empty());
                }
            }
        }
        Ok(())
    }

    /// The kernel's own tables: where it maps this code, all of memory, and nothing.
    #[test]
    fn own_tables() -> Result {
        let forest = Forest::with_all_levels()?;
        let code = compare_kernel as *const () as usize;
        let data = forest.root() as usize;

        for at in [code, data] {
            let start = at & !(TABLE_SPAN - 1);

            for which in SETS {
                compare_kernel(null_mut(), start, start + 2 * TABLE_SPAN, which, 0)?;
            }
            let log = compare_kernel(null_mut(), start, start + TABLE_SPAN, log::ALL, 0)?;
            assert!(log.events.iter().any(|event| event.what == log::PUD));
        }
        let nothing = compare_kernel(null_mut(), 0, TABLE_SPAN, log::ALL, 0)?;
        assert!(nothing.events.iter().all(|event| event.what != log::PTE));
        Ok(())
    }

    /// The tables of a process, as they are dumped.
    #[test]
    fn of_a_process() -> Result {
        let memory = Memory::map(4)?;
        let task = current!();
        let mm = mm(&task)?.as_raw();

        for page in [0, 1, 7, 511] {
            memory.touch(0, page)?;
            memory.touch(2, page)?;
        }
        memory.unmap(1)?;
        for (start, end) in [
            (memory.page(0, 0), memory.page(4, 0)),
            (memory.page(0, 2), memory.page(2, 8)),
            (memory.page(2, 0), memory.page(2, 1)),
            (0, memory.page(0, 1)),
            (memory.page(0, 1), memory.page(0, 1)),
        ] {
            for which in SETS {
                for seed in 0..6 {
                    // SAFETY: Both locks are held for writing, in the order in which dumps take
                    // them, and the roots are those of the mm.
                    unsafe {
                        let init_mm = &raw mut bindings::init_mm;
                        let root = (*mm).__bindgen_anon_1.pgd;

                        bindings::mmap_write_lock(mm);
                        bindings::mmap_write_lock_nested(
                            init_mm,
                            bindings::SINGLE_DEPTH_NESTING as c_int,
                        );
                        let results = [null_mut(), root].map(|root| {
                            compare(
                                which,
                                seed,
                                |ops, log| {
                                    bindings::walk_page_range_debug(mm, start, end, ops, root, log)
                                },
                                |ops, log| {
                                    bindings::c_walk_page_range_debug(
                                        mm, start, end, ops, root, log,
                                    )
                                },
                            )
                        });
                        bindings::mmap_write_unlock(init_mm);
                        bindings::mmap_write_unlock(mm);

                        for result in results {
                            let is_empty = result?.events.is_empty();

                            assert!(which == log::HOLES || is_empty == (start == end));
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
