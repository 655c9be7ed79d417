// SPDX-License-Identifier: GPL-2.0

//! What happens to files that are mapped, behind the back of their mappings.

use super::model::{Kind, Model};
use super::pick::Want;
use super::{at, call, span, Gen};
use crate::arena::{BLOCK, FILE_BYTES, PAGE};
use crate::op::{Arg, Call};
use crate::symbol::{self as sym, Symbol, FILES};
use crate::verb::Verb;

impl Gen {
    /// A file, mostly one that is mapped.
    fn file(&mut self) -> Symbol {
        let page = self.page(Want::Backed);
        let slot = match self.model.at(page).kind {
            Kind::File(slot) => slot,
            _ => self.any_file(),
        };
        FILES.get(slot).copied().unwrap_or(sym::F0)
    }

    /// Where in a file, and how much: whole tables' worth now and then.
    fn part(&mut self) -> [Arg; 2] {
        let start = self.file_offset();
        let len = match self.below(6) {
            0 => BLOCK,
            1 => BLOCK / 2,
            2 => 0x800,
            3 => 1 + self.below(0x3000),
            _ => Model::bytes(1 + self.below(16)),
        };
        [start.into(), len.min(FILE_BYTES - start).into()]
    }

    pub fn punch(&mut self) -> Call {
        let mode = vec![sym::FALLOC_FL_PUNCH_HOLE, sym::FALLOC_FL_KEEP_SIZE];
        let file = self.file();
        let [start, len] = self.part();
        call(Verb::Fallocate, [file.into(), mode.into(), start, len])
    }

    pub fn remove(&mut self) -> Call {
        let [start, len] = span(&self.range(Want::Backed));
        call(Verb::Madvise, [start, len, sym::MADV_REMOVE.into()])
    }

    /// What not every file system can.
    pub fn reshape(&mut self) -> Call {
        let mode: Arg = match self.below(5) {
            0 => 0.into(),
            1 => sym::FALLOC_FL_KEEP_SIZE.into(),
            2 => sym::FALLOC_FL_ZERO_RANGE.into(),
            3 => sym::FALLOC_FL_COLLAPSE_RANGE.into(),
            _ => sym::FALLOC_FL_INSERT_RANGE.into(),
        };
        let file = self.file();
        let start = Model::bytes(self.below(256));
        let len = Model::bytes(1 + self.below(16));
        call(
            Verb::Fallocate,
            [file.into(), mode, start.into(), len.into()],
        )
    }

    pub fn ftruncate(&mut self) -> Call {
        let file = self.file();
        let size = match self.below(5) {
            0 => 0,
            1 => self.below(FILE_BYTES),
            2 => FILE_BYTES,
            _ => self.file_offset(),
        };
        call(Verb::Ftruncate, [file.into(), size.into()])
    }

    fn transfer(&mut self, verb: Verb) -> Call {
        let file = self.file();
        let page = self.page(Want::Mapped);
        let offset = self.file_offset();
        let len = self.one_of(&[8, PAGE, 3 * PAGE + 16, 16 * PAGE], 8);
        let len = len.min(FILE_BYTES - offset);
        call(verb, [file.into(), at(page), len.into(), offset.into()])
    }

    pub fn pread(&mut self) -> Call {
        self.transfer(Verb::Pread)
    }

    pub fn pwrite(&mut self) -> Call {
        self.transfer(Verb::Pwrite)
    }

    pub fn msync(&mut self) -> Call {
        let [start, len] = span(&self.range(Want::Backed));
        let flags: Arg = match self.below(4) {
            0 => sym::MS_ASYNC.into(),
            1 => vec![sym::MS_SYNC, sym::MS_INVALIDATE].into(),
            _ => sym::MS_SYNC.into(),
        };
        call(Verb::Msync, [start, len, flags])
    }

    pub fn fsync(&mut self) -> Call {
        let file = self.file();
        call(Verb::Fsync, [file.into()])
    }

    pub fn seal(&mut self) -> Call {
        let seal = self.one_of(
            &[
                sym::F_SEAL_SHRINK,
                sym::F_SEAL_GROW,
                sym::F_SEAL_WRITE,
                sym::F_SEAL_FUTURE_WRITE,
            ],
            sym::F_SEAL_GROW,
        );
        let file = self.one_of(&[sym::F0, sym::F1], sym::F0);
        call(
            Verb::Fcntl,
            [file.into(), sym::F_ADD_SEALS.into(), seal.into()],
        )
    }

    /// A new one in the place of what was sealed.
    pub fn open_memfd(&mut self) -> Call {
        let slot = self.below(2);
        call(Verb::OpenMemfd, [slot.into()])
    }

    pub fn drop_caches(&mut self) -> Call {
        call(Verb::DropCaches, [])
    }
}
