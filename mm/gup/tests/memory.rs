// SPDX-License-Identifier: GPL-2.0

//! Memory of user space, page by page.

#[kernel::prelude::kunit_tests(rust_gup_memory)]
mod memory {
    use crate::gup::tests::ways::{compare, give_back, pages, WAYS};
    use kernel::{bindings, mm::pgtable::testing::Memory, page::PAGE_SIZE, prelude::*};

    /// The same pages, with as many references, are taken from ranges that end in each kind of place.
    #[test]
    fn the_same() -> Result {
        let memory = Memory::map(4)?;

        for page in 0..512 {
            memory.touch(0, page)?;
        }
        for page in [0, 1, 2, 9, 511] {
            memory.touch(1, page)?;
        }
        memory.unmap(3)?;
        for (block, page, count) in [
            (0, 0, 1),
            (0, 0, 512),
            (0, 3, 509),
            (0, 511, 4),
            (1, 0, 3),
            (1, 9, 1),
            // Faults in what is missing, but for those who do not fault.
            (1, 0, 12),
            (0, 500, 600),
            (2, 500, 13),
            (3, 0, 1),
        ] {
            for flags in [0, bindings::FOLL_WRITE] {
                for way in &WAYS {
                    compare(way, memory.page(block, page), count, flags)?;
                }
            }
        }
        Ok(())
    }

    /// No pages are none; the C of the fast functions looks behind the table.
    #[test]
    fn none() -> Result {
        let memory = Memory::map(1)?;

        memory.touch(0, 0)?;
        for way in &WAYS {
            assert_eq!((way.rust)(memory.page(0, 0), 0, 0, &mut pages()?), 0);
        }
        Ok(())
    }

    /// What can't be: the C says so in the same way.
    #[test]
    fn refused() -> Result {
        let memory = Memory::map(1)?;
        let at = memory.page(0, 0);

        memory.touch(0, 0)?;
        for (start, count, flags) in [
            (usize::MAX - PAGE_SIZE, 1, 0),
            (usize::MAX - PAGE_SIZE, 5, 0),
            (1 << 46, 1, 0),
            (at, 1, bindings::FOLL_NOFAULT),
            (at + PAGE_SIZE, 1, bindings::FOLL_NOFAULT),
        ] {
            for way in &WAYS {
                let (mut one, mut other) = (pages()?, pages()?);
                let rust = (way.rust)(start, count, flags, &mut one);
                let c = (way.c)(start, count, flags, &mut other);

                give_back(way, &mut one, rust);
                give_back(way, &mut other, c);
                assert_eq!(rust, c);
            }
        }
        Ok(())
    }
}
