// SPDX-License-Identifier: GPL-2.0

//! Marks of entries: whether their memory was accessed, written to, or is to be watched.

use super::{HugePmd, LockedPte, PteSlice, VmaRef};
use crate::{
    bindings,
    mm::pgtable::{Pmd, Pte},
    page::PAGE_SIZE,
    sync::atomic::{Atomic, Relaxed},
};
use core::ops::Range;

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

/// Entries that allow less than before: processors may still know what they were.
///
/// They are made to forget it by [`flush`](Self::flush), at the latest before the mmap lock is
/// released; or it is told that somebody else is going to do that.
#[must_use = "processors may still know what the entries were"]
pub struct TlbFlush<'a> {
    vma: &'a VmaRef,
    range: Range<usize>,
}

impl<'a> TlbFlush<'a> {
    /// There is nothing to be forgotten yet.
    #[inline]
    pub fn nothing(vma: &'a VmaRef) -> Self {
        Self { vma, range: 0..0 }
    }

    #[inline]
    fn page(vma: &'a VmaRef, addr: usize) -> Self {
        Self {
            vma,
            range: addr..addr.wrapping_add(PAGE_SIZE),
        }
    }

    /// Has both be forgotten, and what lies between them.
    #[inline]
    pub fn join(&mut self, other: TlbFlush<'a>) {
        let other = other.range;

        if self.range.is_empty() {
            self.range = other;
        } else if !other.is_empty() {
            self.range = self.range.start.min(other.start)..self.range.end.max(other.end);
        }
    }

    /// Makes all processors forget what the entries were.
    #[inline]
    pub fn flush(self) {
        if !self.range.is_empty() {
            // SAFETY: The VMA is valid.
            unsafe {
                bindings::flush_tlb_range(self.vma.as_ptr(), self.range.start, self.range.end)
            };
        }
    }

    /// Leaves that to whoever flushes all of the mm.
    #[inline]
    pub fn covered_by(self, flush: &MmTlbFlush) {
        crate::vm_warn_on_once!(self.vma.mm().as_raw() != flush.0);
    }
}

/// Somebody is going to make all processors forget all entries of an mm.
pub struct MmTlbFlush(*mut bindings::mm_struct);

impl MmTlbFlush {
    /// Tells of C code that does it.
    ///
    /// # Safety
    ///
    /// The TLBs of `mm` must be flushed after this is dropped, before its mmap lock is released, and
    /// others be told by `inc_tlb_flush_pending()` meanwhile.
    #[inline]
    pub unsafe fn by_caller(mm: *mut bindings::mm_struct) -> Self {
        Self(mm)
    }
}

/// Replaces an entry by what `update` makes of it, which is called again where the processor has set a
/// mark meanwhile.
///
/// # Safety
///
/// `place` must be an entry of a table that is locked. `update` may only change marks and rights: not
/// make an entry none or the other way round, nor have it refer to something else.
#[inline]
unsafe fn update(place: *mut bindings::pte_t, before: Pte, update: impl Fn(Pte) -> Pte) {
    // SAFETY: The entry is a word of a table that is locked, and all accesses are atomic.
    let word = unsafe { Atomic::<u64>::from_ptr(place.cast()) };
    let mut entry = before;

    loop {
        let new = update(entry);

        if new == entry {
            return;
        }
        match word.cmpxchg(stored(entry), stored(new), Relaxed) {
            Ok(_) => return,
            Err(now) => entry = loaded(now),
        }
    }
}

impl<'a> PteSlice<'a> {
    /// Has the next write to each page be noticed, but for those that are to be left out.
    #[inline]
    pub fn clear_soft_dirty(
        &mut self,
        mut leave_out: impl FnMut(LockedPte<'_>) -> bool,
    ) -> TlbFlush<'a> {
        let mut entries = self.iter();

        loop {
            let place = entries.place();
            let Some(entry) = entries.next() else {
                break;
            };

            if !entry.is_none() && !leave_out(entry) {
                // SAFETY: An entry of this slice; only marks change, and the right to write.
                unsafe { update(place, entry.value(), Pte::without_writes) };
            }
        }
        TlbFlush {
            vma: self.vma(),
            range: self.start()..self.end(),
        }
    }

    /// Has the next access to each page be noticed, of those that are chosen. That a TLB knows the
    /// mark still does no harm.
    #[inline]
    pub fn clear_young(&mut self, mut choose: impl FnMut(LockedPte<'_>) -> bool) {
        let mut entries = self.iter();

        loop {
            let place = entries.place();
            let Some(entry) = entries.next() else {
                break;
            };

            if entry.is_present() && choose(entry) {
                // SAFETY: An entry of this slice; only the mark of age changes.
                unsafe { update(place, entry.value(), Pte::without_accesses) };
            }
        }
    }

    /// Has userfaultfd be told of writes to a page of this slice, or puts a marker where there is
    /// none. userfaultfd follows the VMA.
    #[inline]
    pub fn mark_uffd_wp(&mut self, addr: usize) -> TlbFlush<'a> {
        let Some(before) = self.get(addr).map(LockedPte::value) else {
            return TlbFlush::nothing(self.vma());
        };

        if before.is_present() {
            // SAFETY: An entry of this slice; only marks change, and the right to write.
            unsafe { update(self.place(addr), before, Pte::with_uffd) };
        } else {
            // SAFETY: It refers to the same as before, or to nothing, as before; no processor knows
            // it.
            unsafe { self.lock_mut().set(addr, before.with_uffd()) };
        }
        TlbFlush::page(self.vma(), addr)
    }
}

impl HugePmd<'_> {
    fn place(&self) -> *mut bindings::pmd_t {
        self.lock().slot().cell().as_raw()
    }

    /// Forgets that the huge page was accessed; returns whether it was.
    pub fn clear_young(&mut self) -> bool {
        // SAFETY: The entry is locked, and of this VMA.
        unsafe {
            bindings::pmdp_test_and_clear_young(self.vma.as_ptr(), self.range.start, self.place())
        }
    }

    /// Has the next write to the huge page be noticed. The TLBs are flushed.
    pub fn clear_soft_dirty(&mut self) {
        if !cfg!(CONFIG_TRANSPARENT_HUGEPAGE) {
            // There is no such entry.
            return;
        }
        let vma = self.vma;
        let value = self.value();
        let start = self.range.start;

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

    /// Has userfaultfd be told of writes to the huge page. userfaultfd follows the VMA. The TLBs are
    /// flushed.
    pub fn mark_uffd_wp(&mut self) {
        if !cfg!(CONFIG_TRANSPARENT_HUGEPAGE) {
            // There is no such entry.
            return;
        }
        let vma = self.vma;
        let value = self.value();
        let range = self.range();

        // SAFETY: The entry is locked, and of this VMA. While it is changed the processor can't use
        // it, so that no mark is lost.
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
