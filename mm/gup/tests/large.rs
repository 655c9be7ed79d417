// SPDX-License-Identifier: GPL-2.0

//! Pages of one large folio, which are taken at once.

#[kernel::prelude::kunit_tests(rust_gup_large)]
mod large {
    use crate::gup::tests::{
        shape::{Shape, ENTRIES},
        ways::{compare, Case, WAYS},
    };
    use kernel::{bindings, prelude::*};

    fn compare_all(shape: &Shape) -> Result {
        for (page, count) in [
            (0, 1),
            (3, 100),
            (99, 2),
            (100, 16),
            (511, 1),
            // Small pages follow.
            (510, 3),
            (0, ENTRIES + 2),
        ] {
            for flags in [0, bindings::FOLL_WRITE] {
                for way in WAYS {
                    compare(shape, way, Case::new(0, page, count).with(flags))?;
                }
            }
        }
        Ok(())
    }

    #[test]
    fn one_entry() -> Result {
        compare_all(&Shape::huge()?)
    }

    #[test]
    fn small_entries() -> Result {
        compare_all(&Shape::split()?)
    }

    /// A run ends where a page is missing.
    #[test]
    fn interrupted() -> Result {
        compare_all(&Shape::interrupted()?)
    }

    /// It ends where there is another page in the place of one.
    #[test]
    fn refilled() -> Result {
        compare_all(&Shape::refilled()?)
    }

    /// It ends with its folio, although the memory goes on.
    #[test]
    fn several() -> Result {
        compare_all(&Shape::folios_of(4)?)
    }
}
