// SPDX-License-Identifier: GPL-2.0

//! Where addresses are in the picture.
//!
//! Most of an address space has no tables. So the axis is not of addresses: each table that has
//! no tables below it takes a column, in order of address, and columns between which there are no
//! tables stand a bit apart. Of more columns than cells fit beside each other, some share a cell.

use super::tree::{Table, Tree};
use std::ops::Range;

/// As many cells as a row has at most.
pub const CELLS: usize = 400;

/// The share of the width that all gaps together may take.
const GAPS: f64 = 0.25;

/// Where the tables stand in one row.
pub struct Placed<'a> {
    pub table: &'a Table,
    /// The cells of its columns
    pub cells: Range<usize>,
}

/// A stretch of the address space without tables.
#[derive(Debug, PartialEq, Eq)]
pub struct Gap {
    /// The cell on its right side
    pub before: usize,
    pub range: Range<u64>,
}

pub struct Axis {
    left: f64,
    cell: f64,
    gap: f64,
    /// Of each cell, the gaps to the left of it
    gaps_before: Vec<usize>,
    /// Of each cell, where its first column begins
    starts: Vec<u64>,
    pub gaps: Vec<Gap>,
}

/// Of each table, how many tables right after it are below it.
fn below(tables: &[Table]) -> Vec<usize> {
    let mut counts = vec![0; tables.len()];
    let mut open: Vec<usize> = Vec::new();
    for (n, table) in tables.iter().enumerate() {
        while open.last().is_some_and(|&o| tables[o].level >= table.level) {
            open.pop();
        }
        for &above in &open {
            counts[above] += 1;
        }
        open.push(n);
    }
    counts
}

/// An axis between two positions, and where the tree's tables are on it, in their order.
pub fn place(tree: &Tree, across: Range<f64>, widest: f64) -> (Axis, Vec<Placed<'_>>) {
    let below = below(&tree.tables);
    // Of each table, the columns before it; then all columns.
    let mut columns_before = vec![0];
    let mut leaves = Vec::new();
    for (table, below) in tree.tables.iter().zip(&below) {
        if *below == 0 {
            leaves.push(table);
        }
        columns_before.push(leaves.len());
    }
    let share = leaves.len().div_ceil(CELLS).max(1);
    let axis = Axis::new(&leaves, share, across, widest);
    let placed = |(n, table)| {
        let end: usize = n + below[n] + 1;
        let columns = columns_before[n]..columns_before[end];
        Placed {
            table,
            cells: columns.start / share..columns.end.div_ceil(share),
        }
    };
    let placed = tree.tables.iter().enumerate().map(placed).collect();
    (axis, placed)
}

impl Axis {
    fn new(leaves: &[&Table], share: usize, across: Range<f64>, widest: f64) -> Self {
        let mut gaps = Vec::new();
        let mut gaps_before = Vec::new();
        let mut starts = Vec::new();
        let mut end = None;
        for (cell, columns) in leaves.chunks(share).enumerate() {
            if let (Some(first), Some(last)) = (columns.first(), columns.last()) {
                match end {
                    Some(end) if end < first.start => gaps.push(Gap {
                        before: cell,
                        range: end..first.start,
                    }),
                    _ => (),
                }
                starts.push(first.start);
                end = Some(last.range().end);
            }
            gaps_before.push(gaps.len());
        }
        let width = across.end - across.start;
        let gap = (width * GAPS / gaps.len().max(1) as f64).min(12.0);
        let room = width - gap * gaps.len() as f64;
        Self {
            left: across.start,
            cell: (room / starts.len().max(1) as f64).min(widest),
            gap,
            gaps_before,
            starts,
            gaps,
        }
    }

    /// From where to where a run of cells goes.
    pub fn span(&self, cells: &Range<usize>) -> (f64, f64) {
        let left = |cell: usize| {
            let gaps = self.gaps_before.get(cell).copied().unwrap_or_default();
            self.left + self.cell * cell as f64 + self.gap * gaps as f64
        };
        (left(cells.start), left(cells.end.max(1) - 1) + self.cell)
    }

    pub fn gap_span(&self, gap: &Gap) -> (f64, f64) {
        let (right, _) = self.span(&(gap.before..gap.before + 1));
        (right - self.gap, right)
    }

    /// The cells before which there are no tables, and their addresses.
    pub fn run_starts(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let cells = (!self.starts.is_empty()).then_some(0);
        let cells = cells.into_iter().chain(self.gaps.iter().map(|g| g.before));
        cells.map(|cell| (cell, self.starts[cell]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::{print, small, table};
    use super::super::tree::Level;
    use super::*;
    use anyhow::Result;

    #[test]
    fn counts_what_is_below() {
        assert_eq!(below(&small()), [7, 3, 2, 0, 0, 2, 1, 0]);
        assert!(below(&[]).is_empty());
    }

    #[test]
    fn a_column_for_each_table_without_tables() -> Result<()> {
        let tree = Tree::parse(&print(&small()))?;
        let (axis, placed) = place(&tree, 0.0..1000.0, 50.0);
        let cells: Vec<_> = placed.iter().map(|p| p.cells.clone()).collect();
        assert_eq!(
            cells,
            [0..3, 0..2, 0..2, 0..1, 1..2, 2..3, 2..3, 2..3],
            "of each table"
        );
        assert_eq!(
            axis.gaps,
            [Gap {
                before: 2,
                range: 0x5580_1260_0000..0x7fff_ffe0_0000
            }]
        );
        assert_eq!(axis.span(&(0..2)), (0.0, 100.0));
        assert_eq!(axis.gap_span(&axis.gaps[0]), (100.0, 112.0));
        assert_eq!(axis.span(&(0..3)), (0.0, 162.0));
        let starts: Vec<_> = axis.run_starts().collect();
        assert_eq!(starts, [(0, 0x5580_1220_0000), (2, 0x7fff_ffe0_0000)]);
        Ok(())
    }

    #[test]
    fn nothing_leaves_the_picture() -> Result<()> {
        // Every other table is missing.
        let mut tables = vec![table(Level::Pgd, 0, 1), table(Level::Pud, 0, 3)];
        for n in 0..3 * 512 {
            let start = n << 22;
            if start % (1 << 30) == 0 {
                tables.push(table(Level::Pmd, start, 256));
            }
            tables.push(table(Level::Pte, start, 1));
        }
        let tree = Tree::parse(&print(&tables))?;
        let (axis, placed) = place(&tree, 10.0..500.0, 50.0);
        let cells = axis.starts.len();
        assert!(cells <= CELLS, "{cells}");
        assert_eq!(axis.gaps.len(), cells - 1);
        for p in &placed {
            assert!(p.cells.start < p.cells.end && p.cells.end <= cells);
            let (left, right) = axis.span(&p.cells);
            assert!(10.0 <= left && left < right && right < 500.1);
        }
        Ok(())
    }
}
