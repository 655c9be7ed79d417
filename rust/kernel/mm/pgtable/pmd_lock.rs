// SPDX-License-Identifier: GPL-2.0

//! The lock of a PMD table, under which tables below it are hooked and unhooked.

use super::{PmdSlot, Table, Unhooked};
use crate::{bindings, prelude::*, types::NotThreadSafe};
use core::{marker::PhantomData, mem::ManuallyDrop, ops::Deref, ptr::NonNull};

/// The lock of a PMD table, held for the sake of one of its entries.
///
/// # Invariants
///
/// The lock is held.
#[must_use = "the lock is released at once if this is not bound"]
pub struct PmdLock<'a> {
    slot: PmdSlot<'a>,
    // A spinlock is released where it was taken.
    _nts: NotThreadSafe,
}

impl<'a> PmdLock<'a> {
    /// Makes a guard of a lock that is held.
    ///
    /// # Safety
    ///
    /// This thread has taken the lock of the slot, and nobody else is going to release it.
    #[inline]
    pub(super) unsafe fn assume(slot: PmdSlot<'a>) -> Self {
        // INVARIANT: As the caller promises.
        Self {
            slot,
            _nts: NotThreadSafe,
        }
    }

    /// Returns the place of the entry.
    #[inline]
    pub fn slot(&self) -> PmdSlot<'a> {
        self.slot
    }

    /// Gives the lock to C code that releases it.
    #[inline]
    pub fn into_raw(self) -> *mut bindings::spinlock_t {
        ManuallyDrop::new(self).slot.lock_ptr()
    }

    fn hooked(&self) -> Option<NonNull<bindings::ptdesc>> {
        Some(self.slot.cell().read().table()?.descriptor())
    }

    /// Takes the lock of the PTE table that is hooked here, if one is.
    #[inline]
    pub fn lock_table(&self) -> Option<TableGuard<'_>> {
        let table = self.hooked()?;

        // SAFETY: A hooked table is not freed, and unhooking it takes the lock that we hold.
        unsafe { bindings::spin_lock_nested_once(bindings::ptdesc_lockptr(table.as_ptr())) };
        // INVARIANT: Just taken.
        Some(TableGuard {
            table,
            _pmd: PhantomData,
            _nts: NotThreadSafe,
        })
    }

    /// Unhooks a table that has no populated entry and no user.
    ///
    /// After this the caller must do nothing that relies on the table's pages being accounted:
    /// whoever finds the PMD entry empty takes neither lock.
    pub fn unhook(&self, table: &Table) -> Result<Unhooked<'a>, Busy> {
        if self.hooked().map(NonNull::as_ptr) != Some(table.as_raw()) {
            return Err(Busy::Moved);
        }
        if table.populated() != 0 {
            return Err(Busy::Populated);
        }
        table.recount(c"unhooked");
        if !table.refs().freeze() {
            return Err(Busy::Referenced);
        }
        // SAFETY: We hold the lock that protects the entry.
        unsafe { bindings::pmd_clear(self.slot.cell().as_raw()) };
        // SAFETY: It was hooked here until now, and nobody takes a reference any more.
        Ok(unsafe { Unhooked::new(table.as_raw(), self.slot) })
    }
}

impl Drop for PmdLock<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: We hold the lock by the type invariants.
        unsafe { bindings::spin_unlock(self.slot.lock_ptr()) };
    }
}

/// Why a table was not unhooked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// It is hooked elsewhere, or nowhere.
    Moved,
    /// Some of its entries are not none.
    Populated,
    /// Somebody holds a reference.
    Referenced,
}

/// The lock of a PTE table, taken under that of the PMD table above it.
///
/// # Invariants
///
/// The lock of `table` is held.
#[must_use = "the lock is released at once if this is not bound"]
pub struct TableGuard<'a> {
    table: NonNull<bindings::ptdesc>,
    _pmd: PhantomData<&'a PmdLock<'a>>,
    // A spinlock is released where it was taken.
    _nts: NotThreadSafe,
}

impl Deref for TableGuard<'_> {
    type Target = Table;

    #[inline]
    fn deref(&self) -> &Table {
        // SAFETY: The lock is held for as long as `self`, by the type invariants.
        unsafe { Table::from_raw(self.table.as_ptr()) }
    }
}

impl Drop for TableGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: We hold the lock by the type invariants; the memory of an unhooked table is not
        // given back before an RCU grace period has passed.
        unsafe { bindings::spin_unlock(bindings::ptdesc_lockptr(self.table.as_ptr())) };
    }
}
