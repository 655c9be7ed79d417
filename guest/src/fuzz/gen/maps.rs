// SPDX-License-Identifier: GPL-2.0

//! Mappings that come, go, move and change.

use super::model::{Kind, Model, PAGES};
use super::pick::Want;
use super::{at, call, len, span, Gen};
use crate::arena::{BLOCKS, FILE_BYTES, SLOTS};
use crate::op::{Arg, Call};
use crate::symbol::{self as sym, Symbol, FILES};
use crate::verb::Verb;
use std::ops::Range;

impl Gen {
    fn protection(&mut self) -> Arg {
        match self.below(20) {
            0 => sym::PROT_NONE.into(),
            1 | 2 => sym::PROT_READ.into(),
            3 => vec![sym::PROT_READ, sym::PROT_EXEC].into(),
            4 => sym::PROT_WRITE.into(),
            _ => vec![sym::PROT_READ, sym::PROT_WRITE].into(),
        }
    }

    /// Where in a file: aligned to a table, to a page, and beyond its end.
    pub fn file_offset(&mut self) -> u64 {
        match self.below(4) {
            0 => 0,
            1 => self.below(FILE_BYTES / crate::arena::BLOCK) * crate::arena::BLOCK,
            _ => Model::bytes(self.below(FILE_BYTES / crate::arena::PAGE)),
        }
    }

    pub fn mmap(&mut self) -> Call {
        let mut range = self.place();
        let mut flags: Vec<Symbol> = Vec::new();
        let (kind, file): (Kind, Option<usize>) = match self.below(10) {
            0..=3 => (Kind::Anon, None),
            4 => (Kind::Shared, None),
            _ => {
                let file = self.any_file();
                (Kind::File(file), Some(file))
            }
        };
        flags.push(match kind {
            Kind::Shared => sym::MAP_SHARED,
            Kind::File(_) if self.chance(65) => sym::MAP_SHARED,
            _ => sym::MAP_PRIVATE,
        });
        if file.is_none() {
            flags.push(sym::MAP_ANONYMOUS);
        }
        let replace = self.chance(85);
        flags.push(if replace {
            sym::MAP_FIXED
        } else {
            sym::MAP_FIXED_NOREPLACE
        });
        match self.below(30) {
            0 | 1 => flags.push(sym::MAP_NORESERVE),
            2 | 3 => {
                flags.push(sym::MAP_POPULATE);
                range.end = range.end.min(range.start + 64);
            }
            4 => {
                flags.push(sym::MAP_LOCKED);
                range.end = range.end.min(range.start + 64);
            }
            5 if kind == Kind::Anon => flags.push(sym::MAP_GROWSDOWN),
            6 => {
                flags.push(sym::MAP_POPULATE);
                flags.push(sym::MAP_NONBLOCK);
            }
            _ => {}
        }
        let offset = if file.is_some() {
            self.file_offset()
        } else {
            0
        };
        if replace || self.model.alike(range.start, range.end - range.start) > 0 {
            self.model.map(range.clone(), kind);
        }
        let fd: Arg = match file.and_then(|n| FILES.get(n)) {
            Some(&file) => file.into(),
            None => u64::MAX.into(),
        };
        let protection = self.protection();
        let [start, len] = span(&range);
        call(
            Verb::Mmap,
            [start, len, protection, flags.into(), fd, offset.into()],
        )
    }

    pub fn munmap(&mut self) -> Call {
        let range = self.range(Want::Mapped);
        self.model.map(range.clone(), Kind::Hole);
        call(Verb::Munmap, span(&range))
    }

    pub fn mprotect(&mut self) -> Call {
        let [start, len] = span(&self.range(Want::Mapped));
        let protection = self.protection();
        call(Verb::Mprotect, [start, len, protection])
    }

    fn mremap(&mut self, from: Range<u64>, to: u64) -> Call {
        let mut flags = vec![sym::MREMAP_MAYMOVE, sym::MREMAP_FIXED];
        let leave = self.chance(25);
        if leave {
            flags.push(sym::MREMAP_DONTUNMAP);
        }
        self.model.shift(from.clone(), to, leave);
        call(
            Verb::Mremap,
            [at(from.start), len(&from), len(&from), flags.into(), at(to)],
        )
    }

    /// Some pages, to a place that lies in a table as the old one did, or does not.
    pub fn move_pages_away(&mut self) -> Call {
        let from = self.range(Want::Mapped);
        let len = from.end - from.start;
        let most = PAGES - len.min(PAGES);
        let to = if self.chance(40) {
            self.below(BLOCKS) * SLOTS + from.start % SLOTS
        } else {
            self.page(Want::Any)
        };
        self.mremap(from, to.min(most))
    }

    /// Whole tables, which are moved and not their entries.
    pub fn move_blocks(&mut self) -> Call {
        let count = 1 + self.below(3);
        let from = self.below(BLOCKS - count + 1) * SLOTS;
        let to = self.below(BLOCKS - count + 1) * SLOTS;
        self.mremap(from..from + count * SLOTS, to)
    }

    /// Longer or shorter in its place.
    pub fn resize(&mut self) -> Call {
        let from = self.range(Want::Mapped);
        let other = match self.below(3) {
            0 => 1 + self.below(from.end - from.start),
            1 => from.end - from.start + 1 + self.below(8),
            _ => SLOTS * (1 + self.below(2)),
        };
        let end = (from.start + other).min(PAGES);
        if end < from.end {
            self.model.map(end..from.end, Kind::Hole);
        } else {
            let kind = self.model.at(from.start).kind;
            self.model.map(from.end..end, kind);
        }
        call(
            Verb::Mremap,
            [
                at(from.start),
                len(&from),
                len(&(from.start..end)),
                0.into(),
                0.into(),
            ],
        )
    }

    pub fn remap_file_pages(&mut self) -> Call {
        let range = self.range(Want::Backed);
        let offset = self.below(FILE_BYTES / crate::arena::PAGE);
        let [start, len] = span(&range);
        call(
            Verb::RemapFilePages,
            [start, len, 0.into(), offset.into(), 0.into()],
        )
    }

    pub fn mlock(&mut self) -> Call {
        let [start, len] = span(&self.small_range(Want::Mapped));
        if self.chance(40) {
            let on_fault = if self.chance(80) {
                sym::MLOCK_ONFAULT.into()
            } else {
                0.into()
            };
            return call(Verb::Mlock2, [start, len, on_fault]);
        }
        call(Verb::Mlock, [start, len])
    }

    pub fn munlock(&mut self) -> Call {
        call(Verb::Munlock, span(&self.range(Want::Mapped)))
    }

    pub fn mlockall(&mut self) -> Call {
        let flags = match self.below(3) {
            0 => vec![sym::MCL_CURRENT, sym::MCL_ONFAULT],
            1 => vec![sym::MCL_CURRENT, sym::MCL_FUTURE, sym::MCL_ONFAULT],
            _ => vec![sym::MCL_FUTURE, sym::MCL_ONFAULT],
        };
        call(Verb::Mlockall, [flags.into()])
    }

    pub fn munlockall(&mut self) -> Call {
        call(Verb::Munlockall, [])
    }
}
