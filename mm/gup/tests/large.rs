// SPDX-License-Identifier: GPL-2.0

//! Pages of one large folio, which are taken at once.

#[kernel::prelude::kunit_tests(rust_gup_large)]
mod large {
    use crate::gup::tests::ways::{compare, counts, ensure, give_back, pages, WAYS};
    use core::ptr::null_mut;
    use kernel::{
        bindings, current,
        mm::pgtable::testing::{mm, Memory},
        prelude::*,
    };

    const ENTRIES: usize = 512;

    /// A huge page, and a block of small ones behind it.
    fn huge() -> Result<Memory> {
        let memory = Memory::map(2)?;
        let task = current!();

        memory.advise(mm(&task)?, 0, 0, ENTRIES, bindings::MADV_HUGEPAGE)?;
        memory.touch(0, 0)?;
        memory.touch(1, 0)?;
        ensure(folio_pages(&memory)? == ENTRIES)?;
        Ok(memory)
    }

    /// Returns how many pages the folio of the first page has.
    fn folio_pages(memory: &Memory) -> Result<usize> {
        let mut pages = pages()?;
        let way = &WAYS[0];
        let taken = (way.rust)(memory.page(0, 0), 1, 0, &mut pages);
        // SAFETY: There is a page, and a reference of it.
        let count = match pages.first() {
            Some(&page) if taken == 1 => unsafe {
                bindings::folio_nr_pages(bindings::page_folio(page)) as usize
            },
            _ => 0,
        };

        give_back(way, &mut pages, taken);
        Ok(count)
    }

    /// Has the folio be mapped by small entries.
    fn split_entry(memory: &Memory) -> Result {
        // SAFETY: No array is needed where nothing is taken; the mmap lock is not held.
        let done = unsafe {
            bindings::get_user_pages_unlocked(
                memory.page(0, 0),
                1,
                null_mut(),
                bindings::FOLL_SPLIT_PMD,
            )
        };

        ensure(done == 1 && folio_pages(memory)? == ENTRIES)
    }

    fn compare_all(memory: &Memory) -> Result {
        for (page, count) in [
            (0, 1),
            (0, ENTRIES),
            (3, 100),
            (100, 16),
            (99, 2),
            (511, 1),
            // Small pages follow.
            (510, 3),
            (0, 600),
        ] {
            for flags in [0, bindings::FOLL_WRITE] {
                for way in &WAYS {
                    compare(way, memory.page(0, page), count, flags)?;
                }
            }
        }
        Ok(())
    }

    /// Each page counts, and all are given back.
    #[test]
    fn counted() -> Result {
        let memory = huge()?;

        for split in [false, true] {
            if split {
                split_entry(&memory)?;
            }
            for way in &WAYS {
                let mut one = pages()?;
                let mut many = pages()?;
                let first = (way.rust)(memory.page(0, 0), 1, 0, &mut one);
                let before = counts(&one, first)?;
                let taken = (way.rust)(memory.page(0, 0), ENTRIES, 0, &mut many);
                let during = counts(&one, first)?;

                give_back(way, &mut many, taken);
                let after = counts(&one, first)?;
                give_back(way, &mut one, first);
                assert_eq!(taken, ENTRIES as isize);
                assert_eq!(
                    during.first().map(|refs| refs - taken as i32),
                    before.first().copied()
                );
                assert!(after.iter().eq(before.iter()));
            }
        }
        Ok(())
    }

    #[test]
    fn one_entry() -> Result {
        compare_all(&huge()?)
    }

    #[test]
    fn small_entries() -> Result {
        let memory = huge()?;

        split_entry(&memory)?;
        compare_all(&memory)
    }

    /// A run ends where a page is missing, and where there is another in its place.
    #[test]
    fn interrupted() -> Result {
        let memory = huge()?;
        let task = current!();

        split_entry(&memory)?;
        memory.advise(mm(&task)?, 0, 100, 1, bindings::MADV_DONTNEED)?;
        compare_all(&memory)?;
        memory.touch(0, 100)?;
        compare_all(&memory)
    }
}
