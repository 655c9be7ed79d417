// SPDX-License-Identifier: GPL-2.0

//! Choosing where: few places of each block, again and again, so that tables are emptied and
//! filled; and lengths from a page to several blocks, with all ways to lie over their limits.

use super::model::{Kind, PAGES};
use super::Gen;
use crate::arena::{BLOCKS, SLOTS};
use std::ops::Range;

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Want {
    Any,
    Mapped,
    Anon,
    /// Shared memory or a file
    Backed,
    Registered,
}

impl Gen {
    pub fn chance(&mut self, percent: usize) -> bool {
        self.random.below(100) < percent
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.random.below(end as usize) as u64
    }

    pub fn one_of<T: Copy>(&mut self, choices: &[T], or: T) -> T {
        let n = self.random.below(choices.len().max(1));
        choices.get(n).copied().unwrap_or(or)
    }

    /// A page of a block: mostly one of the few that are hot.
    fn slot(&mut self) -> u64 {
        const HOT: &[u64] = &[0, 1, 2, 3, 64, 255, 256, 257, 508, 510, 511];
        if self.chance(75) {
            self.one_of(HOT, 0)
        } else {
            self.below(SLOTS)
        }
    }

    fn wanted(&self, page: u64, want: Want) -> bool {
        let page = self.model.at(page);
        match want {
            Want::Any => true,
            Want::Mapped => page.kind != Kind::Hole,
            Want::Anon => page.kind == Kind::Anon,
            Want::Backed => !matches!(page.kind, Kind::Hole | Kind::Anon),
            Want::Registered => page.uffd.is_some(),
        }
    }

    /// A page, if luck has it one of those that are wanted.
    pub fn page(&mut self, want: Want) -> u64 {
        const TRIES: usize = 12;
        let mut page = 0;
        for _ in 0..TRIES {
            page = self.below(BLOCKS) * SLOTS + self.slot();
            if self.wanted(page, want) {
                break;
            }
        }
        page
    }

    fn length(&mut self) -> u64 {
        match self.below(10) {
            0..=4 => 1,
            5..=6 => 2 + self.below(7),
            7 => 8 + self.below(57),
            8 => 16,
            _ => 64 + self.below(257),
        }
    }

    /// Pages, in most cases all of one kind.
    pub fn range(&mut self, want: Want) -> Range<u64> {
        let page = self.page(want);
        let block = page / SLOTS * SLOTS;
        let next = block + SLOTS;
        let range = match self.below(100) {
            0..=69 => page..page + self.length(),
            // To the end of the table, or from its beginning
            70..=74 => page..next,
            75..=78 => block..page + 1,
            // A whole table, or several
            79..=89 => block..next,
            90..=92 => block..next + SLOTS * (1 + self.below(2)),
            // Over the limit between two
            93..=96 => next - 1 - self.below(8)..next + 1 + self.below(8),
            _ => page..next + 1 + self.below(SLOTS),
        };
        let end = range.end.min(PAGES);
        // What reaches into a hole fails at its edge: seldom, as that stops it half way.
        let alike = range.start + self.model.alike(range.start, end - range.start);
        if self.chance(80) && want != Want::Any {
            range.start..alike
        } else {
            range.start..end
        }
    }

    /// The same for what fills pages: seldom many at once, as that takes time.
    pub fn small_range(&mut self, want: Want) -> Range<u64> {
        let range = self.range(want);
        if range.end - range.start <= 64 || self.chance(4) {
            return range;
        }
        let len = 1 + self.below(64);
        // At the end as often as at the beginning
        if self.chance(50) {
            range.start..range.start + len
        } else {
            range.end - len..range.end
        }
    }

    /// Where to map: whole tables half of the time.
    pub fn place(&mut self) -> Range<u64> {
        if self.chance(50) {
            let block = self.below(BLOCKS);
            let count = 1 + self.below(3.min(BLOCKS - block));
            return block * SLOTS..(block + count) * SLOTS;
        }
        self.range(Want::Any)
    }
}
