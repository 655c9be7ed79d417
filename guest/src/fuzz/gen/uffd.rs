// SPDX-License-Identifier: GPL-2.0

//! userfaultfd. Faults are not answered by a thread, which would be a matter of time: they are
//! signals (UFFD_FEATURE_SIGBUS), or are resolved by the kernel (UFFD_FEATURE_WP_ASYNC).

use super::model::Kind;
use super::pick::Want;
use super::{at, call, len, span, Gen};
use crate::op::{Arg, Call};
use crate::symbol::{self as sym, Symbol, UFFDS};
use crate::verb::Verb;

impl Gen {
    pub fn open_uffd(&mut self) -> Call {
        let slot = self.random.below(UFFDS.len());
        let mut features = vec![
            sym::UFFD_FEATURE_SIGBUS,
            sym::UFFD_FEATURE_MINOR_SHMEM,
            sym::UFFD_FEATURE_WP_HUGETLBFS_SHMEM,
            sym::UFFD_FEATURE_POISON,
            sym::UFFD_FEATURE_MOVE,
        ];
        if self.chance(50) {
            features.push(sym::UFFD_FEATURE_WP_UNPOPULATED);
        }
        if self.chance(40) {
            features.push(sym::UFFD_FEATURE_WP_ASYNC);
        }
        self.model.forget_uffd(slot);
        if let Some(open) = self.model.uffds.get_mut(slot) {
            *open = true;
        }
        call(Verb::OpenUffd, [(slot as u64).into(), features.into()])
    }

    pub fn close_uffd(&mut self) -> Call {
        let slot = self.random.below(UFFDS.len());
        self.model.forget_uffd(slot);
        if let Some(open) = self.model.uffds.get_mut(slot) {
            *open = false;
        }
        call(Verb::CloseUffd, [(slot as u64).into()])
    }

    fn ioctl(&mut self, slot: usize, code: Symbol, words: Vec<Arg>) -> Call {
        let uffd = UFFDS.get(slot).copied().unwrap_or(sym::U0);
        call(Verb::Ioctl, [uffd.into(), code.into(), words.into()])
    }

    pub fn register(&mut self) -> Call {
        let slot = match self.model.uffds {
            [true, true] => self.random.below(2),
            [true, _] => 0,
            [_, true] => 1,
            // Nothing to register with yet
            _ => return self.open_uffd(),
        };
        let range = self.range(Want::Mapped);
        self.model.register(range.clone(), Some(slot));
        let mut modes = Vec::new();
        if self.chance(60) {
            modes.push(sym::UFFDIO_REGISTER_MODE_MISSING);
        }
        if matches!(
            self.model.at(range.start).kind,
            Kind::File(0..=2) | Kind::Shared
        ) && self.chance(50)
        {
            modes.push(sym::UFFDIO_REGISTER_MODE_MINOR);
        }
        if modes.is_empty() || self.chance(50) {
            modes.push(sym::UFFDIO_REGISTER_MODE_WP);
        }
        let [start, len] = span(&range);
        self.ioctl(
            slot,
            sym::UFFDIO_REGISTER,
            vec![start, len, modes.into(), 0.into()],
        )
    }

    /// A range that is registered, and with what.
    fn registered(&mut self) -> (usize, std::ops::Range<u64>) {
        let range = self.small_range(Want::Registered);
        let slot = self.model.at(range.start).uffd;
        (slot.unwrap_or_else(|| self.random.below(2)), range)
    }

    pub fn unregister(&mut self) -> Call {
        let (slot, range) = self.registered();
        self.model.register(range.clone(), None);
        self.ioctl(slot, sym::UFFDIO_UNREGISTER, span(&range).into())
    }

    fn mode(&mut self, percent: usize, mode: Symbol) -> Arg {
        if self.chance(percent) {
            mode.into()
        } else {
            0.into()
        }
    }

    pub fn copy(&mut self) -> Call {
        let (slot, to) = self.registered();
        let from = self.page(Want::Mapped);
        let mode = self.mode(25, sym::UFFDIO_COPY_MODE_WP);
        let words = vec![at(to.start), at(from), len(&to), mode, 0.into()];
        self.ioctl(slot, sym::UFFDIO_COPY, words)
    }

    pub fn zeropage(&mut self) -> Call {
        let (slot, range) = self.registered();
        let [start, len] = span(&range);
        let words = vec![start, len, 0.into(), 0.into()];
        self.ioctl(slot, sym::UFFDIO_ZEROPAGE, words)
    }

    pub fn write_protect(&mut self) -> Call {
        let (slot, range) = self.registered();
        let mode = self.mode(65, sym::UFFDIO_WRITEPROTECT_MODE_WP);
        let [start, len] = span(&range);
        self.ioctl(slot, sym::UFFDIO_WRITEPROTECT, vec![start, len, mode])
    }

    /// UFFDIO_CONTINUE
    pub fn go_on(&mut self) -> Call {
        let (slot, range) = self.registered();
        let mode = self.mode(25, sym::UFFDIO_CONTINUE_MODE_WP);
        let [start, len] = span(&range);
        let words = vec![start, len, mode, 0.into()];
        self.ioctl(slot, sym::UFFDIO_CONTINUE, words)
    }

    pub fn poison(&mut self) -> Call {
        let (slot, range) = self.registered();
        let [start, len] = span(&range);
        let words = vec![start, len, 0.into(), 0.into()];
        self.ioctl(slot, sym::UFFDIO_POISON, words)
    }

    /// UFFDIO_MOVE
    pub fn move_entries(&mut self) -> Call {
        let (slot, to) = self.registered();
        let from = self.page(Want::Anon);
        let mode = self.mode(60, sym::UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES);
        let words = vec![at(to.start), at(from), len(&to), mode, 0.into()];
        self.ioctl(slot, sym::UFFDIO_MOVE, words)
    }
}
