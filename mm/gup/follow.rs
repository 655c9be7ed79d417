// SPDX-License-Identifier: GPL-2.0

//! What one table maps: taking pages while its lock is held.
//!
//! Entries that map consecutive pages of one folio in the same way are taken at once, with one atomic
//! operation. What is to be known of each page is asked of each page.
//!
//! # Locks
//!
//! The mmap lock, the lock of a hugetlb VMA, and then that of the table.

use super::{
    area::Area,
    flags::Flags,
    hook::{self, Point},
    out::Out,
    pin::Held,
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::to_result,
    mm::pgtable::{Leaf, PmdSlot, PteLeaf, PteLock, PudKind, PudSlot},
    page::{PAGE_MASK, PAGE_SHIFT},
    prelude::*,
};

/// What to do next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Go on at the address, which may be where it was.
    On,
    /// Fault the page of the address in, or make a shared page this process's own.
    Fault { unshare: bool },
}

/// The lock of a table is kept for so many pages, before anybody who waits for it, or for this
/// processor, is let in.
const LOOK_AFTER: usize = 128;

const FAULT: Next = Next::Fault { unshare: false };

/// A table, or a huge page, of a VMA, and what is wanted of it.
pub(super) struct Table<'p, 'v> {
    pub(super) area: Area<'v>,
    pub(super) flags: Flags,
    pub(super) out: &'p mut Out,
    /// Where to go on.
    pub(super) addr: &'p mut usize,
    /// Where the VMA ends.
    pub(super) end: usize,
}

impl Table<'_, '_> {
    /// There is nothing: neither a table nor an entry.
    pub(super) fn hole(&self) -> Result<Next> {
        if self.area.leaves_holes(self.flags, *self.addr) {
            Err(EFAULT)
        } else {
            Ok(FAULT)
        }
    }

    /// Returns where what an entry stands for ends, or the VMA.
    #[inline]
    fn part(&self, shift: u32) -> usize {
        let last = *self.addr | ((1 << shift) - 1);

        last.wrapping_add(1).min(self.end)
    }

    /// Returns how many pages are wanted up to an address.
    #[inline]
    fn wanted(&self, end: usize) -> usize {
        let pages = end.saturating_sub(*self.addr & PAGE_MASK) >> PAGE_SHIFT;

        pages.min(self.out.left())
    }

    /// Hands pages over that follow each other.
    #[inline]
    fn put(&mut self, page: NonNull<bindings::page>, count: usize, held: Held) {
        self.out.put(page, count, held);
        self.advance(count);
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        *self.addr = self.addr.wrapping_add(count << PAGE_SHIFT);
    }

    /// Takes what an entry of a PUD table maps.
    pub(super) fn pud(&mut self, slot: PudSlot<'_>) -> Result<Next> {
        let locked = slot.lock();
        let value = locked.slot().read();

        match value.kind() {
            // Of hugetlb: the fault tells who follows accesses by userfaultfd.
            PudKind::Present(leaf)
                if leaf.is_prot_none() && !self.area.lets_through_prot_none(self.flags) =>
            {
                drop(locked);
                self.hole()
            }
            PudKind::Present(leaf) => self.huge(leaf, |_| true, || {}),
            // A PMD table took its place.
            PudKind::Table => Ok(Next::On),
            PudKind::None | PudKind::Bad => {
                drop(locked);
                self.hole()
            }
        }
    }

    /// Takes what there is below an entry of a PMD table.
    #[inline]
    pub(super) fn pmd(&mut self, slot: PmdSlot<'_>) -> Result<Next> {
        let pmd = slot.cell().read();

        if pmd.table().is_some() {
            self.ptes(slot)
        } else if !pmd.is_present() {
            self.hole()
        } else if pmd.is_leaf() {
            self.huge_pmd(slot)
        } else {
            // It is bad: to map the table is to clear it.
            self.ptes(slot)
        }
    }

    fn huge_pmd(&mut self, slot: PmdSlot<'_>) -> Result<Next> {
        let locked = slot.lock();
        let pmd = slot.cell().read();
        let Some(leaf) = pmd.leaf() else {
            drop(locked);
            // The others are found in another way.
            return if pmd.is_present() {
                Ok(Next::On)
            } else {
                self.hole()
            };
        };
        let raw = slot.cell().as_raw();
        let vma = self.area.raw();
        let addr = *self.addr;
        let write = self.flags.writes();
        // SAFETY: These look at their arguments only.
        let (is_thp, is_zero) = unsafe {
            (
                bindings::pmd_trans_huge(pmd.into_ffi()) != 0,
                bindings::is_huge_zero_pmd(pmd.into_ffi()),
            )
        };

        if leaf.is_prot_none() && !self.area.lets_through_prot_none(self.flags) {
            drop(locked);
            return self.hole();
        }
        if is_thp && self.flags.splits() {
            drop(locked);
            // SAFETY: The VMA is valid, and the entry one of its own; nothing is locked but the
            // mmap lock.
            let failed = unsafe {
                bindings::split_huge_pmd(vma, raw, addr);
                // It may have left nothing.
                bindings::pte_alloc_unless_present(slot.mm().as_raw(), raw)
            };
            return if failed { Err(ENOMEM) } else { Ok(Next::On) };
        }
        if is_zero && self.flags.dumps() {
            return Err(EFAULT);
        }
        let touches = is_thp && self.flags.touches();

        self.huge(
            leaf,
            // SAFETY: The VMA is valid, and the entry one of its own, which is locked.
            |_| unsafe { bindings::pmd_needs_no_write_fault(vma, pmd.into_ffi()) },
            || {
                if touches {
                    // SAFETY: As above.
                    unsafe { bindings::touch_pmd(vma, addr, raw, write) };
                }
            },
        )
    }

    /// Takes pages that one entry maps, which is locked.
    fn huge<const SHIFT: u32>(
        &mut self,
        leaf: Leaf<SHIFT>,
        may_force: impl Fn(&Self) -> bool,
        touch: impl FnOnce(),
    ) -> Result<Next> {
        // SAFETY: An entry that maps memory has a page: those that have not are of VMAs that were
        // refused. It is locked, so that the folio stays.
        let (first, folio) = unsafe {
            let first = bindings::pfn_to_page(leaf.pfn());
            (first, NonNull::new_unchecked(bindings::page_folio(first)))
        };
        // SAFETY: The page is one of the folio, which is mapped.
        let (own, unshare) = unsafe {
            (
                || is_own(folio.as_ptr(), first),
                || self.area.must_unshare(self.flags, folio.as_ptr(), first),
            )
        };

        if self.flags.writes()
            && !leaf.is_writable()
            && !(self.area.forces_write(self.flags) && own() && may_force(self))
        {
            return Ok(FAULT);
        }
        if !leaf.is_writable() && unshare() {
            return Ok(Next::Fault { unshare: true });
        }
        let count = self.wanted(self.part(SHIFT));
        let inside = (*self.addr & (Leaf::<SHIFT>::SIZE - 1)) >> PAGE_SHIFT;
        // SAFETY: The folio is mapped by an entry that is locked.
        let held = unsafe { Held::take(folio, count, self.flags)? };
        // SAFETY: A place in the memory map.
        let page = unsafe { NonNull::new_unchecked(first.wrapping_add(inside)) };

        self.check(page, count);
        touch();
        self.put(page, count, held);
        Ok(Next::On)
    }

    /// Takes what the entries of a PTE table map, until one maps nothing that can be taken.
    #[inline]
    fn ptes(&mut self, slot: PmdSlot<'_>) -> Result<Next> {
        let Some(table) = slot.map_lock(*self.addr) else {
            return if slot.cell().read().is_none() {
                self.hole()
            } else {
                // Something else took its place.
                Ok(Next::On)
            };
        };
        let end = self.part(bindings::PMD_SHIFT);
        let mut wanted = self.wanted(end);

        while wanted > 0 {
            let mut batch = wanted.min(LOOK_AFTER);

            while batch > 0 {
                let entry = table.read(*self.addr);
                let Some(leaf) = entry.leaf() else {
                    let is_none = entry.is_none();

                    drop(table);
                    return if is_none { self.hole() } else { Ok(FAULT) };
                };

                if leaf.is_prot_none() && !self.area.lets_through_prot_none(self.flags) {
                    return Ok(FAULT);
                }
                match self.present(&table, leaf, end)? {
                    Taken::Pages(count) => batch = batch.saturating_sub(count),
                    Taken::Not(next) => return Ok(next),
                }
            }
            wanted = self.wanted(end);
            if wanted > 0 && hook::see(Point::Contended, table.is_contended().into()) != 0 {
                break;
            }
        }
        Ok(Next::On)
    }

    /// Takes the page of an entry, and those of the entries behind that are of the same folio.
    #[inline]
    fn present(&mut self, table: &PteLock<'_>, leaf: PteLeaf, end: usize) -> Result<Taken> {
        let Some(page) = self.page(leaf) else {
            return self.no_page(table, leaf);
        };
        // SAFETY: The entry is locked, so that its page stays.
        let folio = unsafe { NonNull::new_unchecked(bindings::page_folio(page.as_ptr())) };
        let forced = self.flags.writes() && !leaf.is_writable();

        // SAFETY: The page is one of the folio, which is mapped.
        if forced && !unsafe { self.may_force(leaf, folio, page) } {
            return Ok(Taken::Not(FAULT));
        }
        let mut run = Run {
            leaf,
            page,
            count: 1,
            // Of interest only if it is about to be written to.
            dirty: self.flags.writes() && leaf.is_dirty(),
        };
        // SAFETY: As above.
        unsafe {
            let asks = self.flags.asks_each(leaf);

            if asks && self.must_unshare(folio, page.as_ptr()) {
                return Ok(Taken::Not(Next::Fault { unshare: true }));
            }
            if !forced && bindings::folio_test_large(folio.as_ptr()) && self.flags.permits_run(leaf)
            {
                self.extend(&mut run, table, folio, asks, self.wanted(end));
            }
        }
        // SAFETY: The folio is mapped by an entry that is locked.
        let held = unsafe { Held::take(folio, run.count, self.flags)? };

        // SAFETY: As above.
        unsafe {
            if self.flags.pins() {
                to_result(bindings::arch_make_folio_accessible(folio.as_ptr()))?;
            }
            if self.flags.touches() {
                if self.flags.writes() && !run.dirty && !bindings::folio_test_dirty(folio.as_ptr())
                {
                    bindings::folio_mark_dirty(folio.as_ptr());
                }
                // A young entry would be more to the point, but others change entries at the same
                // time, and could lose a mark.
                bindings::folio_mark_accessed(folio.as_ptr());
            }
        }
        self.check(page, run.count);
        self.put(page, run.count, held);
        Ok(Taken::Pages(run.count))
    }

    /// Warns if what is about to be pinned can be shared, which would make the pin useless.
    #[inline]
    fn check(&self, first: NonNull<bindings::page>, count: usize) {
        if cfg!(CONFIG_DEBUG_VM) && self.flags.pins() {
            for index in 0..count {
                // SAFETY: The folio has so many pages from there on, and is kept by an entry.
                unsafe { bindings::page_check_pinned(first.as_ptr().wrapping_add(index)) };
            }
        }
    }

    /// Makes a run longer, as far as entries go on like its first one.
    ///
    /// # Safety
    ///
    /// The folio is the run's, and mapped by entries of the table.
    #[inline]
    unsafe fn extend(
        &self,
        run: &mut Run,
        table: &PteLock<'_>,
        folio: NonNull<bindings::folio>,
        asks: bool,
        wanted: usize,
    ) {
        // SAFETY: As the caller promises.
        let behind = unsafe { bindings::page_estimate_behind(run.page.as_ptr()) };

        let like = table.run(*self.addr, run.leaf, behind.min(wanted));

        while run.count < like {
            let page = run.page.as_ptr().wrapping_add(run.count);
            let addr = self.addr.wrapping_add(run.count << PAGE_SHIFT);

            // SAFETY: As the caller promises.
            if asks && unsafe { self.must_unshare(folio, page) } {
                return;
            }
            if run.dirty {
                run.dirty = table.read(addr).leaf().is_some_and(Leaf::is_dirty);
            }
            run.count += 1;
        }
    }

    /// # Safety
    ///
    /// The page is one of the folio, which a locked entry of the VMA maps.
    #[inline]
    unsafe fn must_unshare(
        &self,
        folio: NonNull<bindings::folio>,
        page: *mut bindings::page,
    ) -> bool {
        // SAFETY: As the caller promises.
        unsafe { self.area.must_unshare(self.flags, folio.as_ptr(), page) }
    }

    /// Returns the page that an entry maps, unless it is to be left alone.
    #[inline]
    fn page(&self, leaf: PteLeaf) -> Option<NonNull<bindings::page>> {
        // SAFETY: The value was read from a locked table of the VMA; C code takes care of all that is
        // special.
        NonNull::new(unsafe {
            // Set once, at boot.
            if !leaf.is_special() && leaf.pfn() <= bindings::highest_memmap_pfn {
                bindings::pfn_to_page(leaf.pfn())
            } else {
                bindings::vm_normal_page(self.area.raw(), *self.addr, leaf.entry().into_ffi())
            }
        })
    }

    /// Whether a debugger may write to the page although the entry does not permit it: no fault would
    /// change that.
    ///
    /// # Safety
    ///
    /// The page is one of the folio, which a locked entry of the VMA maps.
    unsafe fn may_force(
        &self,
        leaf: PteLeaf,
        folio: NonNull<bindings::folio>,
        page: NonNull<bindings::page>,
    ) -> bool {
        self.area.forces_write(self.flags)
            // SAFETY: As the caller promises.
            && unsafe {
                is_own(folio.as_ptr(), page.as_ptr())
                    && bindings::pte_needs_no_write_fault(
                        self.area.raw(),
                        leaf.entry().into_ffi(),
                    )
            }
    }

    /// There is an entry without a page of its own: zeroes, or no memory at all.
    fn no_page(&mut self, table: &PteLock<'_>, leaf: PteLeaf) -> Result<Taken> {
        if self.flags.writes() && !leaf.is_writable() {
            return Ok(Taken::Not(FAULT));
        }
        if self.flags.dumps() {
            return Err(EFAULT);
        }
        // SAFETY: The frame is one that an entry maps.
        unsafe {
            if bindings::is_zero_pfn(leaf.pfn()) {
                let page = NonNull::new_unchecked(bindings::pfn_to_page(leaf.pfn()));
                let folio = NonNull::new_unchecked(bindings::page_folio(page.as_ptr()));

                if !leaf.is_writable() && self.must_unshare(folio, page.as_ptr()) {
                    return Ok(Taken::Not(Next::Fault { unshare: true }));
                }
                let held = Held::take(folio, 1, self.flags)?;

                if self.flags.touches() {
                    bindings::folio_mark_accessed(folio.as_ptr());
                }
                self.put(page, 1, held);
                return Ok(Taken::Pages(1));
            }
        }
        if self.flags.touches() {
            let place = table.place(*self.addr);

            // SAFETY: The entry is one of a locked table of the VMA, and keeps what it maps.
            unsafe {
                bindings::touch_pte(self.area.raw(), *self.addr, place, self.flags.writes());
            }
        }
        // There is no page that a caller could be given.
        if self.out.is_array() {
            return Err(EEXIST);
        }
        self.out.skip(1);
        self.advance(1);
        Ok(Taken::Pages(1))
    }
}

/// Whether a page is memory that only one process has.
///
/// # Safety
///
/// The folio must be kept by something, and have the page.
unsafe fn is_own(folio: *mut bindings::folio, page: *mut bindings::page) -> bool {
    // SAFETY: As the caller promises.
    unsafe { bindings::folio_test_anon(folio) && !bindings::page_is_shared(page) }
}

/// What came of an entry.
enum Taken {
    Pages(usize),
    Not(Next),
}

/// Entries that map consecutive pages of one folio.
struct Run {
    leaf: PteLeaf,
    page: NonNull<bindings::page>,
    count: usize,
    /// All of them are.
    dirty: bool,
}
