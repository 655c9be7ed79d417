// SPDX-License-Identifier: GPL-2.0

//! Accesses to memory, by the program and by the kernel.

use super::model::Model;
use super::pick::Want;
use super::{at, call, span, Gen};
use crate::op::{Arg, Call};
use crate::symbol::{KNOB_DELAY_MS, KNOB_ENABLED};
use crate::verb::Verb;
use std::ops::Range;

impl Gen {
    /// A word of a page, mostly the first.
    fn word_at(&mut self) -> Arg {
        let page = self.page(Want::Mapped);
        let offset = self.one_of(&[0, 0, 0, 8, 0x800, 0xff8], 0);
        Arg::At(Model::bytes(page) + offset)
    }

    fn value(&mut self) -> Arg {
        (1 + self.below(0xffff)).into()
    }

    pub fn store(&mut self) -> Call {
        let args = [self.word_at(), self.value()];
        call(Verb::Store, args)
    }

    pub fn load(&mut self) -> Call {
        let args = [self.word_at()];
        call(Verb::Load, args)
    }

    fn each(range: Range<u64>) -> [Arg; 2] {
        [at(range.start), (range.end - range.start).into()]
    }

    pub fn store_pages(&mut self) -> Call {
        let [start, count] = Self::each(self.small_range(Want::Mapped));
        let value = self.value();
        call(Verb::StorePages, [start, count, value])
    }

    pub fn load_pages(&mut self) -> Call {
        let range = self.small_range(Want::Mapped);
        call(Verb::LoadPages, Self::each(range))
    }

    /// From one place to another, by the kernel.
    pub fn vm_copy(&mut self) -> Call {
        let from = self.page(Want::Mapped);
        let to = self.page(Want::Mapped);
        let len = self.one_of(&[8, 0x1000, 0x2008, 0x10000], 8);
        let part = |page, len: u64| Arg::Words(vec![at(page), len.into()]);
        let verb = if self.chance(50) {
            Verb::ProcessVmReadv
        } else {
            Verb::ProcessVmWritev
        };
        call(
            verb,
            [
                crate::symbol::SELF.into(),
                part(to, len),
                1.into(),
                part(from, len),
                1.into(),
                0.into(),
            ],
        )
    }

    /// Time for the reclaimer.
    pub fn pause(&mut self) -> Call {
        if !self.around && self.chance(20) {
            let delay = self.one_of(&[0, 0, 1, 5, 100], 0);
            return call(Verb::Knob, [KNOB_DELAY_MS.into(), delay.into()]);
        }
        let ms = self.one_of(&[1, 1, 1, 2, 6], 1);
        call(Verb::Pause, [ms.into()])
    }

    pub fn enabled(&mut self) -> Call {
        let on = u64::from(self.chance(75));
        call(Verb::Knob, [KNOB_ENABLED.into(), on.into()])
    }

    pub fn mincore(&mut self) -> Call {
        let [start, len] = span(&self.range(Want::Mapped));
        call(Verb::Mincore, [start, len, crate::symbol::OUT.into()])
    }
}
