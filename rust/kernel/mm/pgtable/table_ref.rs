// SPDX-License-Identifier: GPL-2.0

//! Keeping a PTE table across a sleep.

use super::{Mm, PmdCell, PmdKind, PmdSlot, PteLock, PteMap, Put, Refs};
use crate::{
    bindings,
    prelude::*,
    sync::{aref::ARef, rcu},
};
use core::ptr::{addr_of_mut, NonNull};

/// A reference of a PTE table.
///
/// It keeps the `struct mm_struct` as well, but neither its users nor any lock.
///
/// While there is one, the table is not unhooked for being empty: neither by the reclaimer nor by a
/// zap. It does not keep the table from being unhooked for other reasons: because its range is
/// unmapped, because the process exits, because a huge page takes its place, or because it moves to
/// another address with its contents. Then the reference keeps the memory of the table, but
/// [`map`](Self::map) and [`lock`](Self::lock) return `None`.
///
/// Dropping it sees to it that an empty table is freed after all. That may be done by another thread,
/// under a spin lock too, but in process context only: so are references taken.
///
/// # Examples
///
/// ```
/// use kernel::mm::pgtable::{PmdSlot, PteTableRef};
///
/// /// Counts the entries of a table before and after something that sleeps.
/// fn counted(slot: PmdSlot<'_>, addr: usize, sleep: fn()) -> Option<(u16, u16)> {
///     let table = PteTableRef::try_get(slot, addr)?;
///     let before = table.lock(slot)?.table().populated();
///
///     sleep();
///     Some((before, table.lock(slot)?.table().populated()))
/// }
/// ```
///
/// # Invariants
///
/// `table` is a user PTE table, and one of its references is ours.
#[must_use = "the table is put at once if this is not bound"]
pub struct PteTableRef {
    table: NonNull<bindings::ptdesc>,
    mm: ARef<Mm>,
    addr: usize,
}

// SAFETY: References can be dropped, and tables be looked at, by any thread.
unsafe impl Send for PteTableRef {}
// SAFETY: All that can be done with a shared reference takes the RCU read lock or the table's lock.
unsafe impl Sync for PteTableRef {}

impl PteTableRef {
    /// Takes a reference of the table that covers `addr`, an address of the block that the slot
    /// stands for, if there is one.
    #[inline]
    pub fn try_get(slot: PmdSlot<'_>, addr: usize) -> Option<Self> {
        let table = take(slot.mm(), slot.cell())?;

        // INVARIANT: Just taken.
        Some(Self {
            table,
            mm: slot.mm().into(),
            addr,
        })
    }

    /// The same, but allocates a table if there is none. May sleep.
    ///
    /// Returns `None` if there can't be a table, because something else is in its place, such as a
    /// huge page, and `ENOMEM` if there is no memory.
    pub fn alloc_get(slot: PmdSlot<'_>, addr: usize) -> Result<Option<Self>> {
        // SAFETY: The slot is of an mm that has users, which is what allocating takes.
        let table = unsafe { take_or_alloc(slot.mm(), slot.cell())? };

        // INVARIANT: Just taken.
        Ok(table.map(|table| Self {
            table,
            mm: slot.mm().into(),
            addr,
        }))
    }

    /// Maps the table, if it is still hooked at the slot.
    #[inline]
    pub fn map<'b>(&self, slot: PmdSlot<'b>) -> Option<PteMap<'b>> {
        self.map_below(slot.cell(), self.addr)
    }

    /// Maps and locks the table, if it is still hooked at the slot.
    #[inline]
    pub fn lock<'b>(&self, slot: PmdSlot<'b>) -> Option<PteLock<'b>> {
        self.lock_below(slot.cell(), self.addr)
    }

    /// As [`map`](Self::map), at another address of the block.
    #[inline]
    pub fn map_below<'b>(&self, pmd: &'b PmdCell, addr: usize) -> Option<PteMap<'b>> {
        pmd.map(addr).filter(|map| map.descriptor() == self.table)
    }

    /// As [`lock`](Self::lock), at another address of the block.
    #[inline]
    pub fn lock_below<'b>(&self, pmd: &'b PmdCell, addr: usize) -> Option<PteLock<'b>> {
        // SAFETY: A table belongs to one mm all its life, and this one to ours.
        unsafe { self.map_below(pmd, addr)?.lock(pmd, self.mm.as_raw()) }
    }
}

impl Drop for PteTableRef {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The reference is ours, and not used after this.
        unsafe { put(&self.mm, self.table, self.addr) };
    }
}

/// References are taken and dropped in process context: either may leave a hint, whose lock is taken
/// with interrupts on, as are those of tables, under which it is taken, too.
#[inline]
fn check_context(mm: &Mm) {
    // SAFETY: The lock was initialised with the mm, which is valid.
    unsafe {
        bindings::might_lock(addr_of_mut!(
            (*bindings::mm_pte_table_hints(mm.as_raw())).lock
        ))
    };
    // SAFETY: Any context can ask which it is.
    crate::warn_on_once!(!unsafe { bindings::in_task() });
}

/// Takes a reference of the table that an entry points to, if it does.
#[inline]
pub fn take(mm: &Mm, pmd: &PmdCell) -> Option<NonNull<bindings::ptdesc>> {
    check_context(mm);
    let _rcu = rcu::read_lock();
    let before = pmd.read().table()?;
    let table = before.descriptor();

    // SAFETY: The table was hooked after the RCU read lock was taken, which keeps it.
    if !unsafe { bindings::pte_table_tracked(table.as_ptr()) && refs(table).try_get() } {
        return None;
    }
    // Those who unhook a table for other reasons than being empty do not ask for references.
    if pmd.read().table() == Some(before) {
        return Some(table);
    }
    // SAFETY: The reference that was just taken is not used after this.
    if unsafe { release(table) } {
        // It hangs somewhere else by now.
        // SAFETY: The mm is valid.
        unsafe { bindings::free_user_pte_rescan(mm.as_raw()) };
    }
    None
}

/// The same, but allocates a table if there is none. May sleep. `None` if something else is in its
/// place.
///
/// # Safety
///
/// `pmd` is an entry of a PMD table of `mm`, which has users, and stays so.
pub unsafe fn take_or_alloc(mm: &Mm, pmd: &PmdCell) -> Result<Option<NonNull<bindings::ptdesc>>> {
    loop {
        if let Some(table) = take(mm, pmd) {
            return Ok(Some(table));
        }
        match pmd.read().kind() {
            PmdKind::None => {
                // SAFETY: As the caller promises.
                if unsafe { bindings::__pte_alloc(mm.as_raw(), pmd.as_raw()) } != 0 {
                    return Err(ENOMEM);
                }
            }
            // It came just now, or is about to go: who takes it away has the lock of the PMD table, and
            // is waited for, as it may not run before we sleep.
            PmdKind::Table(_) => {
                // SAFETY: `pmd` is an entry of a PMD table of `mm`, and stays so while we are here, by
                // the contract of this function. The lock is released at once.
                unsafe {
                    let lock = bindings::pmd_lockptr(mm.as_raw(), pmd.as_raw());

                    bindings::spin_lock(lock);
                    bindings::spin_unlock(lock);
                }
            }
            _ => return Ok(None),
        }
    }
}

/// Drops the table's own reference. Returns true if its memory is to be given back now; else the last
/// holder does that.
///
/// # Safety
///
/// `word` must be the references of a table that nobody finds any more.
#[inline]
pub unsafe fn give_up(word: *mut bindings::atomic_t) -> bool {
    // SAFETY: The word is valid by the contract of this function.
    unsafe { Refs::from_raw(word) }.give_up()
}

/// Drops a reference of a table that covered `addr` when it was taken.
///
/// # Safety
///
/// The reference is the caller's, and the table, one of `mm`, not used by it after this.
#[inline]
pub unsafe fn put(mm: &Mm, table: NonNull<bindings::ptdesc>, addr: usize) {
    check_context(mm);
    // SAFETY: As the caller promises.
    if unsafe { release(table) } {
        // SAFETY: The mm is valid.
        unsafe { bindings::free_user_pte_unused(mm.as_raw(), addr) };
    }
}

/// Drops a reference. Returns true if it kept an empty table from being freed, and was the last.
///
/// # Safety
///
/// The reference is the caller's, and the table not used by it after this.
#[inline]
unsafe fn release(table: NonNull<bindings::ptdesc>) -> bool {
    // SAFETY: The reference keeps the table.
    match unsafe { refs(table) }.put() {
        Put::Shared => false,
        Put::Unused { wanted } => wanted,
        Put::Last => {
            // SAFETY: The table's own reference was dropped, which is after it was unhooked and a
            // grace period has passed, and this was the last of the others.
            unsafe { bindings::pte_table_free(table.as_ptr()) };
            false
        }
    }
}

/// Returns the references of a table.
///
/// # Safety
///
/// The table is not freed during `'a`.
#[inline]
unsafe fn refs<'a>(table: NonNull<bindings::ptdesc>) -> &'a Refs {
    // SAFETY: As the caller promises.
    unsafe {
        Refs::from_raw(addr_of_mut!(
            (*bindings::pte_table_state(table.as_ptr())).refs
        ))
    }
}
