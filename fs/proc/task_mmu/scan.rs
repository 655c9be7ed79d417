// SPDX-License-Identifier: GPL-2.0

//! PAGEMAP_SCAN: finding pages of some categories, and having writes to them be noticed.

use super::{held, is_watched};
use core::ffi::c_int;
use core::ops::Range;
use kernel::{
    bindings,
    mm::{
        pgtable::{Pmd, Pte, PteKind, PteLeaf},
        virt::VmaRef,
        walk::{Area, Chunk, HugePmd, LockedPte, MappedPage, PteSlice, TlbFlush},
    },
    page::{PAGE_SHIFT, PAGE_SIZE},
    prelude::*,
};

const WPALLOWED: usize = bindings::PAGE_IS_WPALLOWED as usize;
const WRITTEN: usize = bindings::PAGE_IS_WRITTEN as usize;
const FILE: usize = bindings::PAGE_IS_FILE as usize;
const PRESENT: usize = bindings::PAGE_IS_PRESENT as usize;
const SWAPPED: usize = bindings::PAGE_IS_SWAPPED as usize;
const PFNZERO: usize = bindings::PAGE_IS_PFNZERO as usize;
const HUGE: usize = bindings::PAGE_IS_HUGE as usize;
const SOFT_DIRTY: usize = bindings::PAGE_IS_SOFT_DIRTY as usize;
const GUARD: usize = bindings::PAGE_IS_GUARD as usize;
const ACCESSED: usize = bindings::PAGE_IS_ACCESSED as usize;

/// Looks for pages of some categories; see `include/linux/task_mmu.h`.
///
/// # Safety
///
/// `mm` must have users, its mmap lock be held, and `scan` be set up.
#[export]
pub(crate) unsafe extern "C" fn rust_pagemap_scan(
    mm: *mut bindings::mm_struct,
    start: usize,
    end: usize,
    scan: *mut bindings::pagemap_scan_private,
) -> c_int {
    // SAFETY: As the caller promises.
    let (lock, scan) = unsafe { (held(mm), &mut *scan) };

    for area in lock.areas(start..end) {
        let Area::Vma(vma, range) = area else {
            continue;
        };
        let result = match admit(scan, vma) {
            Ok(None) => continue,
            Ok(Some(common)) => {
                scan.cur_vma_category = common;
                Scan::new(scan, vma, common).run(range)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            return error.to_errno();
        }
    }
    0
}

/// Returns the categories that all of a VMA is of, if it is to be looked at.
fn admit(scan: &bindings::pagemap_scan_private, vma: &VmaRef) -> Result<Option<usize>> {
    // SAFETY: The VMA is valid.
    let watchable = unsafe { bindings::uffd_wp_scannable(vma.as_ptr()) };

    if !watchable {
        if scan.arg.flags & u64::from(bindings::PM_SCAN_CHECK_WPASYNC) != 0 {
            return Err(EPERM);
        }
        if scan.arg.flags & u64::from(bindings::PM_SCAN_WP_MATCHING) != 0 {
            return Ok(None);
        }
    }
    if vma.is_pfnmap() {
        return Ok(None);
    }
    let mut common = 0;

    if watchable {
        common |= WPALLOWED;
    }
    if vma.is_soft_dirty() {
        common |= SOFT_DIRTY;
    }
    let required = scan.arg.category_mask as usize & WPALLOWED;
    let found = common ^ scan.arg.category_inverted as usize;

    Ok((found & required == required).then_some(common))
}

/// What stays the same while a VMA is scanned.
struct Scan<'s> {
    scan: &'s mut bindings::pagemap_scan_private,
    vma: &'s VmaRef,
    /// Categories that all of the VMA is of
    common: usize,
    /// Categories of what userfaultfd does not follow
    unwatched: usize,
    /// Categories of what is not there
    missing: usize,
    wants_file: bool,
    watch: bool,
}

/// What is to be done after a chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// Go on to the next one.
    Next,
    /// Split the huge page that it was.
    Split,
}

/// How much of what was found there was place for.
struct Told {
    end: usize,
    full: bool,
}

impl<'s> Scan<'s> {
    fn new(scan: &'s mut bindings::pagemap_scan_private, vma: &'s VmaRef, common: usize) -> Self {
        let mut unwatched = 0;

        // SAFETY: The VMA is valid.
        unsafe {
            if bindings::userfaultfd_wp(vma.as_ptr()) {
                unwatched |= WRITTEN;
            }
            if bindings::userfaultfd_rwp(vma.as_ptr()) {
                unwatched |= ACCESSED;
            }
        }
        Self {
            wants_file: scan.masks_of_interest & FILE != 0,
            watch: scan.arg.flags & u64::from(bindings::PM_SCAN_WP_MATCHING) != 0,
            // What has no marker any more was given back.
            missing: unwatched & WRITTEN,
            scan,
            vma,
            common,
            unwatched,
        }
    }

    fn run(mut self, range: Range<usize>) -> Result {
        let vma = self.vma;
        let mut chunks = vma.chunks(range).split_puds();

        loop {
            let after = match chunks.next_chunk() {
                None => return Ok(()),
                Some(Chunk::Ptes(mut slice)) => {
                    self.ptes(&mut slice)?;
                    After::Next
                }
                Some(Chunk::Pmd(huge)) => self.pmd(huge)?,
                #[cfg(CONFIG_HUGETLB_PAGE)]
                Some(Chunk::Hugetlb(slot)) => {
                    self.hugetlb(&slot)?;
                    After::Next
                }
                Some(Chunk::Hole(hole)) => {
                    self.hole(hole.range)?;
                    After::Next
                }
                // Was split.
                Some(Chunk::Pud(_)) => After::Next,
            };

            if after == After::Split {
                chunks.split_last();
            }
        }
    }

    #[inline]
    fn is_interesting(&self, categories: usize) -> bool {
        let arg = &self.scan.arg;
        let found = categories ^ arg.category_inverted as usize;
        let mask = arg.category_mask as usize;
        let any_of = arg.category_anyof_mask as usize;

        found & mask == mask && (any_of == 0 || found & any_of != 0)
    }

    /// Tells of a range, as far as there is place for it.
    fn tell(&mut self, categories: usize, range: Range<usize>) -> Told {
        let scan = &mut *self.scan;
        let mut told = Told {
            end: range.end,
            full: false,
        };

        if scan.vec_buf.is_null() {
            return told;
        }
        let allowed = (scan.arg.max_pages as usize).saturating_sub(scan.found_pages);
        let mut pages = range.len() >> PAGE_SHIFT;

        if pages > allowed {
            pages = allowed;
            told = Told {
                end: range.start.wrapping_add(pages << PAGE_SHIFT),
                full: true,
            };
        }
        let categories = categories & scan.arg.return_mask as usize;

        if !push(scan, categories, range.start..told.end) {
            pages = 0;
            told = Told {
                end: range.start,
                full: true,
            };
        }
        scan.found_pages = scan.found_pages.saturating_add(pages);
        if told.full {
            scan.arg.walk_end = told.end as u64;
        }
        told
    }

    /// Categories that depend on the page.
    #[inline]
    fn of_page(&self, page: Option<MappedPage<'_>>) -> usize {
        match page {
            Some(page) if !page.is_anon() => FILE,
            _ => 0,
        }
    }

    #[inline]
    fn present<'e>(&self, leaf: PteLeaf, page: impl FnOnce() -> Option<MappedPage<'e>>) -> usize {
        let mut categories = PRESENT;

        if !leaf.is_uffd() {
            categories |= self.unwatched;
        }
        if self.wants_file {
            categories |= self.of_page(page());
        }
        // SAFETY: The page of zeroes can be asked for at any time.
        if leaf.is_special() && unsafe { bindings::is_zero_pfn(leaf.pfn()) } {
            categories |= PFNZERO;
        }
        if leaf.is_soft_dirty() {
            categories |= SOFT_DIRTY;
        }
        categories
    }

    #[cold]
    fn soft(&self, entry: Pte, page: Option<MappedPage<'_>>) -> usize {
        let mut categories = SWAPPED;

        if !is_watched(entry) {
            categories |= self.unwatched;
        }
        if matches!(entry.kind(), PteKind::Marker(marker) if marker.is_guard()) {
            categories |= GUARD;
        } else if self.wants_file {
            categories |= self.of_page(page);
        }
        if entry.is_soft_dirty() {
            categories |= SOFT_DIRTY;
        }
        categories
    }

    // An entry of three words would be passed in memory.
    #[inline(always)]
    fn categories(&self, entry: LockedPte<'_>) -> usize {
        self.common
            | match entry.leaf() {
                Some(leaf) => self.present(leaf, || entry.page()),
                None if entry.is_none() => self.missing,
                None => self.soft(entry.value(), entry.soft_page()),
            }
    }

    fn ptes(&mut self, slice: &mut PteSlice<'_>) -> Result {
        if !self.watch {
            return self.tell_ptes(slice);
        }
        let mut flush = TlbFlush::nothing(slice.vma());
        let result = self.watch_ptes(slice, &mut flush);

        flush.flush();
        result
    }

    fn tell_ptes(&mut self, slice: &PteSlice<'_>) -> Result {
        for entry in slice {
            let categories = self.categories(entry);

            if self.is_interesting(categories) && self.tell(categories, page(entry.addr())).full {
                return Err(ENOSPC);
            }
        }
        Ok(())
    }

    fn watch_ptes<'a>(&mut self, slice: &mut PteSlice<'a>, flush: &mut TlbFlush<'a>) -> Result {
        // Nothing is told: then all is to be watched, of whatever category.
        let all = self.scan.vec_out.is_null();

        for addr in (slice.start()..slice.end()).step_by(PAGE_SIZE) {
            let Some(entry) = slice.get(addr) else {
                break;
            };

            if all {
                if is_watched(entry.value()) {
                    continue;
                }
            } else {
                let categories = self.categories(entry);

                if !self.is_interesting(categories) {
                    continue;
                }
                if self.tell(categories, page(addr)).full {
                    return Err(ENOSPC);
                }
                if categories & WRITTEN == 0 {
                    continue;
                }
            }
            flush.join(slice.mark_uffd_wp(addr));
        }
        Ok(())
    }

    fn huge(&self, huge: &HugePmd<'_>) -> usize {
        let entry: Pmd = huge.value();
        let mut categories = HUGE | self.common;

        if !entry.is_uffd() {
            categories |= self.unwatched;
        }
        if entry.is_soft_dirty() {
            categories |= SOFT_DIRTY;
        }
        if self.wants_file {
            categories |= self.of_page(huge.page());
        }
        if !entry.is_present() {
            return categories | SWAPPED;
        }
        // SAFETY: A present entry has a page frame.
        if unsafe { bindings::is_huge_zero_pmd(entry.into_ffi()) } {
            categories |= PFNZERO;
        }
        categories | PRESENT
    }

    #[cold]
    fn pmd(&mut self, mut huge: HugePmd<'_>) -> Result<After> {
        let range = huge.range();
        let categories = self.huge(&huge);

        if !self.is_interesting(categories) {
            return Ok(After::Next);
        }
        let told = self.tell(categories, range.clone());

        if told.end != range.start && self.watch && categories & WRITTEN != 0 {
            // A part of a huge page can't be watched.
            if told.end.wrapping_sub(range.start) != 1 << bindings::PMD_SHIFT {
                untell(self.scan, range.start..told.end);
                return Ok(After::Split);
            }
            huge.mark_uffd_wp();
        }
        if told.full {
            return Err(ENOSPC);
        }
        Ok(After::Next)
    }

    fn hole(&mut self, range: Range<usize>) -> Result {
        let hugetlb = kernel::mm::pgtable::is_hugetlb(self.vma);
        let missing = if hugetlb { 0 } else { self.missing };
        let categories = self.common | missing;

        if !self.is_interesting(categories) {
            return Ok(());
        }
        let told = self.tell(categories, range.clone());

        if told.end != range.start && self.watch {
            self.watch_hole(range.start, told.end, hugetlb)?;
        }
        if told.full {
            return Err(ENOSPC);
        }
        Ok(())
    }

    /// Puts markers where there is nothing.
    fn watch_hole(&self, start: usize, end: usize, hugetlb: bool) -> Result {
        let vma = self.vma.as_ptr();

        #[cfg(CONFIG_HUGETLB_PAGE)]
        if hugetlb {
            // SAFETY: The VMA is valid, and of hugetlb.
            let vma_of_hugetlb = unsafe { kernel::mm::walk::HugetlbVma::from_raw(vma) };
            let _lock = vma_of_hugetlb.lock();

            // SAFETY: The range is a part of the VMA.
            return kernel::error::to_result(unsafe {
                bindings::pagemap_scan_hugetlb_hole_wp(vma, start, end)
            });
        }
        let _ = hugetlb;
        // SAFETY: The range is a part of the VMA.
        let changed = unsafe { bindings::uffd_wp_range(vma, start, end.wrapping_sub(start), true) };

        kernel::error::to_result(changed.min(0) as c_int)
    }

    /// Leaves pages of hugetlb to the C: there are locks that no other page needs.
    #[cfg(CONFIG_HUGETLB_PAGE)]
    fn hugetlb(&mut self, slot: &kernel::mm::walk::HugetlbSlot<'_>) -> Result {
        let range = slot.range();
        let mask = !(slot.page_size() - 1);
        let private: *mut bindings::pagemap_scan_private = self.scan;
        let mut walk = bindings::mm_walk {
            mm: self.vma.mm().as_raw(),
            vma: self.vma.as_ptr(),
            private: private.cast::<core::ffi::c_void>(),
            ..Default::default()
        };

        // SAFETY: The entry is one of the VMA, whose lock is held.
        kernel::error::to_result(unsafe {
            bindings::pagemap_scan_hugetlb_entry(
                slot.as_raw(),
                mask,
                range.start,
                range.end,
                &raw mut walk,
            )
        })
    }
}

/// The addresses of a page.
#[inline]
fn page(addr: usize) -> Range<usize> {
    addr..addr.wrapping_add(PAGE_SIZE)
}

/// The regions that were found: those up to the one that may grow still.
fn regions(scan: &mut bindings::pagemap_scan_private) -> &mut [bindings::page_region] {
    if scan.vec_buf.is_null() {
        return &mut [];
    }
    // SAFETY: The buffer has room for so many, and was allocated for this scan.
    unsafe { core::slice::from_raw_parts_mut(scan.vec_buf, scan.vec_buf_len) }
}

/// Adds a range to the regions; returns whether there was place for it.
fn push(scan: &mut bindings::pagemap_scan_private, categories: usize, range: Range<usize>) -> bool {
    let (start, end, categories) = (range.start as u64, range.end as u64, categories as u64);
    let index = scan.vec_buf_index;
    let regions = regions(scan);
    let Some(last) = regions.get_mut(index) else {
        return false;
    };

    if start == last.end && categories == last.categories {
        last.end = end;
        return true;
    }
    // One that has no end was not used yet.
    let index = index.wrapping_add(usize::from(last.end != 0));
    let Some(region) = regions.get_mut(index) else {
        return false;
    };

    *region = bindings::page_region {
        start,
        end,
        categories,
    };
    scan.vec_buf_index = index;
    true
}

/// Takes back what was told last.
fn untell(scan: &mut bindings::pagemap_scan_private, range: Range<usize>) {
    let index = scan.vec_buf_index;
    let Some(last) = regions(scan).get_mut(index) else {
        return;
    };

    if last.start == range.start as u64 {
        last.start = 0;
        last.end = 0;
    } else {
        last.end = range.start as u64;
    }
    scan.found_pages = scan.found_pages.saturating_sub(range.len() >> PAGE_SHIFT);
}
