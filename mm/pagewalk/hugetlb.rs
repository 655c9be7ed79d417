// SPDX-License-Identifier: GPL-2.0

//! Walks of hugetlb VMAs, which have entries of one size, and a lock of their own against tables that
//! are shared with other processes.

use super::engine::Engine;
use core::ffi::c_int;

/// Walks a part of the VMA of `engine`, which is of hugetlb.
///
/// # Safety
///
/// The VMA must be locked, and the range a part of it.
#[cfg(CONFIG_HUGETLB_PAGE)]
pub(super) unsafe fn walk(engine: &Engine, start: usize, end: usize) -> c_int {
    use kernel::mm::walk::HugetlbVma;

    let Some(entry) = engine.ops().hugetlb_entry else {
        return 0;
    };
    // SAFETY: As the caller promises.
    let vma = unsafe { HugetlbVma::from_raw(engine.vma()) };
    let lock = vma.lock();
    let mut addr = start;

    loop {
        let next = vma.entry_end(addr).min(end);
        let err = match lock.entry(addr) {
            // SAFETY: The caller's own callback, called as it wants to be.
            Some(pte) => unsafe {
                let mask = !(vma.page_size() - 1);

                entry(pte, mask as _, addr as _, next as _, engine.walk())
            },
            None => engine.hole(addr, next, -1),
        };
        if err != 0 || next >= end {
            return err;
        }
        addr = next;
    }
}

#[cfg(not(CONFIG_HUGETLB_PAGE))]
pub(super) unsafe fn walk(_: &Engine, _: usize, _: usize) -> c_int {
    0
}
