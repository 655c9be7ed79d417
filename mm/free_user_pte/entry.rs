// SPDX-License-Identifier: GPL-2.0

//! Where C code comes in.

use super::{hints, reclaim, zap};
use kernel::{
    bindings,
    mm::pgtable::{PmdSlot, Table, TABLE_SHIFT},
    mm::Mm,
    prelude::*,
};

/// Tells that a table's count fell to zero: leaves a hint for it, unless it has one.
///
/// # Safety
///
/// `mm` must be valid, and `table` a table of it whose lock is held, or which nobody else can
/// reach.
#[export]
pub(crate) unsafe extern "C" fn free_user_pte_emptied(
    mm: *mut bindings::mm_struct,
    addr: usize,
    table: *mut bindings::ptdesc,
) {
    // SAFETY: As the caller promises; the references end with this function.
    let (mm, table) = unsafe { (Mm::from_raw(mm), Table::from_raw(table)) };

    defer(mm, addr, table);
}

/// Tells that a zap, which may free tables, left an empty one; `whole` if it covered all of it.
/// Returns true if the table was unhooked: then the caller frees it; else a hint was left.
///
/// # Safety
///
/// `mm` must be valid, `pmd` an entry of one of its PMD tables that the caller keeps in place, and
/// `table` a table of `mm` whose lock is held.
#[export]
pub(crate) unsafe extern "C" fn free_user_pte_zapped(
    mm: *mut bindings::mm_struct,
    pmd: *mut bindings::pmd_t,
    addr: usize,
    table: *mut bindings::ptdesc,
    whole: bool,
) -> bool {
    // SAFETY: As the caller promises; the reference ends with this function.
    let table = unsafe { Table::from_raw(table) };
    // SAFETY: As above.
    let slot = unsafe { PmdSlot::from_raw(mm, pmd, addr) };
    // SAFETY: As above.
    let mm = unsafe { Mm::from_raw(mm) };

    // An emptied whole is not a matter of the switch: it is freed without FREE_USER_PTE, too. A part
    // may be filled again soon, so its table is spared, unless too many are already.
    let now = whole || (enabled() && hints::crowded(mm));

    if now && zap::unhook(mm, slot, table, addr) {
        return true;
    }
    defer(mm, addr, table);
    false
}

/// Has somebody look at the table at `addr`, which may be empty without there being a hint.
///
/// # Safety
///
/// `mm` must be valid.
#[export]
pub(crate) unsafe extern "C" fn free_user_pte_look(mm: *mut bindings::mm_struct, addr: usize) {
    // SAFETY: As the caller promises.
    let mm = unsafe { Mm::from_raw(mm) };

    if enabled() && hints::accepts(mm, addr) {
        hints::push(mm, addr, false);
    }
}

/// Tells that a table that would have been freed has lost its last reference. It covered `addr` when
/// that was taken.
///
/// # Safety
///
/// `mm` must be valid.
#[export]
pub(crate) unsafe extern "C" fn free_user_pte_unused(mm: *mut bindings::mm_struct, addr: usize) {
    // SAFETY: As the caller promises.
    unsafe {
        // If a table of this address space ever moved, this one may have been it.
        if hints::tables_moved(Mm::from_raw(mm)) {
            free_user_pte_rescan(mm);
        } else {
            free_user_pte_look(mm, addr);
        }
    }
}

/// Tells that a PUD entry moved to `addr` with all tables below it.
///
/// # Safety
///
/// `mm` must be valid.
#[export]
pub(crate) unsafe extern "C" fn free_user_pte_moved_pud(mm: *mut bindings::mm_struct, addr: usize) {
    // SAFETY: As the caller promises.
    let mm = unsafe { Mm::from_raw(mm) };
    let first = addr >> TABLE_SHIFT;

    hints::set_tables_moved(mm);
    if enabled() && hints::accepts(mm, addr) {
        hints::push_span(mm, first..=first + (bindings::PTRS_PER_PMD as usize - 1));
    }
}

/// Searches the whole address space for empty tables.
///
/// # Safety
///
/// `mm` must be valid.
#[export]
pub(crate) unsafe extern "C" fn free_user_pte_rescan(mm: *mut bindings::mm_struct) {
    // SAFETY: As the caller promises.
    let mm = unsafe { Mm::from_raw(mm) };

    if hints::accepts(mm, 0) {
        hints::push_span(mm, 0..=usize::MAX >> (TABLE_SHIFT + 1));
    }
}

/// Runs the reclaimer.
///
/// # Safety
///
/// `work` must be that of an mm, and must have been scheduled with a reference of the mm.
#[export]
pub(crate) unsafe extern "C" fn free_user_pte_work(work: *mut bindings::work_struct) {
    // SAFETY: As the caller promises.
    let raw = unsafe { bindings::pte_table_hints_mm(work) };

    // SAFETY: The reference that the work holds keeps the mm.
    reclaim::run(unsafe { Mm::from_raw(raw) });
    // SAFETY: The reference is ours to drop, and the mm is not used after.
    unsafe { bindings::mmdrop(raw) };
}

/// Tells that `mm` has lost its last user, before what it maps is taken away.
///
/// # Safety
///
/// `mm` must be valid, and stay so until this returns.
#[export]
pub(crate) unsafe extern "C" fn free_user_pte_exit(mm: *mut bindings::mm_struct) {
    // SAFETY: `mm` is valid until this returns, by the contract of this function.
    hints::exit(unsafe { Mm::from_raw(mm) });
}

fn defer(mm: &Mm, addr: usize, table: &Table) {
    if !enabled() || !hints::accepts(mm, addr) || table.set_queued() {
        return;
    }
    #[cfg(CONFIG_FREE_USER_PTE_DEBUG)]
    let at_once = super::debug::force_free();
    #[cfg(not(CONFIG_FREE_USER_PTE_DEBUG))]
    let at_once = false;

    hints::push(mm, addr, at_once);
}

fn enabled() -> bool {
    // SAFETY: The switch can be read at any time.
    unsafe { bindings::free_user_pte_enabled() }
}
