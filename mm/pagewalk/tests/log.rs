// SPDX-License-Identifier: GPL-2.0

//! What callbacks are called with, and what they answer.

use super::forest::Random;
use core::ffi::{c_int, c_void};
use kernel::{bindings, prelude::*};

/// Which callbacks there are.
pub(super) const PTE: u32 = 1;
pub(super) const PMD: u32 = 2;
pub(super) const PUD: u32 = 4;
pub(super) const P4D: u32 = 8;
pub(super) const PGD: u32 = 16;
pub(super) const HOLES: u32 = 32;
pub(super) const ALL: u32 = 63;
/// What an event of a hole is called; its value is the depth.
pub(super) const HOLE: u32 = HOLES;

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) what: u32,
    pub(super) addr: usize,
    pub(super) value: u64,
}

/// What callbacks return, which is the same for the same calls.
pub(super) struct Answers {
    random: Random,
    active: bool,
}

impl Answers {
    /// With seed 0, to go on always.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed | 1),
            active: seed != 0,
        }
    }

    fn result(&mut self) -> c_int {
        match self.active {
            true if self.random.below(60) == 0 => [7, -5][self.random.below(2)],
            _ => 0,
        }
    }

    fn action(&mut self) -> bindings::page_walk_action {
        match self.active {
            false => bindings::page_walk_action_ACTION_SUBTREE,
            true => match self.random.below(4) {
                0 => bindings::page_walk_action_ACTION_CONTINUE,
                1 => bindings::page_walk_action_ACTION_AGAIN,
                _ => bindings::page_walk_action_ACTION_SUBTREE,
            },
        }
    }
}

/// All calls of a walk.
pub(super) struct Log {
    pub(super) events: KVVec<Event>,
    pub(super) result: c_int,
    answers: Answers,
}

impl Log {
    /// More calls than any walk here makes. They may come under a lock, where there is nothing to be
    /// had from the allocator.
    const CALLS: usize = 1 << 15;

    pub(super) fn new(answers: Answers) -> Result<Self> {
        Ok(Self {
            events: KVVec::with_capacity(Self::CALLS, GFP_KERNEL)?,
            result: 0,
            answers,
        })
    }

    pub(super) fn private(&mut self) -> *mut c_void {
        core::ptr::from_mut(self).cast()
    }
}

/// # Safety
///
/// The walk must have been given a log.
unsafe fn note(walk: *mut bindings::mm_walk, what: u32, addr: usize, value: u64) -> c_int {
    // SAFETY: As the caller promises.
    let (walk, log) = unsafe { (&mut *walk, &mut *(*walk).private.cast::<Log>()) };

    if log
        .events
        .push_within_capacity(Event { what, addr, value })
        .is_err()
    {
        return ENOMEM.to_errno();
    }
    if what == PMD || what == PUD {
        walk.action = log.answers.action();
    }
    log.answers.result()
}

macro_rules! callback {
    ($name:ident, $entry:ty, $what:expr) => {
        unsafe extern "C" fn $name(
            entry: *mut $entry,
            addr: usize,
            _next: usize,
            walk: *mut bindings::mm_walk,
        ) -> c_int {
            // SAFETY: An entry is a word, and the walk has a log.
            unsafe { note(walk, $what, addr, entry.cast::<u64>().read()) }
        }
    };
}

callback!(pgd_entry, bindings::pgd_t, PGD);
callback!(p4d_entry, bindings::p4d_t, P4D);
callback!(pud_entry, bindings::pud_t, PUD);
callback!(pmd_entry, bindings::pmd_t, PMD);
callback!(pte_entry, bindings::pte_t, PTE);

unsafe extern "C" fn pte_hole(
    addr: usize,
    _next: usize,
    depth: c_int,
    walk: *mut bindings::mm_walk,
) -> c_int {
    // SAFETY: The walk has a log.
    unsafe { note(walk, HOLE, addr, depth as u64) }
}

/// The callbacks of a set.
pub(super) fn operations(which: u32) -> bindings::mm_walk_ops {
    let has = |what| which & what != 0;

    bindings::mm_walk_ops {
        pgd_entry: has(PGD).then_some(pgd_entry as _),
        p4d_entry: has(P4D).then_some(p4d_entry as _),
        pud_entry: has(PUD).then_some(pud_entry as _),
        pmd_entry: has(PMD).then_some(pmd_entry as _),
        pte_entry: has(PTE).then_some(pte_entry as _),
        pte_hole: has(HOLES).then_some(pte_hole as _),
        ..Default::default()
    }
}
