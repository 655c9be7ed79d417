// SPDX-License-Identifier: GPL-2.0

//! PTE tables as C code knows them: what `mm/pgtable-generic.c` does, on the guards of
//! [`kernel::mm::pgtable`].
//!
//! A C caller has no guard; it gets the entry, and maybe the lock, of a guard that is forgotten, and
//! gives them back by `pte_unmap()` or `pte_unmap_unlock()`.

mod clear;
#[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
mod deposit;
#[cfg(all(CONFIG_KUNIT, CONFIG_RUST_MM_TWINS))]
mod tests;

use core::ptr::null_mut;
use kernel::{
    bindings,
    mm::pgtable::{PmdCell, PteMap},
    prelude::*,
};

/// Maps the table below an entry. Stores what that was, whether there was a table or not.
///
/// # Safety
///
/// `pmd` must be valid for [`PmdCell::from_raw`]; `pmdvalp` must be null, or point to where the
/// value can be written.
#[export]
pub(crate) unsafe extern "C" fn __pte_offset_map(
    pmd: *mut bindings::pmd_t,
    addr: usize,
    pmdvalp: *mut bindings::pmd_t,
) -> *mut bindings::pte_t {
    // SAFETY: As the caller promises.
    let (value, map) = unsafe { PmdCell::from_raw(pmd) }.read_and_map(addr);

    if !pmdvalp.is_null() {
        // SAFETY: As the caller promises.
        unsafe { *pmdvalp = value.into_ffi() };
    }
    map.map_or(null_mut(), PteMap::into_raw)
}

/// Maps the table below an entry, and tells which its lock is.
///
/// # Safety
///
/// As for `__pte_offset_map`; and `ptlp` must point to where the lock's address can be written.
#[export]
pub(crate) unsafe extern "C" fn pte_offset_map_ro_nolock(
    _mm: *mut bindings::mm_struct,
    pmd: *mut bindings::pmd_t,
    addr: usize,
    ptlp: *mut *mut bindings::spinlock_t,
) -> *mut bindings::pte_t {
    // SAFETY: As the caller promises.
    let Some(map) = unsafe { PmdCell::from_raw(pmd) }.map(addr) else {
        return null_mut();
    };

    // SAFETY: As the caller promises.
    unsafe { *ptlp = map.lock_ptr() };
    map.into_raw()
}

/// Maps the table below an entry, tells which its lock is, and what the entry was, for those who are
/// going to lock it and look whether it is still hooked there.
///
/// # Safety
///
/// As for `pte_offset_map_ro_nolock`; `pmdvalp` must not be null.
#[export]
pub(crate) unsafe extern "C" fn pte_offset_map_rw_nolock(
    _mm: *mut bindings::mm_struct,
    pmd: *mut bindings::pmd_t,
    addr: usize,
    pmdvalp: *mut bindings::pmd_t,
    ptlp: *mut *mut bindings::spinlock_t,
) -> *mut bindings::pte_t {
    // SAFETY: As the caller promises.
    let (value, map) = unsafe { PmdCell::from_raw(pmd) }.read_and_map(addr);

    // SAFETY: As the caller promises.
    unsafe { *pmdvalp = value.into_ffi() };
    let Some(map) = map else {
        return null_mut();
    };
    // SAFETY: As the caller promises.
    unsafe { *ptlp = map.lock_ptr() };
    map.into_raw()
}

/// Maps and locks the table below an entry.
///
/// # Safety
///
/// As for `pte_offset_map_ro_nolock`; and the table must belong to `mm`.
#[export]
pub(crate) unsafe extern "C" fn pte_offset_map_lock(
    mm: *mut bindings::mm_struct,
    pmd: *mut bindings::pmd_t,
    addr: usize,
    ptlp: *mut *mut bindings::spinlock_t,
) -> *mut bindings::pte_t {
    // SAFETY: As the caller promises.
    let Some(locked) = (unsafe { PmdCell::from_raw(pmd).map_lock(mm, addr) }) else {
        return null_mut();
    };
    let (entry, lock) = locked.into_raw();

    // SAFETY: As the caller promises.
    unsafe { *ptlp = lock };
    entry
}
