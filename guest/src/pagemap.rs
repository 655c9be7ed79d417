// SPDX-License-Identifier: GPL-2.0

//! The pagemap of a process: which entries are there, by the ioctl and by its plain words.

use crate::entry::is_entry;
use crate::maps::{self, Area};
use crate::scan::{self, Run};
use crate::shape::{Leaf, Shape};
use crate::status::Status;
use crate::{PAGE, TABLE_SPAN};
use anyhow::{Context, Result};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

const SPAN: u64 = TABLE_SPAN as u64;

pub struct Pagemap {
    pid: u32,
    file: File,
}

impl Pagemap {
    pub fn open(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/pagemap");
        let file = File::open(&path).with_context(|| format!("opening {path}"))?;
        Ok(Self { pid, file })
    }

    pub fn runs(&self, range: Range<u64>) -> Result<Vec<Run>> {
        scan::runs(&self.file, range)
    }

    /// Number of entries in a range that are not none.
    pub fn entries(&self, range: Range<u64>) -> Result<u64> {
        let bytes: u64 = self
            .runs(range)?
            .iter()
            .map(|run| run.range.end - run.range.start)
            .sum();
        Ok(bytes / PAGE as u64)
    }

    /// The tables that the process needs now. Of each table one entry is looked for, not all:
    /// this is asked many times a second.
    pub fn shape(&self, areas: &[Area]) -> Result<Shape> {
        let mut shape = Shape::default();
        let mut hugetlb = None;
        for area in areas {
            let mut at = area.range.start;
            while at < area.range.end {
                let Some((run, next)) = scan::first(&self.file, &(at..area.range.end))? else {
                    break;
                };
                let leaf = if !run.huge {
                    Leaf::Pte
                } else if run.file {
                    Leaf::Pmd
                } else {
                    // Anonymous, and the zero page: a deposit, but not for hugetlb.
                    let list = match &mut hugetlb {
                        Some(list) => list,
                        none => none.insert(self.hugetlb_starts()?),
                    };
                    if list.contains(&area.range.start) {
                        Leaf::Pmd
                    } else {
                        Leaf::PmdDeposit
                    }
                };
                shape.add(&run.range, leaf);
                let table_end = (run.range.start / SPAN + 1) * SPAN;
                at = table_end.max(next);
            }
        }
        Ok(shape)
    }

    /// Where hugetlb areas begin; the slow look for them is for a process that has such pages.
    fn hugetlb_starts(&self) -> Result<Vec<u64>> {
        if Status::read(self.pid)?.hugetlb_kb == 0 {
            return Ok(Vec::new());
        }
        maps::hugetlb_starts(self.pid)
    }

    /// The same from the plain words, which know nothing of PMD leaves: slow, and right only for
    /// a process without them. It is what the ioctl's answer is checked against.
    pub fn shape_by_words(&self, areas: &[Area]) -> Result<Shape> {
        let mut shape = Shape::default();
        let mut words = vec![0; 64 << 10];
        for area in areas {
            let mut at = area.range.start;
            while at < area.range.end {
                let want = ((area.range.end - at) / PAGE as u64 * 8).min(words.len() as u64);
                let got = self
                    .file
                    .read_at(&mut words[..want as usize], at / PAGE as u64 * 8)
                    .context("reading a pagemap")?;
                if got < 8 {
                    break;
                }
                for word in words[..got].chunks_exact(8) {
                    let mut bytes = [0; 8];
                    bytes.copy_from_slice(word);
                    if is_entry(u64::from_ne_bytes(bytes)) {
                        shape.add(&(at..at + 1), Leaf::Pte);
                    }
                    at += PAGE as u64;
                }
            }
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::Mapping;

    #[test]
    fn both_ways_agree() -> Result<()> {
        let pid = std::process::id();
        let mapping = Mapping::anon(8 * TABLE_SPAN)?;
        mapping.no_huge_pages()?;
        for table in [0, 3, 5] {
            mapping.write(table * TABLE_SPAN + 7 * PAGE);
        }
        mapping.read(6 * TABLE_SPAN);
        mapping.write(7 * TABLE_SPAN - PAGE);
        mapping.write(7 * TABLE_SPAN);
        let area = Area {
            range: mapping.range(),
            name: String::new(),
        };
        let pagemap = Pagemap::open(pid)?;
        let shape = pagemap.shape(std::slice::from_ref(&area))?;
        assert_eq!(shape.pte_tables(), 5, "the zero page's among them");
        assert_eq!(pagemap.entries(area.range.clone())?, 6);
        assert_eq!(shape, pagemap.shape_by_words(&[area])?);
        Ok(())
    }
}
