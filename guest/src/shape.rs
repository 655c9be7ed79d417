// SPDX-License-Identifier: GPL-2.0

//! Which page tables a set of entries needs.

use std::collections::BTreeSet;
use std::ops::Range;

const PTE_SHIFT: u32 = 21;
const PMD_SHIFT: u32 = 30;
const PUD_SHIFT: u32 = 39;
const TABLE_KB: u64 = 4;

/// The tables of an address space, each by the number of the range that it maps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    pte: BTreeSet<u64>,
    pmd: BTreeSet<u64>,
    pud: BTreeSet<u64>,
}

/// How a run of pages is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// By entries of PTE tables
    Pte,
    /// By PMD entries, and nothing below them
    Pmd,
    /// By PMD entries of anonymous memory: the kernel keeps a PTE table in deposit for each, so
    /// that it can always be split, and counts it in VmPTE
    PmdDeposit,
}

fn numbers(range: &Range<u64>, shift: u32) -> impl Iterator<Item = u64> {
    let end = if range.is_empty() {
        range.start >> shift
    } else {
        ((range.end - 1) >> shift) + 1
    };
    range.start >> shift..end
}

impl Shape {
    /// Add the tables that a run of entries that are not none needs.
    pub fn add(&mut self, run: &Range<u64>, leaf: Leaf) {
        if leaf != Leaf::Pmd {
            self.pte.extend(numbers(run, PTE_SHIFT));
        }
        self.add_upper(run);
    }

    fn add_upper(&mut self, run: &Range<u64>) {
        self.pmd.extend(numbers(run, PMD_SHIFT));
        self.pud.extend(numbers(run, PUD_SHIFT));
    }

    /// Add the upper tables that were needed `before` and cannot have gone since.
    ///
    /// Upper tables are freed by munmap only, and only once nothing is mapped in their range any
    /// more: neither freepte nor upstream's PT_RECLAIM frees them earlier. A process that emptied
    /// a range but keeps it mapped still has them, by design; they are no excess.
    pub fn keep_upper(&mut self, before: &Shape, mapped: &[Range<u64>]) {
        let mut possible = Shape::default();
        for range in mapped {
            possible.add_upper(range);
        }
        self.pmd.extend(before.pmd.intersection(&possible.pmd));
        self.pud.extend(before.pud.intersection(&possible.pud));
    }

    pub fn pte_tables(&self) -> u64 {
        self.pte.len() as u64
    }

    pub fn upper_tables(&self) -> u64 {
        (self.pmd.len() + self.pud.len()) as u64
    }

    pub fn kb(&self) -> u64 {
        TABLE_KB * (self.pte_tables() + self.upper_tables())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const M2: u64 = 2 << 20;
    const G: u64 = 1 << 30;

    fn shape(runs: &[(Range<u64>, Leaf)]) -> Shape {
        let mut shape = Shape::default();
        for (run, leaf) in runs {
            shape.add(run, *leaf);
        }
        shape
    }

    #[test]
    fn nothing_needs_nothing() {
        assert_eq!(Shape::default().kb(), 0);
        assert_eq!(shape(&[(M2..M2, Leaf::Pte)]).kb(), 0);
    }

    #[test]
    fn one_page_needs_three_tables() {
        assert_eq!(shape(&[(0x1000..0x2000, Leaf::Pte)]).kb(), 12);
    }

    #[test]
    fn runs_in_one_table_share_it() {
        let runs = [(0..0x1000, Leaf::Pte), (M2 - 0x1000..M2, Leaf::Pte)];
        assert_eq!(shape(&runs).pte_tables(), 1);
    }

    #[test]
    fn a_run_over_an_edge_needs_both() {
        let shape = shape(&[(G - 0x1000..G + 0x1000, Leaf::Pte)]);
        assert_eq!(shape.pte_tables(), 2);
        assert_eq!(shape.upper_tables(), 3);
    }

    #[test]
    fn leaves_need_no_pte_table_but_for_the_deposit() {
        let file = shape(&[(0..4 * M2, Leaf::Pmd)]);
        assert_eq!((file.pte_tables(), file.upper_tables()), (0, 2));
        assert_eq!(shape(&[(0..4 * M2, Leaf::PmdDeposit)]).pte_tables(), 4);
    }

    #[test]
    fn upper_tables_stay_where_something_is_mapped() {
        let before = shape(&[(0..0x1000, Leaf::Pte), (5 * G..5 * G + 1, Leaf::Pte)]);
        let mut now = Shape::default();
        now.keep_upper(&before, std::slice::from_ref(&(0..2 * M2)));
        assert_eq!((now.pte_tables(), now.upper_tables()), (0, 2));
        now.keep_upper(&before, &[0..1, 5 * G..6 * G, 7 * G..8 * G]);
        assert_eq!((now.pte_tables(), now.upper_tables()), (0, 3));
    }
}
