// SPDX-License-Identifier: GPL-2.0

//! What the mmap lock allows to those who look for tables.

use super::{MmWithUser, MmapReadGuard, VmaRef};
use crate::bindings;

impl<'a> MmapReadGuard<'a> {
    /// Makes a guard of a lock that is held.
    ///
    /// # Safety
    ///
    /// `mm` must have users, and its mmap lock be held by this thread, for reading or for writing.
    /// Whoever releases it does not do so as long as the guard exists; dropping the guard releases it.
    #[inline]
    pub unsafe fn assume(mm: *mut bindings::mm_struct) -> Self {
        // SAFETY: The mm is valid.
        unsafe { bindings::mmap_assert_locked(mm) };
        // INVARIANT: As the caller promises.
        Self {
            // SAFETY: As the caller promises.
            mm: unsafe { MmWithUser::from_raw(mm) },
            _nts: crate::types::NotThreadSafe,
        }
    }

    /// Returns the first VMA that ends above `addr`.
    #[inline]
    pub fn find_vma(&self, addr: usize) -> Option<&VmaRef> {
        // SAFETY: The mmap lock is held.
        let vma = unsafe { bindings::find_vma(self.mm.as_raw(), addr) };
        // SAFETY: A VMA that was found stays while the lock is held.
        (!vma.is_null()).then(|| unsafe { VmaRef::from_raw(vma) })
    }
}

/// Returns whether `vma` is of hugetlb, which has no PTE tables and its own rules.
#[inline]
pub fn is_hugetlb(vma: &VmaRef) -> bool {
    // SAFETY: The VMA is valid.
    unsafe { bindings::is_vm_hugetlb_page(vma.as_ptr()) }
}
