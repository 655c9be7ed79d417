// SPDX-License-Identifier: GPL-2.0

//! Memory of user space, page by page.

#[kernel::prelude::kunit_tests(rust_gup_memory)]
mod memory {
    use crate::gup::tests::{
        outcome::{give_back, Slots},
        shape::Shape,
        twins::Side,
        ways::{compare, Case, Hold, WAYS},
    };
    use kernel::{bindings, page::PAGE_SIZE, prelude::*};

    const WRITE: u32 = bindings::FOLL_WRITE;
    const FORCE: u32 = bindings::FOLL_FORCE;
    const NOFAULT: u32 = bindings::FOLL_NOFAULT;

    /// Ranges that end in each kind of place, with what is there already and what has to be faulted in.
    #[test]
    fn the_same() -> Result {
        let shape = Shape::small()?;

        for (block, page, count, flags) in [
            (0, 0, 1, &[0, WRITE] as &[u32]),
            (0, 0, 4, &[0, WRITE]),
            // Holes, and pages of zeroes.
            (0, 2, 10, &[0, WRITE, NOFAULT, WRITE | NOFAULT]),
            (0, 4, 2, &[0, NOFAULT]),
            (0, 8, 3, &[0, WRITE]),
            // The end of a table.
            (0, 500, 12, &[0, WRITE]),
            (0, 508, 9, &[0, WRITE]),
            // No table.
            (1, 511, 5, &[0, WRITE]),
            (2, 7, 1, &[0, WRITE, NOFAULT]),
            // The end of the memory.
            (2, 508, 9, &[0, WRITE]),
            (3, 0, 1, &[0, WRITE]),
            // What can only be read.
            (4, 0, 3, &[0, WRITE, WRITE | FORCE]),
            (4, 1, 1, &[WRITE, WRITE | FORCE]),
        ] {
            for &flags in flags {
                for way in WAYS {
                    compare(&shape, way, Case::new(block, page, count).with(flags))?;
                }
            }
        }
        Ok(())
    }

    /// All of a table, and more.
    #[test]
    fn many() -> Result {
        let shape = Shape::small()?;

        for way in WAYS {
            compare(&shape, way, Case::new(0, 0, 600))?;
        }
        Ok(())
    }

    /// No pages are none, and nothing is written. The C of the fast functions looks behind the table.
    #[test]
    fn none() -> Result {
        let shape = Shape::small()?;

        let ways = WAYS
            .iter()
            .filter(|way| way.hold != Hold::Nothing && way.name != "get_dump_page");

        for way in ways {
            let mut slots = Slots::new(0)?;
            let (done, _) = way.call(Side::Rust, &shape, Case::new(0, 0, 0), &mut slots)?;

            assert_eq!(done, 0);
            assert!(slots.is_untouched_behind(0));
        }
        Ok(())
    }

    /// What can't be: the C says so in the same way.
    #[test]
    fn refused() -> Result {
        let shape = Shape::small()?;
        let hole = shape.memory.page(0, 5);

        for (start, count, flags) in [
            (usize::MAX - PAGE_SIZE, 1, 0),
            (usize::MAX - PAGE_SIZE, 5, 0),
            (1 << 46, 1, 0),
            (1 << 46, 1, WRITE),
            (hole, 1, NOFAULT),
            (hole, 1, NOFAULT | WRITE),
        ] {
            for way in WAYS.iter().filter(|way| way.hold != Hold::Nothing) {
                let mut done = [None; 2];

                shape.reset()?;
                for (side, done) in Side::BOTH.into_iter().zip(&mut done) {
                    let mut slots = Slots::new(count)?;
                    let outcome = way.call_at(side, start, count, flags, &mut slots)?;
                    let taken = usize::try_from(outcome.0).unwrap_or(0);

                    give_back(way.hold, side, slots.taken(taken)?);
                    *done = Some(outcome);
                    assert!(slots.is_untouched_behind(taken));
                }
                let [rust, c] = done;
                assert!(rust == c);
            }
        }
        Ok(())
    }
}
