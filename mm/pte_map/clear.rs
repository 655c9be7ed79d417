// SPDX-License-Identifier: GPL-2.0

//! Clearing an entry so that no processor uses it any more.

use kernel::{bindings, prelude::*};

/// Makes an entry none, flushes it from the TLBs if they may hold it, and returns what it was. The
/// table's count is as before: who calls this puts something else in its place, before the lock is
/// dropped.
///
/// # Safety
///
/// `vma` must be valid, and `ptep` the entry for `addr` of a table of its mm whose lock is held.
#[export]
pub(crate) unsafe extern "C" fn ptep_clear_flush(
    vma: *mut bindings::vm_area_struct,
    addr: usize,
    ptep: *mut bindings::pte_t,
) -> bindings::pte_t {
    // SAFETY: The VMA is valid.
    let mm = unsafe { bindings::vma_mm(vma) };
    // SAFETY: As the caller promises.
    let before = unsafe { bindings::__ptep_get_and_clear_raw(mm, addr, ptep) };

    // SAFETY: The mm is that of a valid VMA.
    if unsafe { bindings::pte_accessible(mm, before) } {
        // SAFETY: The VMA is valid.
        unsafe { bindings::flush_tlb_page(vma, addr) };
    }
    before
}
