// SPDX-License-Identifier: GPL-2.0

//! References of tables, for C code. See `include/linux/pte_ref.h`.

use core::ptr::{null_mut, NonNull};
use kernel::{
    bindings,
    mm::{
        pgtable::{self, PmdCell},
        Mm,
    },
    prelude::*,
};

/// Takes a reference of the table that an entry points to.
///
/// # Safety
///
/// `mm` must be valid, and `pmd` an entry of one of its PMD tables that the caller keeps in place.
#[export]
pub(crate) unsafe extern "C" fn pte_try_get(
    mm: *mut bindings::mm_struct,
    pmd: *mut bindings::pmd_t,
) -> *mut bindings::ptdesc {
    // SAFETY: As the caller promises.
    let table = unsafe { pgtable::take(Mm::from_raw(mm), PmdCell::from_raw(pmd)) };

    table.map_or(null_mut(), NonNull::as_ptr)
}

/// Takes a reference of the table that an entry points to, and allocates one if need be.
///
/// # Safety
///
/// As for `pte_try_get`; and the mm must have users.
#[export]
pub(crate) unsafe extern "C" fn pte_alloc_get(
    mm: *mut bindings::mm_struct,
    pmd: *mut bindings::pmd_t,
) -> *mut bindings::ptdesc {
    // SAFETY: As the caller promises.
    let table = unsafe { pgtable::take_or_alloc(Mm::from_raw(mm), PmdCell::from_raw(pmd)) };

    match table {
        Ok(table) => table.map_or(null_mut(), NonNull::as_ptr),
        Err(error) => error.to_ptr(),
    }
}

/// Maps a table that the caller has a reference of, if it is still hooked at an entry.
///
/// # Safety
///
/// `table` must be what `pte_try_get` returned, and not put yet, and `pmd` an entry of a PMD table
/// of the same mm that the caller keeps in place.
#[export]
pub(crate) unsafe extern "C" fn pte_try_map(
    table: *mut bindings::ptdesc,
    pmd: *mut bindings::pmd_t,
    addr: usize,
) -> *mut bindings::pte_t {
    // SAFETY: As the caller promises.
    let pmd = unsafe { PmdCell::from_raw(pmd) };

    pmd.map(addr)
        .filter(|map| map.is_of(table))
        .map_or(null_mut(), |map| map.into_raw())
}

/// Maps and locks a table that the caller has a reference of, if it is still hooked at an entry.
///
/// # Safety
///
/// As for `pte_try_map`; and `ptlp` must point to where the lock's address can be written.
#[export]
pub(crate) unsafe extern "C" fn pte_try_map_lock(
    mm: *mut bindings::mm_struct,
    table: *mut bindings::ptdesc,
    pmd: *mut bindings::pmd_t,
    addr: usize,
    ptlp: *mut *mut bindings::spinlock_t,
) -> *mut bindings::pte_t {
    // SAFETY: As the caller promises.
    let pmd = unsafe { PmdCell::from_raw(pmd) };
    let map = pmd.map(addr).filter(|map| map.is_of(table));
    // SAFETY: The table is one of this mm.
    let Some(locked) = map.and_then(|map| unsafe { map.lock(pmd, mm) }) else {
        return null_mut();
    };
    let (entry, lock) = locked.into_raw();

    // SAFETY: As the caller promises.
    unsafe { *ptlp = lock };
    entry
}

/// Drops a reference.
///
/// # Safety
///
/// `mm` must be valid, and `table` what `pte_try_get` returned for it and for `addr`; the caller
/// does not use it any more.
#[export]
pub(crate) unsafe extern "C" fn pte_put(
    mm: *mut bindings::mm_struct,
    table: *mut bindings::ptdesc,
    addr: usize,
) {
    if let Some(table) = NonNull::new(table) {
        // SAFETY: As the caller promises.
        unsafe { pgtable::put(Mm::from_raw(mm), table, addr) };
    }
}

/// Drops the table's own reference, when it is to be freed. Returns false if it is not to be freed
/// before others have dropped theirs.
///
/// # Safety
///
/// `word` must be the references of a table that nobody finds any more.
#[export]
pub(crate) unsafe extern "C" fn pte_table_give_up(word: *mut bindings::atomic_t) -> bool {
    // SAFETY: The word is valid, and nobody finds the table any more, as C code has it.
    unsafe { pgtable::give_up(word) }
}
