// SPDX-License-Identifier: GPL-2.0

//! Marks of entries: whether their memory was accessed, written to, or is to be watched.

use super::{HugePmd, PteSlice, VmaRef};
use crate::{
    bindings,
    mm::pgtable::{Pmd, Pte},
    sync::atomic::{Atomic, Relaxed},
};

impl Pte {
    /// Returns what the entry is when writes are to be noticed from now on.
    #[inline]
    pub fn without_writes(self) -> Self {
        let raw = self.into_ffi();

        // SAFETY: These only compute.
        Self::from_ffi(unsafe {
            if self.is_present() {
                bindings::pte_clear_soft_dirty(bindings::pte_wrprotect(raw))
            } else {
                bindings::pte_swp_clear_soft_dirty(raw)
            }
        })
    }

    /// Returns what the entry is, if it maps a page, when accesses are to be noticed from now on.
    #[inline]
    pub fn without_accesses(self) -> Self {
        // SAFETY: This only computes.
        Self::from_ffi(unsafe { bindings::pte_mkold(self.into_ffi()) })
    }

    /// Returns what the entry is when userfaultfd is to be told of writes. If it is none, that is a
    /// marker.
    #[inline]
    pub fn with_uffd(self) -> Self {
        let raw = self.into_ffi();

        // SAFETY: These only compute.
        Self::from_ffi(unsafe {
            if self.is_present() {
                bindings::pte_mkuffd(raw)
            } else if self.is_none() {
                bindings::pte_uffd_wp_marker()
            } else {
                bindings::pte_swp_mkuffd(raw)
            }
        })
    }
}

/// Returns the word that holds an entry in memory, which is another one for a guest of Xen's.
#[inline]
fn stored(entry: Pte) -> u64 {
    entry.into_ffi().pte as u64
}

/// Returns the entry that a word in memory holds.
#[inline]
fn loaded(word: u64) -> Pte {
    Pte::from_ffi(bindings::pte_t {
        pte: word as bindings::pteval_t,
    })
}

impl PteSlice<'_> {
    /// Replaces each entry by what `update` makes of it, which is called again where the processor
    /// has set a mark meanwhile.
    ///
    /// # Safety
    ///
    /// `update` may only change marks: not make an entry none or the other way round, nor have it
    /// refer to something else. The caller flushes the TLBs if an entry allows less than before.
    #[inline]
    pub unsafe fn update_each(&mut self, mut update: impl FnMut(&Self, usize, Pte) -> Pte) {
        for (addr, mut entry) in self.iter() {
            // SAFETY: The entry is a word of a table that is locked, and all accesses are atomic.
            let word = unsafe { Atomic::<u64>::from_ptr(self.place(addr).cast()) };

            loop {
                let new = update(self, addr, entry);

                if new == entry {
                    break;
                }
                match word.cmpxchg(stored(entry), stored(new), Relaxed) {
                    Ok(_) => break,
                    Err(now) => entry = loaded(now),
                }
            }
        }
    }

    /// Has userfaultfd be told of writes to a page, or puts a marker where there is none.
    ///
    /// # Safety
    ///
    /// `entry` must be what the entry of `addr` was just now. userfaultfd must follow the VMA. The
    /// caller flushes the TLBs.
    #[inline]
    pub unsafe fn watch(&mut self, addr: usize, entry: Pte) {
        if entry.is_present() {
            // The processor may set marks meanwhile.
            // SAFETY: The entry is a word of a table that is locked, and all accesses are atomic.
            let word = unsafe { Atomic::<u64>::from_ptr(self.place(addr).cast()) };
            let mut before = entry;

            while let Err(now) = word.cmpxchg(stored(before), stored(before.with_uffd()), Relaxed) {
                before = loaded(now);
            }
        } else {
            // SAFETY: It refers to the same as before, or to nothing, as before.
            unsafe { self.set(addr, entry.with_uffd()) };
        }
    }

    /// Makes all CPUs forget entries of this slice.
    pub fn flush(&self, vma: &VmaRef, range: core::ops::Range<usize>) {
        // SAFETY: The VMA is valid.
        unsafe { bindings::flush_tlb_range(vma.as_ptr(), range.start, range.end) };
    }
}

impl HugePmd<'_> {
    fn place(&self) -> *mut bindings::pmd_t {
        self.lock().slot().cell().as_raw()
    }

    /// Forgets that the huge page was accessed; returns whether it was.
    pub fn clear_young(&self, vma: &VmaRef) -> bool {
        // SAFETY: The entry is locked, and of this VMA.
        unsafe {
            bindings::pmdp_test_and_clear_young(vma.as_ptr(), self.range().start, self.place())
        }
    }

    /// Has writes to the huge page be noticed from now on.
    ///
    /// # Safety
    ///
    /// The entry must be one of `vma`. The caller flushes the TLBs.
    pub unsafe fn forget_writes(&self, vma: &VmaRef) {
        if !cfg!(CONFIG_TRANSPARENT_HUGEPAGE) {
            // There is no such entry.
            return;
        }
        let value = self.value();
        let start = self.range().start;

        // SAFETY: The entry is locked, and of this VMA. While it is changed the processor can't use
        // it, so that no mark is lost.
        unsafe {
            let new = if value.is_present() {
                let before =
                    Pmd::from_ffi(bindings::pmdp_invalidate(vma.as_ptr(), start, self.place()));
                let leaf = before.leaf();
                let mut new = value.into_ffi();

                if leaf.is_some_and(|leaf| leaf.is_dirty()) {
                    new = bindings::pmd_mkdirty(new);
                }
                if leaf.is_some_and(|leaf| leaf.is_young()) {
                    new = bindings::pmd_mkyoung(new);
                }
                bindings::pmd_clear_soft_dirty(bindings::pmd_wrprotect(new))
            } else if bindings::pmd_is_migration_entry(value.into_ffi()) {
                bindings::pmd_swp_clear_soft_dirty(value.into_ffi())
            } else {
                return;
            };

            bindings::set_pmd_at(vma.mm().as_raw(), start, self.place(), new);
        }
    }

    /// Has userfaultfd be told of writes to the huge page.
    ///
    /// # Safety
    ///
    /// The entry must be one of `vma`, which userfaultfd follows.
    pub unsafe fn watch_writes(&self, vma: &VmaRef) {
        if !cfg!(CONFIG_TRANSPARENT_HUGEPAGE) {
            // There is no such entry.
            return;
        }
        let value = self.value();
        let range = self.range();

        // SAFETY: As in `forget_writes`.
        unsafe {
            let new = if value.is_present() {
                bindings::pmd_mkuffd(bindings::pmdp_invalidate_ad(
                    vma.as_ptr(),
                    range.start,
                    self.place(),
                ))
            } else if bindings::pmd_is_migration_entry(value.into_ffi()) {
                bindings::pmd_swp_mkuffd(value.into_ffi())
            } else {
                value.into_ffi()
            };

            bindings::set_pmd_at(vma.mm().as_raw(), range.start, self.place(), new);
            bindings::flush_tlb_range(vma.as_ptr(), range.start, range.end);
        }
    }
}
