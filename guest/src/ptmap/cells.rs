// SPDX-License-Identifier: GPL-2.0

//! The tables of one level, put together where they stand in one cell.

use super::axis::Placed;
use super::tree::{Table, ENTRIES};
use std::ops::Range;

/// A table, or a few that are drawn as one.
pub struct Group<'a> {
    pub first: &'a Table,
    pub last: &'a Table,
    pub cells: Range<usize>,
    pub tables: u64,
    pub empty: u64,
    pub populated: u64,
    /// The least and the most entries that one of them has
    pub extremes: (u32, u32),
    pub refs: u64,
}

impl<'a> Group<'a> {
    fn of(table: &'a Table, cells: Range<usize>) -> Self {
        let mut group = Self {
            first: table,
            last: table,
            cells,
            tables: 0,
            empty: 0,
            populated: 0,
            extremes: (ENTRIES, 0),
            refs: 0,
        };
        group.add(table);
        group
    }

    fn add(&mut self, table: &'a Table) {
        self.last = table;
        self.tables += 1;
        self.empty += u64::from(table.populated == 0);
        self.populated += u64::from(table.populated);
        let (least, most) = self.extremes;
        self.extremes = (least.min(table.populated), most.max(table.populated));
        self.refs += u64::from(table.refs.unwrap_or(0));
    }

    /// Populated entries of all entries.
    pub fn share(&self) -> f64 {
        self.populated as f64 / (self.tables * u64::from(ENTRIES)) as f64
    }

    pub fn empty_share(&self) -> f64 {
        self.empty as f64 / self.tables as f64
    }
}

/// Put the tables of one level together. No two groups share a cell: where two tables do, the
/// first one has it, and a table that gets no cell of its own is put to the one before it.
pub fn groups<'a>(tables: impl Iterator<Item = &'a Placed<'a>>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group> = Vec::new();
    for placed in tables {
        let mut cells = placed.cells.clone();
        match groups.last_mut() {
            Some(last) if cells.end <= last.cells.end => {
                last.add(placed.table);
                continue;
            }
            Some(last) => cells.start = cells.start.max(last.cells.end),
            None => (),
        }
        groups.push(Group::of(placed.table, cells));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::table;
    use super::super::tree::Level;
    use super::*;

    #[test]
    fn tables_that_share_a_cell_are_one() {
        let tables: Vec<_> = [0, 512, 10, 4, 5]
            .iter()
            .zip(0..)
            .map(|(&populated, n)| table(Level::Pte, n << 21, populated))
            .collect();
        let cells = [0..1, 0..1, 0..3, 2..5, 7..8];
        let placed: Vec<_> = tables
            .iter()
            .zip(cells)
            .map(|(table, cells)| Placed { table, cells })
            .collect();
        let groups = groups(placed.iter());
        let cells: Vec<_> = groups.iter().map(|g| g.cells.clone()).collect();
        assert_eq!(cells, [0..1, 1..3, 3..5, 7..8]);
        let first = &groups[0];
        assert_eq!((first.tables, first.empty, first.populated), (2, 1, 512));
        assert_eq!((first.extremes, first.last.start), ((0, 512), 1 << 21));
        assert_eq!((first.share(), first.empty_share()), (0.5, 0.5));
        assert_eq!(groups[1].first.populated, 10);
    }
}
