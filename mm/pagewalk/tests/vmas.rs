// SPDX-License-Identifier: GPL-2.0

//! Walks of one VMA, against the C.

#[kernel::prelude::kunit_tests(rust_pagewalk_vmas)]
mod vmas {
    use crate::pagewalk::tests::log::{self, Log};
    use core::ffi::c_void;
    use kernel::{
        bindings, current,
        mm::{
            pgtable::testing::{mm, Memory},
            virt::VmaRef,
        },
        page::PAGE_SIZE,
        prelude::*,
    };

    type Walk = unsafe extern "C" fn(
        *mut bindings::vm_area_struct,
        usize,
        usize,
        *const bindings::mm_walk_ops,
        *mut c_void,
    ) -> i32;

    const RANGES: [(Walk, Walk); 2] = [
        (
            bindings::walk_page_range_vma,
            bindings::c_walk_page_range_vma,
        ),
        (
            bindings::walk_page_range_vma_unsafe,
            bindings::c_walk_page_range_vma_unsafe,
        ),
    ];

    /// Two blocks with some pages, and one without a table.
    fn memory() -> Result<Memory> {
        let memory = Memory::map(3)?;

        for page in [0, 1, 7, 511] {
            memory.touch(0, page)?;
            memory.touch(1, page)?;
        }
        Ok(memory)
    }

    fn compare(
        vma: &VmaRef,
        (rust, c): (Walk, Walk),
        (start, end): (usize, usize),
        which: u32,
        seed: u64,
    ) -> Result<Log> {
        let run = |walk: Walk| {
            Log::of(which, seed, |ops, private| {
                // SAFETY: There is a reference of the VMA, as its mm is locked.
                unsafe { walk(vma.as_ptr(), start, end, ops, private) }
            })
        };
        let (rust, c) = (run(rust)?, run(c)?);

        if !rust.is_like(&c) {
            return Err(EIO);
        }
        Ok(c)
    }

    const SETS: [u32; 5] = [
        log::ALL,
        log::HOLES,
        log::PTE,
        log::VMAS,
        log::ALL | log::VMAS,
    ];

    #[test]
    fn ranges() -> Result {
        let memory = memory()?;
        let task = current!();
        let lock = mm(&task)?.mmap_read_lock();
        let vma = lock.vma_lookup(memory.page(0, 0)).ok_or(EINVAL)?;
        let parts = [
            (memory.page(0, 0), memory.page(3, 0)),
            (memory.page(0, 1), memory.page(2, 9)),
            (memory.page(1, 511), memory.page(2, 0)),
            (memory.page(2, 0), memory.page(2, 1)),
        ];

        for walks in RANGES {
            for part in parts {
                for which in SETS {
                    for seed in 0..8 {
                        compare(vma, walks, part, which, seed)?;
                    }
                }
            }
            let all = compare(vma, walks, (vma.start(), vma.end()), log::ALL, 0)?;
            assert!(all.events.iter().any(|event| event.what == log::PTE));
        }
        Ok(())
    }

    /// What is not in the VMA, and what is nothing.
    #[test]
    fn refused() -> Result {
        let memory = memory()?;
        let task = current!();
        let lock = mm(&task)?.mmap_read_lock();
        let vma = lock.vma_lookup(memory.page(0, 0)).ok_or(EINVAL)?;
        let (start, end) = (vma.start(), vma.end());

        for walks in RANGES {
            for range in [
                (start - PAGE_SIZE, end),
                (start, end + PAGE_SIZE),
                (end, end + PAGE_SIZE),
                (start, start),
                (end, start),
            ] {
                let refused = compare(vma, walks, range, log::ALL | log::VMAS, 0)?;

                assert_eq!(refused.result, EINVAL.to_errno());
                assert!(refused.events.is_empty());
            }
        }
        Ok(())
    }

    #[test]
    fn whole() -> Result {
        let memory = memory()?;
        let task = current!();
        let lock = mm(&task)?.mmap_read_lock();
        let vma = lock.vma_lookup(memory.page(0, 0)).ok_or(EINVAL)?.as_ptr();

        for which in SETS {
            for seed in 0..8 {
                // SAFETY: The VMA is valid, and its mm locked.
                let (rust, c) = unsafe {
                    (
                        Log::of(which, seed, |ops, private| {
                            bindings::walk_page_vma(vma, ops, private)
                        })?,
                        Log::of(which, seed, |ops, private| {
                            bindings::c_walk_page_vma(vma, ops, private)
                        })?,
                    )
                };

                assert!(rust.is_like(&c));
                // Without a callback for entries nobody looks for holes in tables.
                assert!(which == log::HOLES || !c.events.is_empty());
            }
        }
        Ok(())
    }
}
