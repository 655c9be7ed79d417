// SPDX-License-Identifier: GPL-2.0

//! Hugetlb VMAs.
//!
//! All pages of such a VMA are of one size, and so is what an entry stands for. The table that an entry
//! is in may be shared with other processes, and may be taken away when they stop to share it; the
//! lock of the VMA is against that.

use super::VmaRef;
use crate::{bindings, mm::pgtable::Pte, types::NotThreadSafe};
use core::{marker::PhantomData, ops::Range, ptr::NonNull};

/// A VMA of hugetlb.
///
/// # Invariants
///
/// `vma` is valid, of hugetlb, and locked in some way.
#[derive(Clone, Copy)]
pub struct HugetlbVma<'a> {
    vma: NonNull<bindings::vm_area_struct>,
    _vma: PhantomData<&'a VmaRef>,
}

impl<'a> HugetlbVma<'a> {
    /// Takes a VMA of C code.
    ///
    /// # Safety
    ///
    /// `vma` must be of hugetlb, and locked during `'a` by the mmap lock, the VMA lock, or the
    /// `i_mmap_rwsem` of its file.
    #[inline]
    pub unsafe fn from_raw(vma: *mut bindings::vm_area_struct) -> Self {
        // INVARIANT: As the caller promises.
        Self {
            // SAFETY: Valid pointers are not null.
            vma: unsafe { NonNull::new_unchecked(vma) },
            _vma: PhantomData,
        }
    }

    /// Returns the bytes of a page.
    #[inline]
    pub fn page_size(self) -> usize {
        // SAFETY: By the type invariants.
        unsafe { bindings::hugetlb_vma_page_size(self.vma.as_ptr()) }
    }

    /// Returns where the page of an address ends.
    #[inline]
    pub fn entry_end(self, addr: usize) -> usize {
        (addr | self.page_size().wrapping_sub(1)).saturating_add(1)
    }

    /// Locks the VMA against tables being shared, or not any more. May sleep.
    #[inline]
    pub fn lock(self) -> HugetlbLock<'a> {
        // SAFETY: By the type invariants.
        unsafe { bindings::hugetlb_vma_lock_read(self.vma.as_ptr()) };
        // INVARIANT: Just taken.
        HugetlbLock {
            vma: self,
            _nts: NotThreadSafe,
        }
    }
}

/// The lock of a hugetlb VMA, held for reading.
///
/// # Invariants
///
/// The lock is held.
#[must_use = "the lock is released at once if this is not bound"]
pub struct HugetlbLock<'a> {
    vma: HugetlbVma<'a>,
    // It is released where it was taken.
    _nts: NotThreadSafe,
}

impl HugetlbLock<'_> {
    /// Returns the entry of the page of an address, if there is a table for it.
    #[inline]
    pub fn entry(&self, addr: usize) -> Option<*mut bindings::pte_t> {
        let size = self.vma.page_size();
        let start = addr & !size.wrapping_sub(1);

        // SAFETY: The VMA is valid by the type invariants, and locked.
        let entry = unsafe { bindings::hugetlb_walk(self.vma.vma.as_ptr(), start, size) };
        (!entry.is_null()).then_some(entry)
    }
}

impl Drop for HugetlbLock<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: We hold the lock by the type invariants.
        unsafe { bindings::hugetlb_vma_unlock_read(self.vma.vma.as_ptr()) };
    }
}

/// The place of an entry of a hugetlb VMA. One may sleep before it is dropped.
///
/// # Invariants
///
/// `entry` is the entry of `range.start`, and stays while the VMA is locked.
pub struct HugetlbSlot<'a> {
    lock: HugetlbLock<'a>,
    entry: *mut bindings::pte_t,
    range: Range<usize>,
}

impl<'a> HugetlbSlot<'a> {
    /// Finds the entry of a range that lies in one page.
    pub(super) fn find(vma: HugetlbVma<'a>, range: Range<usize>) -> Option<Self> {
        let lock = vma.lock();
        let entry = lock.entry(range.start)?;

        // INVARIANT: As just found.
        Some(Self { lock, entry, range })
    }

    /// Which part of the page is walked.
    #[inline]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Returns the place.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::pte_t {
        self.entry
    }

    /// Returns the bytes of the page.
    #[inline]
    pub fn page_size(&self) -> usize {
        self.lock.vma.page_size()
    }

    /// Reads the entry without its lock.
    pub fn read(&self) -> Pte {
        // SAFETY: By the type invariants.
        Pte::from_ffi(unsafe {
            bindings::hugetlb_entry_read(self.vma(), self.range.start, self.entry)
        })
    }

    /// Returns whether the table that the entry is in belongs to other processes as well.
    pub fn is_table_shared(&self) -> bool {
        // SAFETY: By the type invariants.
        unsafe { bindings::hugetlb_pmd_shared(self.entry) }
    }

    /// Locks the entry.
    pub fn lock(&self) -> HugetlbEntry<'_> {
        // SAFETY: By the type invariants.
        let ptl = unsafe { bindings::hugetlb_entry_lock(self.vma(), self.entry) };

        // INVARIANT: Just taken.
        HugetlbEntry {
            ptl,
            value: self.read(),
            _slot: PhantomData,
            _nts: NotThreadSafe,
        }
    }

    fn vma(&self) -> *mut bindings::vm_area_struct {
        self.lock.vma.vma.as_ptr()
    }
}

/// An entry of a hugetlb VMA, which is locked. One may not sleep before it is dropped.
///
/// # Invariants
///
/// `ptl` is held.
#[must_use = "the entry is unlocked at once if this is not bound"]
pub struct HugetlbEntry<'s> {
    ptl: *mut bindings::spinlock_t,
    value: Pte,
    _slot: PhantomData<&'s ()>,
    // A spinlock is released where it was taken.
    _nts: NotThreadSafe,
}

impl HugetlbEntry<'_> {
    /// What the entry is.
    #[inline]
    pub fn value(&self) -> Pte {
        self.value
    }
}

impl Drop for HugetlbEntry<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: We hold the lock by the type invariants.
        unsafe { bindings::spin_unlock(self.ptl) };
    }
}
