// SPDX-License-Identifier: GPL-2.0

//! Walks that fill what is missing, against the C.

#[kernel::prelude::kunit_tests(rust_pagewalk_install)]
mod install {
    use crate::pagewalk::tests::log::{self, Log};
    use core::ffi::{c_int, c_void};
    use kernel::{
        bindings, current,
        mm::{
            pgtable::testing::{mm, Memory},
            MmWithUser,
        },
        page::PAGE_SIZE,
        prelude::*,
    };

    type Ops = *const bindings::mm_walk_ops;
    type Walk =
        unsafe extern "C" fn(*mut bindings::mm_struct, usize, usize, Ops, *mut c_void) -> c_int;
    type WalkVma = unsafe extern "C" fn(
        *mut bindings::vm_area_struct,
        usize,
        usize,
        Ops,
        *mut c_void,
    ) -> c_int;

    /// A block with pages, one without a table, one that is not mapped, and one with a page.
    fn memory() -> Result<Memory> {
        let memory = Memory::map(4)?;

        for page in [0, 1, 7, 511] {
            memory.touch(0, page)?;
        }
        memory.unmap(2)?;
        memory.touch(3, 3)?;
        Ok(memory)
    }

    /// Who installs looks at entries that are there already, too.
    const SETS: [u32; 3] = [
        log::INSTALL | log::PTE,
        log::INSTALL | log::PTE | log::PMD | log::PUD,
        log::INSTALL | log::ALL | log::VMAS,
    ];

    /// Logs a walk of memory of its own, and all that is there afterwards: as C sees it.
    fn run(
        which: u32,
        seed: u64,
        walk: impl FnOnce(&MmWithUser, &Memory, Ops, *mut c_void) -> c_int,
    ) -> Result<[Log; 2]> {
        let memory = memory()?;
        let task = current!();
        let mm = mm(&task)?;
        let _lock = mm.mmap_read_lock();
        let base = memory.page(0, 0);
        let installing = Log::of(which, seed, |ops, private| walk(mm, &memory, ops, private))?;
        let after = Log::of(log::ALL, 0, |ops, private| {
            // SAFETY: The mmap lock is held.
            unsafe {
                bindings::c_walk_page_range(mm.as_raw(), base, memory.page(4, 0), ops, private)
            }
        })?;

        Ok([installing.relative(base), after.relative(base)])
    }

    fn alike(rust: &[Log; 2], c: &[Log; 2]) -> bool {
        rust.iter().zip(c).all(|(rust, c)| rust.is_like(c))
    }

    /// Of all that `after` saw: how many entries are not none.
    fn filled(logs: &[Log; 2]) -> usize {
        let [_, after] = logs;

        after
            .events
            .iter()
            .filter(|event| event.what == log::PTE && event.value != 0)
            .count()
    }

    #[test]
    fn ranges() -> Result {
        for (first, last) in [(0, 4 * 512), (5, 9), (510, 514), (512, 1024)] {
            for which in SETS {
                for seed in 0..6 {
                    let part = |walk: Walk| {
                        run(which, seed, |mm, memory, ops, private| {
                            let (start, end) = (memory.page(0, first), memory.page(0, last));
                            // SAFETY: The mmap lock is held.
                            unsafe { walk(mm.as_raw(), start, end, ops, private) }
                        })
                    };
                    let rust = part(bindings::walk_page_range_mm_unsafe)?;
                    let c = part(bindings::c_walk_page_range_mm_unsafe)?;

                    assert!(alike(&rust, &c));
                    // All but the block that is not mapped, if all was walked.
                    assert!(seed != 0 || last != 4 * 512 || filled(&c) == 3 * 512);
                }
            }
        }
        Ok(())
    }

    #[test]
    fn one_vma() -> Result {
        for which in SETS {
            for seed in 0..6 {
                let part = |walk: WalkVma| {
                    run(which, seed, |mm, memory, ops, private| {
                        let (start, end) = (memory.page(0, 3), memory.page(1, 100));
                        // SAFETY: The mmap lock is held.
                        unsafe {
                            let vma = bindings::find_vma(mm.as_raw(), start);

                            walk(vma, start, end, ops, private)
                        }
                    })
                };
                let rust = part(bindings::walk_page_range_vma_unsafe)?;
                let c = part(bindings::c_walk_page_range_vma_unsafe)?;

                assert!(alike(&rust, &c));
                assert!(seed != 0 || filled(&c) == 512 - 3 + 100 + 2 + 1);
            }
        }
        Ok(())
    }

    /// Others than mm itself must not.
    #[test]
    fn refused() -> Result {
        let memory = memory()?;
        let task = current!();
        let mm = mm(&task)?;
        let lock = mm.mmap_read_lock();
        let (start, end) = (memory.page(0, 0), memory.page(0, 0) + PAGE_SIZE);
        let vma = lock.vma_lookup(start).ok_or(EINVAL)?.as_ptr();
        let null = core::ptr::null_mut();
        let refuse = |walk: &dyn Fn(Ops, *mut c_void) -> c_int| -> Result<bool> {
            let log = Log::of(log::INSTALL | log::PTE, 0, walk)?;

            Ok(log.result == EINVAL.to_errno() && log.events.is_empty())
        };

        // SAFETY: The mmap lock is held; nobody else has tables of the range.
        unsafe {
            for walk in [
                bindings::walk_page_range as Walk,
                bindings::c_walk_page_range,
            ] {
                assert!(refuse(&|ops, log| walk(mm.as_raw(), start, end, ops, log))?);
            }
            for walk in [
                bindings::walk_page_range_vma as WalkVma,
                bindings::c_walk_page_range_vma,
            ] {
                assert!(refuse(&|ops, log| walk(vma, start, end, ops, log))?);
            }
            assert!(refuse(&|ops, log| bindings::walk_page_vma(vma, ops, log))?);
            assert!(refuse(&|ops, log| bindings::c_walk_page_vma(
                vma, ops, log
            ))?);
            for walk in [
                bindings::walk_kernel_page_table_range_lockless,
                bindings::c_walk_kernel_page_table_range_lockless,
            ] {
                assert!(refuse(&|ops, log| walk(start, end, ops, null, log))?);
            }
        }
        Ok(())
    }
}
