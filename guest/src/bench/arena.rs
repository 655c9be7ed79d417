// SPDX-License-Identifier: GPL-2.0

//! Where the measured memory lies: always at the same addresses, under upper tables that stay.

use crate::setting::Setting;
use anyhow::{ensure, Result};
use pagetables::map::{Mapping, Of};
use pagetables::{PAGE, TABLE_SPAN};
use std::fs::File;

const BASE: usize = 0x1000_0000_0000;
const ANCHOR: usize = BASE + (512 << 20);
/// Somewhere else under the same upper tables
const ELSEWHERE: usize = BASE + (256 << 20);
/// The tables that most operations work on
pub const TABLES: usize = 16;
pub const LEN: usize = TABLES * TABLE_SPAN;
pub const PAGES: usize = LEN / PAGE;
/// Pages beside the first of each table
pub const REST: usize = PAGES - TABLES;

const FOLIO_KNOB: &str = "/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled";

/// What memory consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folios {
    Small,
    /// 64 KiB each, mapped by PTEs
    Kib64,
    /// 2 MiB each, mapped by a PMD
    Pmd,
}

impl Folios {
    fn pages(self) -> usize {
        match self {
            Folios::Small => 1,
            Folios::Kib64 => 16,
            Folios::Pmd => 512,
        }
    }
}

pub struct Arena {
    pub memory: Mapping,
    // Keeps the PMD and the PUD table.
    pub anchor: Mapping,
    folios: Folios,
    // Dropped with the arena: 64 KiB folios are for nothing else.
    _knob: Option<Setting>,
}

pub fn memfd(len: usize) -> Result<File> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let file = File::from(rustix::fs::memfd_create("freepte-bench", flags)?);
    file.set_len(len as u64)?;
    Ok(file)
}

impl Arena {
    fn with(folios: Folios, memory: impl FnOnce() -> Result<Mapping>) -> Result<Self> {
        let anchor = Self::bare()?;
        let memory = memory()?;
        let mut knob = None;
        match folios {
            Folios::Small => memory.no_huge_pages()?,
            Folios::Kib64 => knob = Some(Setting::put(FOLIO_KNOB, "always")?),
            Folios::Pmd => memory.huge_pages()?,
        }
        Ok(Self {
            memory,
            anchor,
            folios,
            _knob: knob,
        })
    }

    /// Private anonymous memory.
    pub fn anon() -> Result<Self> {
        Self::of_folios(Folios::Small)
    }

    /// The same, every page of it written to.
    pub fn full() -> Result<Self> {
        let arena = Self::anon()?;
        arena.fill();
        Ok(arena)
    }

    /// Private anonymous memory of folios of a size.
    pub fn of_folios(folios: Folios) -> Result<Self> {
        Self::with(folios, || Mapping::at(BASE, LEN, Of::Anon))
    }

    /// Fewer or more tables than usual (at most 256).
    pub fn anon_tables(tables: usize) -> Result<Self> {
        Self::with(Folios::Small, || {
            Mapping::at(BASE, tables * TABLE_SPAN, Of::Anon)
        })
    }

    /// Shared memory that no page was ever in.
    pub fn shmem() -> Result<Self> {
        Self::of_file(&memfd(LEN)?)
    }

    pub fn of_file(file: &File) -> Result<Self> {
        Self::with(Folios::Small, || Mapping::at(BASE, LEN, Of::Shared(file)))
    }

    /// A private mapping of a file whose every page is in the page cache.
    pub fn private_file() -> Result<Self> {
        let file = Self::cached_file()?;
        Self::with(Folios::Small, || Mapping::at(BASE, LEN, Of::Private(&file)))
    }

    /// A file of `LEN` bytes with every page in the page cache, mapped nowhere.
    pub fn cached_file() -> Result<File> {
        let file = memfd(LEN)?;
        Self::of_file(&file)?.fill();
        Ok(file)
    }

    /// Only the anchor: for memory that is mapped while the clock runs.
    pub fn bare() -> Result<Mapping> {
        let anchor = Mapping::at(ANCHOR, TABLE_SPAN, Of::Anon)?;
        anchor.no_huge_pages()?;
        anchor.write(0);
        Ok(anchor)
    }

    /// Memory as long as the arena's, with room for a shift, and nothing in it.
    pub fn elsewhere() -> Result<Mapping> {
        Mapping::at(ELSEWHERE, LEN + TABLE_SPAN, Of::Anon)
    }

    pub fn base() -> usize {
        BASE
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

    /// That memory one byte of each folio of which was written to is of the folios asked for.
    pub fn check_folios(&self) -> Result<()> {
        let rss =
            pagetables::pagemap::Pagemap::open(std::process::id())?.entries(self.memory.range())?;
        let expected = (self.memory.len() / PAGE) as u64;
        ensure!(
            rss == expected,
            "one write to each of {} KiB mapped {rss} pages of {expected}",
            self.folios.pages() * 4
        );
        Ok(())
    }

    /// Write to every folio.
    pub fn fill_folios(&self) -> Result<()> {
        for offset in (0..self.memory.len()).step_by(self.folios.pages() * PAGE) {
            self.memory.write(offset);
        }
        self.check_folios()
    }
}
