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

use super::{
    ring::{Batch, Ring},
    stats::Event,
};
use core::{ops::RangeInclusive, ptr::addr_of_mut};
use kernel::{
    bindings,
    mm::{
        pgtable::{VmaContended, VmaScanGuard, TABLE_SHIFT},
        Mm,
    },
    sync::atomic::{atomic_load, atomic_store, Relaxed},
};

/// With so many hints the reclaimer is started without delay, so that it has a chance to come
/// before the ring overflows, and until it comes a zap frees the tables that it empties.
const KICK_AT: usize = bindings::PTE_TABLE_HINTS as usize / 2;

/// Who got no VMA locked waits for so many ms before the next try, twice as long each time.
const FIRST_WAIT: usize = 10;
const LAST_WAIT: usize = 1000;

/// The hints of an mm, locked.
///
/// # Invariants
///
/// `hints` is that of `mm`, its lock is held, and `ring` is its ring.
struct Hints<'a> {
    mm: &'a Mm,
    hints: *mut bindings::pte_table_hints,
    ring: Ring<'a>,
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
            ring: Ring::new(unsafe { &mut *addr_of_mut!((*hints).ring) }),
        }
    }

    fn work(&self) -> *mut bindings::delayed_work {
        // SAFETY: The hints are valid by the type invariants.
        unsafe { addr_of_mut!((*self.hints).work) }
    }

    /// Sees to it that the reclaimer runs: soon, or at once if the ring fills.
    fn schedule(&mut self, at_once: bool) {
        if self.ring.expect_reclaimer() {
            // SAFETY: The knob can be read at any time.
            let delay = unsafe { bindings::free_user_pte_delay_ms };

            self.queue(if at_once { 0 } else { delay as usize });
        } else if at_once || self.ring.len() == KICK_AT {
            if self.ring.len() >= KICK_AT {
                set_crowded(self.mm, true);
            }
            // SAFETY: The work was initialised with the mm. If it was not pending any more it is
            // now a second time, and needs a reference of its own; until we return the mm is in use
            // by our caller.
            unsafe {
                if !bindings::pte_table_work_kick(self.work()) {
                    bindings::mmgrab(self.mm.as_raw());
                }
            }
        }
    }

    /// Has the reclaimer run in so many ms.
    fn queue(&mut self, delay: usize) {
        // SAFETY: The work was initialised with the mm, which our caller keeps until we return, so
        // that it is early enough to take the reference that the work drops. If the work was
        // pending all the same, it has one: a reclaimer that is about to start has been kicked, and
        // another one that was running took the hints it was kicked for.
        unsafe {
            if bindings::pte_table_work_queue(self.work(), delay) {
                bindings::mmgrab(self.mm.as_raw());
            }
        }
    }
}

/// Returns where it says whether the ring of `mm` is half full.
fn crowded_flag(mm: &Mm) -> *mut bool {
    // SAFETY: The mm is valid.
    unsafe { addr_of_mut!((*bindings::mm_pte_table_hints(mm.as_raw())).crowded) }
}

fn set_crowded(mm: &Mm, crowded: bool) {
    // SAFETY: The flag lives as long as the mm, and all accesses to it are atomic.
    unsafe { atomic_store(crowded_flag(mm), crowded, Relaxed) }
}

/// Returns whether so many tables of `mm` wait for the reclaimer that no more should.
pub(super) fn crowded(mm: &Mm) -> bool {
    // SAFETY: The flag lives as long as the mm, and all accesses to it are atomic.
    unsafe { atomic_load(crowded_flag(mm), Relaxed) }
}

/// Notes that a table of `mm` was moved to another address.
pub(super) fn set_tables_moved(mm: &Mm) {
    // SAFETY: The flag lives as long as the mm, and all accesses to it are atomic.
    unsafe { atomic_store(moved_flag(mm), true, Relaxed) }
}

/// Returns whether a table of `mm` ever was.
pub(super) fn tables_moved(mm: &Mm) -> bool {
    // SAFETY: The flag lives as long as the mm, and all accesses to it are atomic.
    unsafe { atomic_load(moved_flag(mm), Relaxed) }
}

fn moved_flag(mm: &Mm) -> *mut bool {
    // SAFETY: The mm is valid.
    unsafe { addr_of_mut!((*bindings::mm_pte_table_hints(mm.as_raw())).moved) }
}

impl Drop for Hints<'_> {
    fn drop(&mut self) {
        // SAFETY: The lock is held by the type invariants.
        unsafe { bindings::spin_unlock(addr_of_mut!((*self.hints).lock)) };
    }
}

/// Returns whether hints about `addr` in `mm` make sense: the kernel's own address spaces have no
/// VMAs, one without users goes with all its tables, and the LDT is mapped where no user is.
#[inline]
pub(super) fn accepts(mm: &Mm, addr: usize) -> bool {
    // SAFETY: The mm is valid.
    unsafe {
        bindings::mm_has_vmas(mm.as_raw())
            && bindings::mm_has_users(mm.as_raw())
            && bindings::is_user_address(addr)
    }
}

/// Leaves a hint for the table at `addr`.
pub(super) fn push(mm: &Mm, addr: usize, at_once: bool) {
    let mut hints = Hints::lock(mm);

    if hints.ring.add(addr >> TABLE_SHIFT) {
        Event::Deferred.record(mm, addr);
    } else {
        Event::Overflow.record(mm, addr);
    }
    hints.schedule(at_once);
}

/// Asks for a search of `span`, in blocks.
pub(super) fn push_span(mm: &Mm, span: RangeInclusive<usize>) {
    let mut hints = Hints::lock(mm);

    hints.ring.widen(*span.start());
    hints.ring.widen(*span.end());
    hints.schedule(false);
}

/// Why no VMA was locked.
pub(super) enum NotLocked {
    /// Somebody has it locked for writing.
    Contended,
    /// The address space has no user any more.
    Unused,
}

/// Locks the first VMA of `mm` that ends above `addr`, if that takes no waiting.
pub(super) fn next_vma_trylock(
    mm: &Mm,
    addr: usize,
) -> Result<Option<VmaScanGuard<'_>>, NotLocked> {
    let _hints = Hints::lock(mm);

    // SAFETY: The mm is valid.
    if !unsafe { bindings::mm_has_users(mm.as_raw()) } {
        return Err(NotLocked::Unused);
    }
    // SAFETY: There was a user under the lock of the hints. The last one takes it, in exit(),
    // before it goes as far as exit_mmap().
    unsafe { mm.next_vma_trylock(addr) }.map_err(|VmaContended| NotLocked::Contended)
}

/// Notes how far the reclaimer got: `left` are hints that it could not look at, to be looked at
/// later, as somebody has the VMA locked for writing and may have it for long.
pub(super) fn done(mm: &Mm, left: &Batch, made_progress: bool) {
    let mut hints = Hints::lock(mm);

    if made_progress {
        hints.ring.got_through();
    }
    if left.is_empty() {
        return;
    }
    let refused = hints.ring.put_back(left);

    if hints.ring.expect_reclaimer() {
        let wait = FIRST_WAIT << u32::from(refused.saturating_sub(1)).min(usize::BITS / 2);

        hints.queue(wait.min(LAST_WAIT));
    }
}

/// Drops what `mm`, which has no user any more, has hints for, and sees to it that nobody looks for
/// VMAs in it from now on.
pub(super) fn exit(mm: &Mm) {
    let hints = Hints::lock(mm);

    if !hints.ring.is_reclaimer_expected() {
        return;
    }
    // SAFETY: The work was initialised with the mm.
    if unsafe { bindings::cancel_delayed_work(hints.work()) } {
        // SAFETY: The reference of the work that will not run. Our caller has another one.
        unsafe { bindings::mmdrop(mm.as_raw()) };
    }
}

/// Takes all hints away.
pub(super) fn take(mm: &Mm) -> Batch {
    let mut hints = Hints::lock(mm);

    set_crowded(mm, false);
    hints.ring.take()
}

#[cfg(CONFIG_KUNIT)]
#[kernel::prelude::kunit_tests(free_user_pte_hints)]
mod tests {
    use super::*;
    use kernel::prelude::*;

    #[test]
    fn no_vma_is_looked_for_where_no_user_is() -> Result {
        // SAFETY: We may sleep.
        let raw = unsafe { bindings::mm_alloc() };

        if raw.is_null() {
            return Err(ENOMEM);
        }
        // SAFETY: We are the user of the new mm, and keep its memory when we are no more.
        unsafe { bindings::mmgrab(raw) };
        // SAFETY: By the reference that was just taken.
        let mm = unsafe { Mm::from_raw(raw) };
        let used = next_vma_trylock(mm, 0);

        // SAFETY: This is our only user's reference.
        unsafe { bindings::mmput(raw) };
        let unused = next_vma_trylock(mm, 0);

        assert!(matches!(used, Ok(None)));
        assert!(matches!(unused, Err(NotLocked::Unused)));
        // SAFETY: Nobody uses `mm` any more.
        unsafe { bindings::mmdrop(raw) };
        Ok(())
    }
}
