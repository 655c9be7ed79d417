// SPDX-License-Identifier: GPL-2.0

//! Hints: which tables of an mm were seen empty.
//!
//! A hint is the number of a *block*, the part of the address space that one table maps. The ring
//! is bounded; what does not fit widens a span of blocks that is searched instead. Holding blocks
//! and not tables, it needs to know nothing about a table's life.
//!
//! All of this runs wherever an entry is cleared: under the lock of a page table, perhaps with
//! interrupts off, deep inside reclaim. It allocates nothing and never waits but for the leaf lock
//! of the hints.

use super::stats::Event;
use core::{mem::replace, ops::RangeInclusive, ptr::addr_of_mut};
use kernel::{bindings, mm::pgtable::TABLE_SHIFT, mm::Mm};

const SLOTS: usize = bindings::PTE_TABLE_HINTS as usize;

/// With so many hints the reclaimer is started without delay, so that it has a chance to come
/// before the ring overflows.
const KICK_AT: usize = SLOTS / 2;

/// The blocks that one run of the reclaimer is to look at.
pub(super) struct Batch {
    blocks: [usize; SLOTS],
    len: usize,
    span: Option<RangeInclusive<usize>>,
}

impl Batch {
    /// Returns each block that there was a hint for.
    pub(super) fn blocks(&self) -> &[usize] {
        self.blocks.get(..self.len).unwrap_or(&[])
    }

    /// Returns the span of blocks that hints were lost for.
    pub(super) fn span(&self) -> Option<RangeInclusive<usize>> {
        self.span.clone()
    }

    /// Returns whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0 && self.span.is_none()
    }
}

/// The hints of an mm, locked.
///
/// # Invariants
///
/// `hints` is that of `mm`, its lock is held, and `ring` is its ring.
struct Hints<'a> {
    mm: &'a Mm,
    hints: *mut bindings::pte_table_hints,
    ring: &'a mut bindings::pte_table_ring,
}

impl<'a> Hints<'a> {
    fn lock(mm: &'a Mm) -> Self {
        // SAFETY: The mm is valid.
        let hints = unsafe { bindings::mm_pte_table_hints(mm.as_raw()) };
        // SAFETY: The lock was initialised with the mm: those that were not have no VMAs.
        unsafe { bindings::spin_lock(addr_of_mut!((*hints).lock)) };
        // INVARIANT: Just taken.
        Self {
            mm,
            hints,
            // SAFETY: The ring is valid, and under the lock nobody else has access.
            ring: unsafe { &mut *addr_of_mut!((*hints).ring) },
        }
    }

    /// Adds a block; returns false if there was no room for it.
    fn add(&mut self, block: usize) -> bool {
        let nr = usize::from(self.ring.nr);

        if nr > 0 && self.ring.slots.get(nr - 1) == Some(&block) {
            return true;
        }
        if let Some(slot) = self.ring.slots.get_mut(nr) {
            *slot = block;
            self.ring.nr += 1;
            return true;
        }
        self.widen(block);
        false
    }

    /// Adds a block to the span to be searched.
    fn widen(&mut self, block: usize) {
        self.ring.rescan_first = self.ring.rescan_first.min(block);
        self.ring.rescan_last = self.ring.rescan_last.max(block);
    }

    /// Sees to it that the reclaimer runs: soon, or at once if the ring fills.
    fn schedule(&mut self, at_once: bool) {
        // SAFETY: The hints are valid by the type invariants.
        let work = unsafe { addr_of_mut!((*self.hints).work) };

        if !self.ring.scheduled {
            self.ring.scheduled = true;
            // SAFETY: The mm is valid; the reference is dropped by the work.
            unsafe { bindings::mmgrab(self.mm.as_raw()) };
            // SAFETY: The work was initialised with the mm, which stays while it is pending.
            unsafe {
                let delay = if at_once {
                    0
                } else {
                    bindings::free_user_pte_delay_ms
                };
                bindings::pte_table_work_queue(work, delay as usize);
            }
        } else if at_once || usize::from(self.ring.nr) == KICK_AT {
            // SAFETY: As above. If the work was not pending any more it is now a second time, and
            // needs a reference of its own; until we return the mm is in use by our caller.
            unsafe {
                if !bindings::pte_table_work_kick(work) {
                    bindings::mmgrab(self.mm.as_raw());
                }
            }
        }
    }
}

impl Drop for Hints<'_> {
    fn drop(&mut self) {
        // SAFETY: The lock is held by the type invariants.
        unsafe { bindings::spin_unlock(addr_of_mut!((*self.hints).lock)) };
    }
}

/// Returns whether hints about `addr` in `mm` make sense: the kernel's own address spaces have no
/// VMAs, and the LDT is mapped where no user is.
#[inline]
pub(super) fn accepts(mm: &Mm, addr: usize) -> bool {
    // SAFETY: The mm is valid.
    unsafe { bindings::mm_has_vmas(mm.as_raw()) && bindings::is_user_address(addr) }
}

/// Leaves a hint for the table at `addr`.
pub(super) fn push(mm: &Mm, addr: usize, at_once: bool) {
    let mut hints = Hints::lock(mm);

    if hints.add(addr >> TABLE_SHIFT) {
        Event::Deferred.record(mm, addr);
    } else {
        Event::Overflow.record(mm, addr);
    }
    hints.schedule(at_once);
}

/// Asks for a search of `span`, in blocks.
pub(super) fn push_span(mm: &Mm, span: RangeInclusive<usize>) {
    let mut hints = Hints::lock(mm);

    hints.widen(*span.start());
    hints.widen(*span.end());
    hints.schedule(false);
}

/// Takes all hints away.
pub(super) fn take(mm: &Mm) -> Batch {
    let hints = Hints::lock(mm);
    let first = replace(&mut hints.ring.rescan_first, usize::MAX);
    let last = replace(&mut hints.ring.rescan_last, 0);

    hints.ring.scheduled = false;
    Batch {
        blocks: hints.ring.slots,
        len: usize::from(replace(&mut hints.ring.nr, 0)),
        span: (first <= last).then_some(first..=last),
    }
}
