// SPDX-License-Identifier: GPL-2.0

//! Giving pins back, many at a time.
//!
//! Pages of one folio that follow each other in an array are given back at once.

use super::pin::unpin;
use core::ffi::c_int;
use kernel::{bindings, prelude::*};

/// Pages that were pinned, and follow each other in an array.
pub(super) struct Run {
    pub(super) folio: *mut bindings::folio,
    pub(super) count: usize,
}

/// Goes over an array of pages by folios. Null is skipped.
///
/// # Safety
///
/// What is not null in `pages` must be pages whose folios are kept by something.
#[inline]
pub(super) unsafe fn runs(pages: &[*mut bindings::page]) -> impl Iterator<Item = Run> + '_ {
    let mut rest = pages.iter().copied().peekable();

    core::iter::from_fn(move || {
        let first = rest.find(|page| !page.is_null())?;
        // SAFETY: As the caller promises.
        let (folio, large) = unsafe {
            let folio = bindings::page_folio(first);
            (folio, bindings::folio_test_large(folio))
        };
        let mut count = 1;

        // Another pin of the same small page is rare, and may be a run of its own.
        if large {
            // SAFETY: As the caller promises.
            let bytes = unsafe { bindings::folio_nr_pages(folio) as usize }
                .wrapping_mul(size_of::<bindings::page>());
            let inside =
                |page: &*mut bindings::page| (*page as usize).wrapping_sub(folio as usize) < bytes;

            while rest.next_if(inside).is_some() {
                count += 1;
            }
        }
        Some(Run { folio, count })
    })
}

/// Takes an array of C code.
///
/// # Safety
///
/// `pages` must point to so many elements that nobody else accesses during `'a`, or be anything if that is
/// none.
#[inline]
pub(super) unsafe fn array<'a, T>(pages: *mut *mut T, count: usize) -> &'a mut [*mut T] {
    if count == 0 {
        return &mut [];
    }
    // SAFETY: As the caller promises.
    unsafe { core::slice::from_raw_parts_mut(pages, count) }
}

/// Warns if pinned pages can be shared, which would make the pins useless.
///
/// # Safety
///
/// As for [`runs`].
#[inline]
pub(super) unsafe fn check_pinned(pages: &[*mut bindings::page]) {
    if cfg!(CONFIG_DEBUG_VM) {
        for &page in pages.iter().filter(|page| !page.is_null()) {
            // SAFETY: As the caller promises.
            unsafe { bindings::page_check_pinned(page) };
        }
    }
}

/// Marks a folio as written to, if it is not marked yet. May sleep.
///
/// It may be marked as clean at the same time: then it is because it is about to be written back,
/// after this.
///
/// # Safety
///
/// The folio must be kept by a reference or a pin.
unsafe fn make_dirty(folio: *mut bindings::folio) {
    // SAFETY: As the caller promises.
    unsafe {
        if !bindings::folio_test_dirty(folio) {
            bindings::folio_lock(folio);
            bindings::folio_mark_dirty(folio);
            bindings::folio_unlock(folio);
        }
    }
}

/// Unpins what `pages` are of, without a look at whether they are exclusive still.
///
/// # Safety
///
/// A pin of each page that is not null must be the caller's, who does not use it any more.
pub(super) unsafe fn unpin_all(pages: &[*mut bindings::page]) {
    // SAFETY: As the caller promises.
    for run in unsafe { runs(pages) } {
        // SAFETY: As above.
        unsafe { unpin(run.folio, run.count as c_int) };
    }
}

/// Releases a pin of a page.
///
/// # Safety
///
/// The pin must be the caller's, who does not use it any more.
#[export]
pub(crate) unsafe extern "C" fn unpin_user_page(page: *mut bindings::page) {
    // SAFETY: As the caller promises.
    unsafe {
        check_pinned(&[page]);
        unpin(bindings::page_folio(page), 1);
    }
}

/// Releases a pin of a folio.
///
/// # Safety
///
/// The pin must be the caller's, who does not use it any more.
#[export]
pub(crate) unsafe extern "C" fn unpin_folio(folio: *mut bindings::folio) {
    // SAFETY: As the caller promises.
    unsafe { unpin(folio, 1) };
}

/// Releases pins of a folio.
///
/// # Safety
///
/// The pins must be the caller's, who does not use them any more.
#[export]
pub(crate) unsafe extern "C" fn unpin_user_folio(folio: *mut bindings::folio, npages: usize) {
    // SAFETY: As the caller promises.
    unsafe { unpin(folio, npages as c_int) };
}

/// Whether a number of pages is an error that somebody took for a number.
fn is_error(count: usize) -> bool {
    kernel::warn_on_once!(count > usize::MAX - bindings::MAX_ERRNO as usize)
}

/// Releases pins of pages. Elements that are null are skipped.
///
/// # Safety
///
/// `pages` must point to `npages` elements; the pins must be the caller's, who does not use them
/// any more.
#[export]
pub(crate) unsafe extern "C" fn unpin_user_pages(pages: *mut *mut bindings::page, npages: usize) {
    // It may be that the pins leak now, but more likely there are none.
    if is_error(npages) {
        return;
    }
    // SAFETY: As the caller promises.
    unsafe {
        let pages = array(pages, npages);
        check_pinned(pages);
        unpin_all(pages);
    }
}

/// Releases pins of pages, after marking the pages as written to if `make_dirty` says so. May sleep.
///
/// # Safety
///
/// As for `unpin_user_pages`.
#[export]
pub(crate) unsafe extern "C" fn unpin_user_pages_dirty_lock(
    pages: *mut *mut bindings::page,
    npages: usize,
    dirty: bool,
) {
    if !dirty {
        // SAFETY: As the caller promises.
        return unsafe { unpin_user_pages(pages, npages) };
    }
    // SAFETY: As the caller promises.
    unsafe {
        let pages = array(pages, npages);
        check_pinned(pages);
        for run in runs(pages) {
            make_dirty(run.folio);
            unpin(run.folio, run.count as c_int);
        }
    }
}

/// The same for pages that follow each other in memory.
///
/// # Safety
///
/// `page` must be the first of `npages` pages; the pins must be the caller's, who does not use them
/// any more.
#[export]
pub(crate) unsafe extern "C" fn unpin_user_page_range_dirty_lock(
    page: *mut bindings::page,
    npages: usize,
    dirty: bool,
) {
    let mut at = 0;

    while at < npages {
        let page = page.wrapping_add(at);
        // SAFETY: As the caller promises.
        let (folio, behind) = unsafe {
            let folio = bindings::page_folio(page);
            let behind = if bindings::folio_test_large(folio) {
                let index = bindings::folio_page_idx(folio, page) as usize;
                (bindings::folio_nr_pages(folio) as usize).wrapping_sub(index)
            } else {
                1
            };
            (folio, behind)
        };
        let count = behind.clamp(1, npages - at);

        // SAFETY: As the caller promises.
        unsafe {
            if dirty {
                make_dirty(folio);
            }
            unpin(folio, count as c_int);
        }
        at += count;
    }
}

/// Releases pins of folios. Elements that are null are skipped.
///
/// # Safety
///
/// `folios` must point to `nfolios` elements; the pins must be the caller's, who does not use them
/// any more.
#[export]
pub(crate) unsafe extern "C" fn unpin_folios(folios: *mut *mut bindings::folio, nfolios: usize) {
    if is_error(nfolios) {
        return;
    }
    // SAFETY: As the caller promises.
    let folios = unsafe { array(folios, nfolios) };

    for same in folios.chunk_by(|one, other| core::ptr::eq(*one, *other)) {
        if let Some(&folio) = same.first().filter(|folio| !folio.is_null()) {
            // SAFETY: As above.
            unsafe { unpin(folio, same.len() as c_int) };
        }
    }
}
