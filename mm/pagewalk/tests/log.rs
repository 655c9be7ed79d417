// SPDX-License-Identifier: GPL-2.0

//! What callbacks are called with, and what they answer.

use super::forest::Random;
use core::{
    ffi::{c_int, c_void},
    ptr::null,
};
use kernel::{bindings, prelude::*};

/// Which callbacks there are.
pub(super) const PTE: u32 = 1;
pub(super) const PMD: u32 = 2;
pub(super) const PUD: u32 = 4;
pub(super) const P4D: u32 = 8;
pub(super) const PGD: u32 = 16;
pub(super) const HOLES: u32 = 32;
/// Those for entries of all levels, and for holes.
pub(super) const ALL: u32 = 63;
/// What an event of a hole is called; its value is the depth.
pub(super) const HOLE: u32 = HOLES;
/// Those for VMAs: whether to walk one, and around it.
pub(super) const TEST: u32 = 64;
pub(super) const PRE: u32 = 128;
pub(super) const POST: u32 = 256;
pub(super) const VMAS: u32 = TEST | PRE | POST;
/// What fills an entry that is none.
pub(super) const INSTALL: u32 = 512;

/// What callbacks find in `struct mm_walk`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) mm: *mut bindings::mm_struct,
    pub(super) pgd: *mut bindings::pgd_t,
    pub(super) vma: *mut bindings::vm_area_struct,
    pub(super) action: bindings::page_walk_action,
    pub(super) no_vma: bool,
}

/// A call: of what, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) what: u32,
    /// Where the entry is; null if the call is not about one.
    pub(super) entry: *const u64,
    pub(super) value: u64,
    pub(super) addr: usize,
    pub(super) next: usize,
    pub(super) walk: Seen,
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

    fn result(&mut self, what: u32) -> c_int {
        match self.active {
            // Whether to skip a VMA is asked for.
            true if what == TEST && self.random.below(3) == 0 => 1,
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

    /// Walks with callbacks of a set, and logs them.
    pub(super) fn of(
        which: u32,
        seed: u64,
        walk: impl FnOnce(*const bindings::mm_walk_ops, *mut c_void) -> c_int,
    ) -> Result<Self> {
        let mut log = Self::new(Answers::new(seed))?;
        let ops = operations(which);

        log.result = walk(&ops, core::ptr::from_mut(&mut log).cast());
        // There were more calls than there is room for.
        if log.result == ENOMEM.to_errno() {
            return Err(ENOMEM);
        }
        Ok(log)
    }

    /// Whether there were the same calls, with the same result. Tells which call was not the same.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (self.events.iter(), other.events.iter());

        for number in 0.. {
            match (ours.next(), theirs.next()) {
                (None, None) => break,
                (one, another) if one == another => {}
                (one, another) => {
                    pr_err!("call {number}: {one:x?}, but {another:x?}\n");
                    return false;
                }
            }
        }
        if self.result != other.result {
            pr_err!("result {}, but {}\n", self.result, other.result);
        }
        self.result == other.result
    }

    /// Makes it one that walks of other memory can be compared with: without what depends on where
    /// that is.
    pub(super) fn relative(mut self, base: usize) -> Self {
        const PRESENT: u64 = 1;
        const FRAME: u64 = 0x000f_ffff_ffff_f000;

        for event in &mut self.events {
            if event.what != POST {
                event.addr = event.addr.wrapping_sub(base);
                event.next = event.next.wrapping_sub(base);
            }
            if event.value & PRESENT != 0 && event.what != HOLE {
                event.value &= !FRAME;
            }
            event.entry = null();
            if !event.walk.vma.is_null() {
                event.walk.vma = core::ptr::dangling_mut();
            }
        }
        self
    }
}

/// # Safety
///
/// The walk must have been given a log.
unsafe fn note(
    walk: *mut bindings::mm_walk,
    what: u32,
    (entry, value): (*const u64, u64),
    (addr, next): (usize, usize),
) -> c_int {
    // SAFETY: As the caller promises.
    let (walk, log) = unsafe { (&mut *walk, &mut *(*walk).private.cast::<Log>()) };
    let event = Event {
        what,
        entry,
        value,
        addr,
        next,
        walk: Seen {
            mm: walk.mm,
            pgd: walk.pgd,
            vma: walk.vma,
            action: walk.action,
            no_vma: walk.no_vma,
        },
    };

    if log.events.push_within_capacity(event).is_err() {
        return ENOMEM.to_errno();
    }
    if what == PMD || what == PUD {
        walk.action = log.answers.action();
    }
    log.answers.result(what)
}

/// A call that is about no entry.
const NO_ENTRY: (*const u64, u64) = (null(), 0);

macro_rules! callback {
    ($name:ident, $entry:ty, $what:expr) => {
        unsafe extern "C" fn $name(
            entry: *mut $entry,
            addr: usize,
            next: usize,
            walk: *mut bindings::mm_walk,
        ) -> c_int {
            let entry = entry.cast_const().cast::<u64>();

            // SAFETY: An entry is a word, and the walk has a log.
            unsafe { note(walk, $what, (entry, entry.read()), (addr, next)) }
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
    next: usize,
    depth: c_int,
    walk: *mut bindings::mm_walk,
) -> c_int {
    let entry = (null(), depth as u64);

    // SAFETY: The walk has a log.
    unsafe { note(walk, HOLE, entry, (addr, next)) }
}

unsafe extern "C" fn test_walk(addr: usize, next: usize, walk: *mut bindings::mm_walk) -> c_int {
    // SAFETY: The walk has a log.
    unsafe { note(walk, TEST, NO_ENTRY, (addr, next)) }
}

unsafe extern "C" fn pre_vma(start: usize, end: usize, walk: *mut bindings::mm_walk) -> c_int {
    // SAFETY: The walk has a log.
    unsafe { note(walk, PRE, NO_ENTRY, (start, end)) }
}

unsafe extern "C" fn post_vma(walk: *mut bindings::mm_walk) {
    // SAFETY: The walk has a log.
    unsafe { note(walk, POST, NO_ENTRY, (0, 0)) };
}

/// Installs a marker, which needs no page.
unsafe extern "C" fn install_pte(
    addr: usize,
    next: usize,
    pte: *mut bindings::pte_t,
    walk: *mut bindings::mm_walk,
) -> c_int {
    // SAFETY: The entry is to be written; the walk has a log.
    unsafe {
        pte.write(bindings::make_pte_marker(bindings::PTE_MARKER_GUARD as _));
        note(walk, INSTALL, NO_ENTRY, (addr, next))
    }
}

/// The callbacks of a set.
fn operations(which: u32) -> bindings::mm_walk_ops {
    let has = |what| which & what != 0;

    bindings::mm_walk_ops {
        pgd_entry: has(PGD).then_some(pgd_entry as _),
        p4d_entry: has(P4D).then_some(p4d_entry as _),
        pud_entry: has(PUD).then_some(pud_entry as _),
        pmd_entry: has(PMD).then_some(pmd_entry as _),
        pte_entry: has(PTE).then_some(pte_entry as _),
        pte_hole: has(HOLES).then_some(pte_hole as _),
        test_walk: has(TEST).then_some(test_walk as _),
        pre_vma: has(PRE).then_some(pre_vma as _),
        post_vma: has(POST).then_some(post_vma as _),
        install_pte: has(INSTALL).then_some(install_pte as _),
        ..Default::default()
    }
}
