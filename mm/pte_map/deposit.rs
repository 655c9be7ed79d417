// SPDX-License-Identifier: GPL-2.0

//! Tables that are kept for the time when a huge page is split.
//!
//! Who maps a huge page deposits a PTE table with the PMD table, which has one pointer for all of
//! them: to the newest, in a ring with the others.

use core::ptr::null_mut;
use kernel::{bindings, prelude::*};

/// The tables that were deposited with a PMD table, whose lock is held.
struct Deposits<'a> {
    newest: &'a mut *mut bindings::page,
}

impl<'a> Deposits<'a> {
    /// Returns those of the PMD table that `pmd` is an entry of.
    ///
    /// # Safety
    ///
    /// `pmd` must be an entry of a PMD table of `mm` whose lock is held during `'a`.
    unsafe fn of(mm: *mut bindings::mm_struct, pmd: *mut bindings::pmd_t) -> Self {
        // SAFETY: As the caller promises; the lock makes us the only one to have this reference.
        let newest = unsafe {
            bindings::assert_pmd_locked(mm, pmd);
            &mut *bindings::pmd_deposits(mm, pmd)
        };

        Self { newest }
    }

    /// Adds a table.
    ///
    /// # Safety
    ///
    /// `table` must be a PTE table that nobody can find.
    unsafe fn push(&mut self, table: *mut bindings::page) {
        // SAFETY: Tables that nobody can find are linked by whoever has them, which is us.
        unsafe {
            if self.newest.is_null() {
                bindings::pte_table_ring_alone(table);
            } else {
                bindings::pte_table_ring_join(table, *self.newest);
            }
        }
        *self.newest = table;
    }

    /// Takes the newest table out.
    fn pop(&mut self) -> *mut bindings::page {
        if self.newest.is_null() {
            return null_mut();
        }
        // SAFETY: The newest is in the ring, and we have that.
        let next = unsafe { bindings::pte_table_ring_leave(*self.newest) };

        core::mem::replace(self.newest, next)
    }
}

/// Deposits a table.
///
/// # Safety
///
/// `pmdp` must be an entry of a PMD table of `mm` whose lock is held, and `pgtable` a PTE table that
/// nobody can find.
#[export]
pub(crate) unsafe extern "C" fn pgtable_trans_huge_deposit(
    mm: *mut bindings::mm_struct,
    pmdp: *mut bindings::pmd_t,
    pgtable: bindings::pgtable_t,
) {
    // SAFETY: As the caller promises.
    unsafe { Deposits::of(mm, pmdp).push(pgtable) };
}

/// Withdraws the table that was deposited last.
///
/// # Safety
///
/// `pmdp` must be an entry of a PMD table of `mm` whose lock is held.
#[export]
pub(crate) unsafe extern "C" fn pgtable_trans_huge_withdraw(
    mm: *mut bindings::mm_struct,
    pmdp: *mut bindings::pmd_t,
) -> bindings::pgtable_t {
    // SAFETY: As the caller promises.
    let table = unsafe { Deposits::of(mm, pmdp) }.pop();

    if !table.is_null() {
        // SAFETY: The table was withdrawn, so that it is ours.
        unsafe { bindings::pte_table_withdrawn(table) };
    }
    table
}

/// Frees a table that was unhooked after all who may look at it are done.
///
/// # Safety
///
/// `pgtable` must be a PTE table that nobody can find any more, and is not used by the caller after
/// this.
#[export]
pub(crate) unsafe extern "C" fn pte_free_defer(
    _mm: *mut bindings::mm_struct,
    pgtable: bindings::pgtable_t,
) {
    // SAFETY: As the caller promises. An unhooked table has no other use for its RCU head.
    unsafe { bindings::call_rcu(bindings::pte_table_rcu_head(pgtable), Some(free)) };
}

/// # Safety
///
/// `head` must be the RCU head of a table that was given to [`pte_free_defer`], after a grace period.
unsafe extern "C" fn free(head: *mut bindings::callback_head) {
    // SAFETY: As the caller promises.
    unsafe { bindings::pte_table_free_by_rcu_head(head) };
}
