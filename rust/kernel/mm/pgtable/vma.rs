// SPDX-License-Identifier: GPL-2.0

//! What the mmap lock allows to those who look for tables, and what a VMA says of its memory.

use super::{Mm, MmWithUser, MmapReadGuard, VmaRef};
use crate::{bindings, mm::virt::flags};

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

impl Mm {
    /// Returns whether pages of it may have been pinned, ever.
    #[inline]
    pub fn has_pinned(&self) -> bool {
        // SAFETY: The mm is valid.
        unsafe { bindings::mm_has_pinned(self.as_raw()) }
    }
}

impl VmaRef {
    #[inline]
    fn has(&self, flags: usize) -> bool {
        self.flags() & flags != 0
    }

    /// Returns whether its memory is of no file, as `vma_is_anonymous()`.
    #[inline]
    pub fn is_anonymous(&self) -> bool {
        // SAFETY: The VMA is valid.
        unsafe { bindings::vma_is_anonymous(self.as_ptr()) }
    }

    /// Returns whether it maps a file, if only one without a name in memory.
    #[inline]
    pub fn has_file(&self) -> bool {
        // SAFETY: The VMA is valid; the file is not looked at.
        unsafe { !(*self.as_ptr()).vm_file.is_null() }
    }

    /// Returns whether it is of hugetlb, which has no PTE tables and its own rules.
    #[inline]
    pub fn is_hugetlb(&self) -> bool {
        is_hugetlb(self)
    }

    /// Returns whether it maps frames that have no pages (`VM_PFNMAP`).
    #[inline]
    pub fn is_pfnmap(&self) -> bool {
        self.has(flags::PFNMAP)
    }

    /// Returns whether it maps a file of a file system that writes to the device itself.
    #[inline]
    pub fn is_fsdax(&self) -> bool {
        // SAFETY: The VMA is valid.
        unsafe { bindings::vma_is_fsdax(self.as_ptr()) }
    }

    /// Returns whether it maps secret memory.
    #[inline]
    pub fn is_secretmem(&self) -> bool {
        // SAFETY: The VMA is valid.
        unsafe { bindings::vma_is_secretmem(self.as_ptr()) }
    }

    /// Returns whether it is a shadow stack.
    #[inline]
    pub fn is_shadow_stack(&self) -> bool {
        // SAFETY: The VMA is valid.
        unsafe { bindings::vma_has_shadow_stack(self.as_ptr()) }
    }

    /// Returns whether a write to it makes a copy: it is private, and may become writable.
    #[inline]
    pub fn is_cow_mapping(&self) -> bool {
        self.flags() & (flags::SHARED | flags::MAYWRITE) == flags::MAYWRITE
    }

    /// Returns whether all of it counts as written to, for who asks by soft-dirty.
    #[inline]
    pub fn is_soft_dirty(&self) -> bool {
        self.has(flags::SOFTDIRTY)
    }

    /// Returns whether its pages are to stay in memory.
    #[inline]
    pub fn is_locked(&self) -> bool {
        self.has(bindings::VM_LOCKED as usize)
    }

    /// Returns whether its file must be told before a page of it is written to.
    #[inline]
    pub fn needs_dirty_tracking(&self) -> bool {
        // SAFETY: The VMA is valid.
        unsafe { bindings::vma_needs_dirty_tracking(self.as_ptr()) }
    }

    /// Returns whether protection keys let the current task access it, or a `foreign` one.
    #[inline]
    pub fn arch_access_permitted(&self, write: bool, execute: bool, foreign: bool) -> bool {
        // SAFETY: The VMA is valid.
        unsafe { bindings::arch_vma_access_permitted(self.as_ptr(), write, execute, foreign) }
    }
}
