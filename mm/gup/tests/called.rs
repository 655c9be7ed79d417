// SPDX-License-Identifier: GPL-2.0

//! That none of the functions is left out.

#[kernel::prelude::kunit_tests(rust_gup_twins)]
mod called {
    use crate::gup::tests::{
        counts, memfd,
        shape::Shape,
        twins::{calls, declared},
        ways::{compare, Case, WAYS},
    };
    use kernel::prelude::*;

    /// All that is compared is called, on memory that is good for each: those that were called by nobody are
    /// told.
    #[test]
    fn all_are_compared() -> Result {
        let before = calls()?;
        let shape = Shape::small()?;

        for way in WAYS {
            compare(&shape, way, Case::new(0, 0, 1))?;
        }
        counts::compare_all()?;
        memfd::compare_all()?;

        let mut missing = 0;
        for ((name, before), (_, after)) in before.iter().zip(calls()?.iter()) {
            if before
                .iter()
                .zip(after)
                .any(|(before, after)| before == after)
            {
                pr_err!("{name}() is not compared\n");
                missing += 1;
            }
        }
        assert_eq!(missing, 0);
        Ok(())
    }

    #[test]
    fn all_are_known() -> Result {
        let known = calls()?;
        let mut unknown = 0;

        for name in declared() {
            if !known.iter().any(|(known, _)| *known == name) {
                pr_err!("{name}() is not known to these tests\n");
                unknown += 1;
            }
        }
        assert_eq!(unknown, 0);
        assert_eq!(declared().count(), known.len());
        Ok(())
    }
}
