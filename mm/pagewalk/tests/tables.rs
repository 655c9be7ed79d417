// SPDX-License-Identifier: GPL-2.0

//! Walks of tables that are built by hand, against the C.

#[kernel::prelude::kunit_tests(rust_pagewalk_tables)]
mod tables {
    use crate::pagewalk::tests::{
        forest::{Forest, Random},
        log::{self, Event, Log},
    };
    use kernel::{
        bindings,
        mm::walk::{Level, Node, Raw, Tree},
        prelude::*,
    };

    type Walk = unsafe extern "C" fn(
        usize,
        usize,
        *const bindings::mm_walk_ops,
        *mut bindings::pgd_t,
        *mut core::ffi::c_void,
    ) -> i32;

    const RUST: Walk = bindings::walk_kernel_page_table_range_lockless;
    const C: Walk = bindings::c_walk_kernel_page_table_range_lockless;

    fn run(
        walk: Walk,
        forest: &Forest,
        start: usize,
        end: usize,
        which: u32,
        seed: u64,
    ) -> Result<Log> {
        Log::of(which, seed, |ops, private| {
            // SAFETY: The forest is a root of tables that are nobody else's.
            unsafe { walk(start, end, ops, forest.root(), private) }
        })
    }

    fn compare(forest: &Forest, start: usize, end: usize, which: u32, seed: u64) -> Result {
        let rust = run(RUST, forest, start, end, which, seed)?;
        let c = run(C, forest, start, end, which, seed)?;

        // Not `assert!`: that is KUnit's in tests only.
        if !rust.is_like(&c) {
            return Err(EIO);
        }
        Ok(())
    }

    /// All callbacks, and each of them alone, over ranges that begin and end at, before and after each
    /// boundary.
    #[test]
    fn boundaries() -> Result {
        let forest = Forest::with_all_levels()?;

        for range in forest.ranges() {
            for which in [log::ALL, 0, log::HOLES, 1, 2, 4, 8, 16, 1 | log::HOLES, 24] {
                compare(&forest, range.0, range.1, which, 0)?;
            }
        }
        Ok(())
    }

    /// The last address there is, and ranges that are none.
    #[test]
    fn ends_of_the_world() -> Result {
        let forest = Forest::with_all_levels()?;
        let last = usize::MAX;

        for (start, end) in [
            (last - (1 << 21) + 1, last),
            (last - 4095, last),
            (last - 8191, last),
            (0, 0),
            (4096, 0),
            (8192, 4096),
        ] {
            compare(&forest, start, end, log::ALL, 0)?;
        }
        Ok(())
    }

    /// Callbacks that say what to do next, and that fail.
    #[test]
    fn answers() -> Result {
        let forest = Forest::with_all_levels()?;

        for seed in 1..200 {
            let mut random = Random::new(seed);
            let which = random.below(1 << 6) as u32;
            let (start, end) = forest.range(&mut random);

            compare(&forest, start, end, which, seed)?;
        }
        Ok(())
    }

    /// What nobody thought of.
    #[test]
    fn random_trees() -> Result {
        for seed in 1..24 {
            let mut random = Random::new(seed);
            let forest = Forest::random(&mut random)?;

            for _ in 0..12 {
                let (start, end) = forest.range(&mut random);
                compare(&forest, start, end, log::ALL, 0)?;
                compare(&forest, start, end, log::ALL, seed)?;
            }
        }
        Ok(())
    }

    /// What a node says of what the callbacks of C are called with.
    fn call(node: Node) -> Option<(u32, usize, u64)> {
        // SAFETY: Set once, at boot.
        let has_p4d = unsafe { bindings::has_p4d_tables() };

        Some(match node {
            Node::Hole { addr, level } => {
                let depth = match level {
                    Level::Pmd => 3,
                    Level::Pud => 2,
                    Level::P4d if has_p4d => 1,
                    Level::P4d | Level::Pgd => 0,
                    Level::Pte => return None,
                };
                (log::HOLE, addr, depth)
            }
            Node::Entry { addr, value } => {
                let (what, value) = match value {
                    Raw::Pgd(raw) => (log::PGD, raw),
                    Raw::P4d(raw) => (log::P4D, raw),
                    Raw::Pud(pud) => (log::PUD, pud.into_raw()),
                    Raw::Pmd(pmd) => (log::PMD, pmd.into_raw()),
                    Raw::Pte(pte) => (log::PTE, pte.into_raw()),
                };
                (what, addr, value)
            }
        })
    }

    /// The iterator yields what the callbacks of C are called with.
    #[test]
    fn tree() -> Result {
        let forest = Forest::with_all_levels()?;

        for (start, end) in forest.ranges() {
            let c = run(C, &forest, start, end, log::ALL, 0)?;
            // SAFETY: The forest is a root of tables that are nobody else's.
            let tree = unsafe {
                Tree::new(
                    &raw mut bindings::init_mm,
                    forest.root(),
                    start..=end.wrapping_sub(1),
                )
            };

            let calls = c.events.iter().map(
                |Event {
                     what, addr, value, ..
                 }| (*what, *addr, *value),
            );

            assert!(tree.filter_map(call).eq(calls));
        }
        Ok(())
    }

    /// What is skipped is left out, and nothing else.
    #[test]
    fn tree_skips() -> Result {
        let forest = Forest::with_all_levels()?;
        let root = forest.root();
        // SAFETY: As above.
        let mut tree = unsafe { Tree::new(&raw mut bindings::init_mm, root, 0..=(1 << 40) - 1) };
        let (mut puds, mut below) = (0, 0);

        while let Some(node) = tree.next() {
            match node {
                Node::Entry {
                    value: Raw::Pud(_), ..
                } => {
                    puds += 1;
                    tree.skip_below();
                }
                Node::Entry {
                    value: Raw::Pmd(_) | Raw::Pte(_),
                    ..
                }
                | Node::Hole {
                    level: Level::Pmd, ..
                } => below += 1,
                _ => {}
            }
        }
        assert!(puds > 1);
        assert_eq!(below, 0);
        Ok(())
    }
}
