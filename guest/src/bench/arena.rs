// SPDX-License-Identifier: GPL-2.0

//! Where the measured memory lies: always at the same addresses, under upper tables that stay.

use anyhow::Result;
use pagetables::map::{Mapping, Of};
use pagetables::{PAGE, TABLE_SPAN};
use std::fs::File;

const BASE: usize = 0x1000_0000_0000;
const ANCHOR: usize = BASE + (512 << 20);
/// The tables that most operations work on
pub const TABLES: usize = 32;
const LEN: usize = TABLES * TABLE_SPAN;
pub const PAGES: usize = LEN / PAGE;
/// Pages beside the first of each table
pub const REST: usize = PAGES - TABLES;

pub struct Arena {
    pub memory: Mapping,
    // Keeps the PMD and the PUD table.
    pub anchor: Mapping,
}

impl Arena {
    fn with(memory: impl FnOnce() -> Result<Mapping>) -> Result<Self> {
        let anchor = Mapping::at(ANCHOR, TABLE_SPAN, Of::Anon)?;
        anchor.no_huge_pages()?;
        anchor.write(0);
        let memory = memory()?;
        memory.no_huge_pages()?;
        Ok(Self { memory, anchor })
    }

    /// Private anonymous memory.
    pub fn anon() -> Result<Self> {
        Self::with(|| Mapping::at(BASE, LEN, Of::Anon))
    }

    /// Fewer or more tables than usual (at most 256).
    pub fn anon_tables(tables: usize) -> Result<Self> {
        Self::with(|| Mapping::at(BASE, tables * TABLE_SPAN, Of::Anon))
    }

    /// Shared memory that no page was ever in.
    pub fn shmem() -> Result<Self> {
        let file = File::from(rustix::fs::memfd_create(
            "freepte-bench",
            rustix::fs::MemfdFlags::CLOEXEC,
        )?);
        file.set_len(LEN as u64)?;
        Self::with(|| Mapping::at(BASE, LEN, Of::Shared(&file)))
    }

    /// Write to every page.
    pub fn fill(&self) {
        for offset in (0..self.memory.len()).step_by(PAGE) {
            self.memory.write(offset);
        }
    }

    /// Give every table its first page, so that it is there.
    pub fn first_pages(&self) {
        for offset in (0..self.memory.len()).step_by(TABLE_SPAN) {
            self.memory.write(offset);
        }
    }

    /// Every page but the first of each table.
    #[inline(always)]
    pub fn each_other(&self, mut visit: impl FnMut(&Mapping, usize)) {
        for table in (0..self.memory.len()).step_by(TABLE_SPAN) {
            for offset in (table + PAGE..table + TABLE_SPAN).step_by(PAGE) {
                visit(&self.memory, offset);
            }
        }
    }
}
