// SPDX-License-Identifier: GPL-2.0

//! Walks against the C that they replace, over tables that are built by hand.

mod forest;
mod log;
mod memory;

#[kernel::prelude::kunit_tests(rust_pagewalk_tables)]
mod tables {
    use super::{
        forest::{Forest, Random},
        log::{self, Answers, Event, Log},
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
        let mut log = Log::new(Answers::new(seed))?;
        let ops = log::operations(which);

        // SAFETY: The forest is a root of tables that are nobody else's.
        log.result = unsafe { walk(start, end, &ops, forest.root(), log.private()) };
        assert!(log.result != ENOMEM.to_errno());
        Ok(log)
    }

    fn compare(forest: &Forest, start: usize, end: usize, which: u32, seed: u64) -> Result {
        let rust = run(RUST, forest, start, end, which, seed)?;
        let c = run(C, forest, start, end, which, seed)?;

        assert_eq!(rust.result, c.result);
        assert_eq!(rust.events.len(), c.events.len());
        assert!(rust.events.iter().eq(c.events.iter()));
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

    fn event(node: Node) -> Option<Event> {
        // SAFETY: Set once, at boot.
        let has_p4d = unsafe { bindings::has_p4d_tables() };

        Some(match node {
            Node::Hole { addr, level } => Event {
                what: log::HOLE,
                addr,
                value: match level {
                    Level::Pmd => 3,
                    Level::Pud => 2,
                    Level::P4d if has_p4d => 1,
                    Level::P4d | Level::Pgd => 0,
                    Level::Pte => return None,
                },
            },
            Node::Entry { addr, value } => {
                let (what, value) = match value {
                    Raw::Pgd(raw) => (log::PGD, raw),
                    Raw::P4d(raw) => (log::P4D, raw),
                    Raw::Pud(pud) => (log::PUD, pud.into_raw()),
                    Raw::Pmd(pmd) => (log::PMD, pmd.into_raw()),
                    Raw::Pte(pte) => (log::PTE, pte.into_raw()),
                };
                Event { what, addr, value }
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

            assert!(tree.filter_map(event).eq(c.events.iter().copied()));
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
