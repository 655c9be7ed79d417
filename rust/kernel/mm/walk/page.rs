// SPDX-License-Identifier: GPL-2.0

//! Pages that entries map, as long as the entries are locked.

use super::{HugePmd, LockedPte};
use crate::{bindings, mm::pgtable::Pte};
use core::{marker::PhantomData, ptr::NonNull};

/// A page that an entry maps, or holds the number of.
///
/// The entry is locked, which keeps the page from being freed, though not from being changed.
///
/// # Invariants
///
/// `page` is a page of `folio`, which is not freed during `'s`.
#[derive(Clone, Copy)]
pub struct MappedPage<'s> {
    page: NonNull<bindings::page>,
    folio: NonNull<bindings::folio>,
    _entry: PhantomData<&'s ()>,
}

/// What a folio belongs to.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct FolioOwner(usize);

impl FolioOwner {
    /// Returns whether it belongs to no file.
    #[inline]
    pub const fn is_anon(self) -> bool {
        self.0 & bindings::FOLIO_MAPPING_ANON as usize != 0
    }

    /// Returns whether KSM has made one page of several with the same contents.
    #[inline]
    pub const fn is_ksm(self) -> bool {
        cfg!(CONFIG_KSM) && self.0 == bindings::FOLIO_MAPPING_KSM as usize
    }
}

/// Flags of a folio, as they were at some time.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct FolioFlags(usize);

impl FolioFlags {
    /// Leaves out what the functions below do not ask for.
    #[inline]
    pub const fn about_use(self) -> Self {
        let mut asked = 1 << bindings::pageflags_PG_dirty
            | 1 << bindings::pageflags_PG_swapbacked
            | 1 << bindings::pageflags_PG_referenced;

        #[cfg(CONFIG_PAGE_IDLE_FLAG)]
        {
            asked |= 1 << bindings::pageflags_PG_young;
        }
        Self(self.0 & asked)
    }

    #[inline]
    const fn has(self, flag: bindings::pageflags) -> bool {
        self.0 >> flag & 1 != 0
    }

    /// Returns whether it was written to since it was read or swapped in.
    #[inline]
    pub const fn is_dirty(self) -> bool {
        self.has(bindings::pageflags_PG_dirty)
    }

    /// Returns whether it goes to swap when it is reclaimed.
    #[inline]
    pub const fn is_swapbacked(self) -> bool {
        self.has(bindings::pageflags_PG_swapbacked)
    }

    /// Returns whether it was accessed not long ago.
    #[inline]
    pub const fn is_referenced(self) -> bool {
        self.has(bindings::pageflags_PG_referenced)
    }

    /// Returns whether an entry of it had a mark of age that somebody cleared who looked for idle
    /// pages.
    #[inline]
    pub const fn is_young(self) -> bool {
        #[cfg(CONFIG_PAGE_IDLE_FLAG)]
        return self.has(bindings::pageflags_PG_young);
        #[cfg(not(CONFIG_PAGE_IDLE_FLAG))]
        return false;
    }
}

impl<'s> MappedPage<'s> {
    /// Takes a page of C code.
    ///
    /// # Safety
    ///
    /// `page` must be null, or a page of a folio that is not freed during `'s`.
    #[inline]
    unsafe fn from_raw(page: *mut bindings::page) -> Option<Self> {
        let page = NonNull::new(page)?;

        // INVARIANT: As the caller promises.
        // SAFETY: As the caller promises; each page belongs to a folio.
        unsafe {
            Some(Self {
                page,
                folio: NonNull::new_unchecked(bindings::page_folio(page.as_ptr())),
                _entry: PhantomData,
            })
        }
    }

    /// Returns the raw folio.
    #[inline]
    pub fn folio(self) -> *mut bindings::folio {
        self.folio.as_ptr()
    }

    /// Returns its flags.
    #[inline]
    pub fn flags(self) -> FolioFlags {
        // SAFETY: The folio exists by the type invariants.
        FolioFlags(unsafe { bindings::folio_flags_now(self.folio()) })
    }

    /// Returns what it belongs to.
    #[inline]
    pub fn owner(self) -> FolioOwner {
        // SAFETY: The folio exists by the type invariants.
        FolioOwner(unsafe { bindings::folio_mapping_flags(self.folio()) })
    }

    /// Returns whether it belongs to no file.
    #[inline]
    pub fn is_anon(self) -> bool {
        self.owner().is_anon()
    }

    /// Returns whether it belongs to a device.
    #[inline]
    pub fn is_zone_device(self) -> bool {
        // SAFETY: The folio exists by the type invariants.
        unsafe { bindings::folio_is_zone_device(self.folio()) }
    }

    /// Returns how many pages the folio has, or 1 if this is not the first of them.
    #[inline]
    pub fn pages_from_here(self) -> usize {
        // SAFETY: The page exists by the type invariants.
        unsafe { bindings::compound_nr(self.page.as_ptr()) }
    }

    /// Returns the reference count of the folio: one means that a single entry has it, and nobody
    /// else, if that is an entry that maps it.
    #[inline]
    pub fn refcount(self) -> i32 {
        // SAFETY: The folio exists by the type invariants.
        unsafe { bindings::folio_ref_count(self.folio()) }
    }

    /// Returns how many entries map the page.
    #[inline]
    pub fn mapcount(self) -> i32 {
        // SAFETY: The page exists by the type invariants.
        unsafe {
            let own = bindings::page_own_mapcount(self.page.as_ptr());

            if bindings::folio_test_large(self.folio()) {
                own.wrapping_add(bindings::folio_entire_mapcount(self.folio()))
            } else {
                own
            }
        }
    }

    /// Returns whether more than one process maps the folio, maybe.
    #[inline]
    pub fn is_maybe_shared(self) -> bool {
        // SAFETY: The folio exists by the type invariants.
        unsafe { bindings::folio_maybe_mapped_shared(self.folio()) }
    }

    /// Returns whether somebody may have pinned the folio for a device.
    #[inline]
    pub fn is_maybe_pinned(self) -> bool {
        // SAFETY: The folio exists by the type invariants.
        unsafe { bindings::folio_maybe_dma_pinned(self.folio()) }
    }

    /// Goes over the pages of the folio, if this is the first of them; else over this page alone.
    #[inline]
    pub fn pages(self) -> impl Iterator<Item = Self> {
        (0..self.pages_from_here()).map(move |index| Self {
            // INVARIANT: The folio has so many pages.
            // SAFETY: A place in the memory map.
            page: unsafe { NonNull::new_unchecked(self.page.as_ptr().wrapping_add(index)) },
            ..self
        })
    }

    /// Forgets that the folio was accessed.
    #[inline]
    pub fn clear_referenced(self) {
        let flags = self.flags();

        // To look first spares the atomic operations, most often.
        // SAFETY: The folio exists by the type invariants.
        unsafe {
            if flags.is_young() {
                bindings::folio_test_clear_young(self.folio());
            }
            if flags.is_referenced() {
                bindings::folio_clear_referenced(self.folio());
            }
        }
    }
}

impl<'s> LockedPte<'s> {
    /// Returns the page that it maps, unless it is to be left alone: a page of a device, the page of
    /// zeroes, something that is no memory at all.
    #[inline]
    pub fn page(self) -> Option<MappedPage<'s>> {
        let leaf = self.leaf()?;
        let pfn = leaf.pfn();

        // SAFETY: The value was read from a table that is locked by the type invariants, so that the
        // page stays; C code takes care of all that is special.
        unsafe {
            // Set once, at boot.
            let page = if !leaf.is_special() && pfn <= bindings::highest_memmap_pfn {
                bindings::pfn_to_page(pfn)
            } else {
                bindings::vm_normal_page(self.vma().as_ptr(), self.addr(), self.into_ffi())
            };

            MappedPage::from_raw(page)
        }
    }

    /// Returns the page that it holds the number of without mapping it: one that is being moved, or
    /// that a device has.
    #[inline]
    pub fn soft_page(self) -> Option<MappedPage<'s>> {
        // SAFETY: The value was read from a table that is locked by the type invariants.
        unsafe { soft_page(self.value()) }
    }
}

/// Few entries are like this: what walks over others is not to be larger for it.
///
/// # Safety
///
/// The entry must be in a table that is locked during `'s`: if it holds the number of a page it holds a
/// reference as well.
#[cold]
#[inline(never)]
unsafe fn soft_page<'s>(entry: Pte) -> Option<MappedPage<'s>> {
    let pfn = entry.soft_pfn()?;

    // SAFETY: The page has a place in the memory map, and is kept by the entry.
    unsafe { MappedPage::from_raw(bindings::pfn_to_page(pfn)) }
}

impl HugePmd<'_> {
    /// Returns the first page of the huge page, unless it is to be left alone.
    pub fn page(&self) -> Option<MappedPage<'_>> {
        let value = self.value();
        let start = self.range.start;

        // SAFETY: The entry is locked, so that its page stays.
        unsafe {
            let page = if value.is_present() {
                bindings::vm_normal_page_pmd(self.vma.as_ptr(), start, value.into_ffi())
            } else {
                bindings::pfn_to_page(value.soft_pfn()?)
            };

            MappedPage::from_raw(page)
        }
    }
}

#[cfg(CONFIG_HUGETLB_PAGE)]
impl super::HugetlbEntry<'_> {
    /// Returns the first page of the huge page, if the entry has one.
    pub fn page(&self) -> Option<MappedPage<'_>> {
        let value = self.value();
        let pfn = match value.leaf() {
            Some(leaf) => leaf.pfn(),
            None => value.soft_pfn()?,
        };

        // SAFETY: The entry is locked, so that its page stays.
        unsafe { MappedPage::from_raw(bindings::pfn_to_page(pfn)) }
    }
}
