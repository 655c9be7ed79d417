// SPDX-License-Identifier: GPL-2.0

//! Changing entries of a PTE table, under its lock.

use super::{PmdCell, Pte, PteMap, Table};
use crate::bindings;
use core::{mem::ManuallyDrop, ops::Deref};

/// A PTE table that is mapped and locked. The one type that changes entries.
///
/// It is not `Send`, and one may not sleep before it is dropped.
///
/// # Invariants
///
/// The lock of the table is held. `mm` is what the table belongs to.
#[must_use = "the lock is released at once if this is not bound"]
pub struct PteLock<'a> {
    map: PteMap<'a>,
    mm: *mut bindings::mm_struct,
}

impl PmdCell {
    /// Maps and locks the PTE table below this entry, at an address of the block that the entry
    /// stands for. It stays hooked there for as long as it is locked, if the caller holds a lock that
    /// keeps its VMA: the mmap lock, the VMA lock, or a lock of the rmap.
    ///
    /// # Safety
    ///
    /// The table belongs to `mm`.
    #[inline]
    pub unsafe fn map_lock(
        &self,
        mm: *mut bindings::mm_struct,
        addr: usize,
    ) -> Option<PteLock<'_>> {
        loop {
            // SAFETY: As the caller promises.
            let locked = unsafe { self.map(addr)?.lock(self, mm) };

            if locked.is_some() {
                return locked;
            }
        }
    }
}

impl<'a> PteLock<'a> {
    /// Makes a guard of a lock that is held.
    ///
    /// # Safety
    ///
    /// This thread has taken the lock of the table, which belongs to `mm`, and nobody else is going
    /// to release it.
    #[inline]
    pub(super) unsafe fn assume(map: PteMap<'a>, mm: *mut bindings::mm_struct) -> Self {
        // INVARIANT: As the caller promises.
        Self { map, mm }
    }

    /// What the table knows about itself.
    #[inline]
    pub fn table(&self) -> &Table {
        // SAFETY: The lock is held for as long as `self`, by the type invariants.
        unsafe { Table::from_raw(self.map.descriptor().as_ptr()) }
    }

    /// Sets the entry of an address of the block.
    ///
    /// # Safety
    ///
    /// What `entry` refers to (a page with its reference and mapping count, a place in swap) is the
    /// caller's to give to the table, and what the entry held before is the caller's again. If it
    /// was present the caller flushes the TLBs.
    #[inline]
    pub unsafe fn set(&mut self, addr: usize, entry: Pte) {
        let place = self.map.place(addr);

        // SAFETY: The entry is one of a locked table of `mm`; the caller answers for the rest.
        unsafe { bindings::set_pte_at(self.mm, addr, place, entry.into_ffi()) };
    }

    /// Makes the entry of an address of the block none, and returns what it was.
    ///
    /// # Safety
    ///
    /// What the entry referred to is the caller's to release. If it was present the caller flushes
    /// the TLBs.
    #[inline]
    pub unsafe fn clear(&mut self, addr: usize) -> Pte {
        let place = self.map.place(addr);

        // SAFETY: The entry is one of a locked table of `mm`; the caller answers for the rest.
        Pte::from_ffi(unsafe { bindings::ptep_get_and_clear(self.mm, addr, place) })
    }

    /// Returns whether this processor is wanted for another task, or the lock by another processor:
    /// then whoever has much left to do lets go for a moment.
    #[inline]
    pub fn is_contended(&self) -> bool {
        // SAFETY: Any context can ask for the first; the lock is held.
        unsafe { bindings::need_resched() || bindings::spin_needbreak(self.map.lock_ptr()) != 0 }
    }

    /// Gives both locks to C code that releases them by `pte_unmap_unlock()`.
    #[inline]
    pub fn into_raw(self) -> (*mut bindings::pte_t, *mut bindings::spinlock_t) {
        let this = ManuallyDrop::new(self);

        (this.map.entry(), this.map.lock_ptr())
    }
}

impl<'a> Deref for PteLock<'a> {
    type Target = PteMap<'a>;

    #[inline]
    fn deref(&self) -> &PteMap<'a> {
        &self.map
    }
}

impl Drop for PteLock<'_> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(CONFIG_FREE_USER_PTE_DEBUG)]
        // SAFETY: The entry and the lock are those of a locked table.
        unsafe {
            bindings::pte_table_check_unlock(self.map.entry(), self.map.lock_ptr())
        };
        // SAFETY: We hold the lock by the type invariants. `map` keeps it until after this.
        unsafe { bindings::spin_unlock(self.map.lock_ptr()) };
    }
}
