// SPDX-License-Identifier: GPL-2.0

//! The pagemap of a process: which entries are there, by the ioctl and by its plain words.

use crate::entry::is_entry;
use crate::maps::{self, Area};
use crate::scan::{self, Run};
use crate::shape::{Leaf, Shape};
use crate::PAGE;
use anyhow::{Context, Result};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

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

    /// The tables that the process needs now.
    pub fn shape(&self, areas: &[Area]) -> Result<Shape> {
        let mut shape = Shape::default();
        let mut hugetlb = None;
        for area in areas {
            for run in self.runs(area.range.clone())? {
                let leaf = if !run.huge {
                    Leaf::Pte
                } else if run.file {
                    Leaf::Pmd
                } else {
                    // Anonymous, and the zero page: a deposit, but not for hugetlb.
                    let list = match &mut hugetlb {
                        Some(list) => list,
                        none => none.insert(maps::hugetlb_starts(self.pid)?),
                    };
                    if list.contains(&area.range.start) {
                        Leaf::Pmd
                    } else {
                        Leaf::PmdDeposit
                    }
                };
                shape.add(&run.range, leaf);
            }
        }
        Ok(shape)
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
    use crate::TABLE_SPAN;

    #[test]
    fn both_ways_agree() -> Result<()> {
        let pid = std::process::id();
        let mapping = Mapping::anon(8 * TABLE_SPAN)?;
        mapping.no_huge_pages()?;
        for table in [0, 3, 5] {
            mapping.write(table * TABLE_SPAN + 7 * PAGE);
        }
        mapping.read(6 * TABLE_SPAN);
        let area = Area {
            range: mapping.range(),
            name: String::new(),
        };
        let pagemap = Pagemap::open(pid)?;
        let shape = pagemap.shape(std::slice::from_ref(&area))?;
        assert_eq!(shape.pte_tables(), 4, "three pages and the zero page");
        assert_eq!(pagemap.entries(area.range.clone())?, 4);
        assert_eq!(shape, pagemap.shape_by_words(&[area])?);
        Ok(())
    }
}
