// SPDX-License-Identifier: GPL-2.0

//! Pins that last: pages must not lie where memory has to be movable.
//!
//! A page that is pinned can't be moved, so that who pins it for long first has it moved to a place
//! where that does no harm: out of CMA, `ZONE_MOVABLE` and device memory. It takes pins to know what to
//! move, and no pin to move it. So all is pinned, looked at, unpinned and moved if need be, and pinned
//! again, until nothing has to be moved.

use super::{pin, request::Request, slow, unpin};
use core::ptr::null_mut;
use kernel::{bindings, prelude::*};

/// Memory that the current task allocates can be pinned for long, as long as this exists.
pub(super) struct PinnableScope(c_uint);

impl PinnableScope {
    pub(super) fn new() -> Self {
        // SAFETY: It is about the current task; undone by `drop`.
        Self(unsafe { bindings::memalloc_pin_save() })
    }
}

impl Drop for PinnableScope {
    fn drop(&mut self) {
        // SAFETY: Saved by `new`, and scopes are nested.
        unsafe { bindings::memalloc_pin_restore(self.0) };
    }
}

/// What has been pinned.
pub(super) enum Pinned<'a> {
    Pages(&'a mut [*mut bindings::page]),
    Folios(&'a mut [*mut bindings::folio]),
}

/// All is pinned that was wanted, or nothing any more.
pub(super) enum Outcome {
    Pinned,
    /// What lay in a wrong place has moved; all is to be pinned once more.
    Moved,
}

impl Pinned<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Pages(pages) => pages.len(),
            Self::Folios(folios) => folios.len(),
        }
    }

    /// Goes over the folios, each once if it stands in one place of the array.
    ///
    /// # Safety
    ///
    /// All must be pinned.
    unsafe fn each_folio(&self, mut what: impl FnMut(*mut bindings::folio)) {
        match self {
            // SAFETY: As the caller promises.
            Self::Pages(pages) => unsafe { unpin::runs(pages) }.for_each(|run| what(run.folio)),
            Self::Folios(folios) => folios.iter().for_each(|&folio| what(folio)),
        }
    }

    /// Takes what is pinned at a place of the array away from there.
    ///
    /// # Safety
    ///
    /// What is not null must be pinned.
    unsafe fn take(&mut self, index: usize) -> *mut bindings::folio {
        match self {
            Self::Pages(pages) => pages.get_mut(index).map_or(null_mut(), |page| {
                let page = core::mem::replace(page, null_mut());
                // SAFETY: As the caller promises.
                unsafe { bindings::page_folio(page) }
            }),
            Self::Folios(folios) => folios
                .get_mut(index)
                .map_or(null_mut(), |folio| core::mem::replace(folio, null_mut())),
        }
    }

    /// Releases the pins that are left.
    ///
    /// # Safety
    ///
    /// What is not null must be pinned, by the caller.
    unsafe fn release(&mut self) {
        // SAFETY: As the caller promises.
        unsafe {
            match self {
                Self::Pages(pages) => unpin::unpin_all(pages),
                Self::Folios(folios) => unpin::unpin_folios(folios.as_mut_ptr(), folios.len()),
            }
        }
    }

    /// Sees to it that nothing lies in a wrong place. If something did, or on an error, nothing is
    /// pinned any more. May sleep.
    ///
    /// # Safety
    ///
    /// All must be pinned, by the caller.
    pub(super) unsafe fn settle(&mut self) -> Result<Outcome> {
        let mut list = bindings::list_head::default();
        let list = &raw mut list;

        // SAFETY: The list lives as long as this function, and is empty when it returns.
        unsafe { bindings::INIT_LIST_HEAD(list) };
        // SAFETY: As the caller promises.
        if unsafe { self.isolate(list) } == 0 {
            return Ok(Outcome::Pinned);
        }
        // SAFETY: As the caller promises.
        let moved = unsafe { self.leave(list) };
        if moved.is_err() {
            // SAFETY: What has not been released is pinned still.
            unsafe { self.release() };
        }
        // SAFETY: What could not be moved goes back.
        unsafe { bindings::putback_movable_pages(list) };
        moved.map(|()| Outcome::Moved)
    }

    /// Isolates what lies in a wrong place, as far as that can be. Returns how many folios do.
    ///
    /// # Safety
    ///
    /// All must be pinned; the list must be initialised.
    unsafe fn isolate(&self, list: *mut bindings::list_head) -> usize {
        let mut drained = bindings::lru_cache_drained_LRU_CACHE_NOT_DRAINED;
        let mut wrong = 0;

        // SAFETY: As the caller promises.
        unsafe {
            self.each_folio(|folio| {
                if bindings::folio_is_longterm_pinnable(folio) {
                    return;
                }
                wrong += 1;
                if bindings::folio_is_device_coherent(folio) {
                    return;
                }
                if bindings::folio_test_hugetlb(folio) {
                    bindings::folio_isolate_hugetlb(folio, list);
                    return;
                }
                // Other references than the pin may be those of lists of the processors.
                let refs = if bindings::folio_test_large(folio) {
                    1
                } else {
                    bindings::GUP_PIN_COUNTING_BIAS
                };
                bindings::lru_cache_drain_for_folio(folio, refs, &raw mut drained);
                if bindings::folio_isolate_lru(folio) {
                    bindings::folio_add_isolated(folio, list);
                }
            });
        }
        wrong
    }

    /// Releases all pins, and moves what was isolated.
    ///
    /// # Safety
    ///
    /// All must be pinned, by the caller.
    unsafe fn leave(&mut self, list: *mut bindings::list_head) -> Result {
        for index in 0..self.len() {
            // SAFETY: As the caller promises: each element has a pin of its own. What is isolated has a
            // reference for that.
            unsafe {
                let folio = self.take(index);

                if !bindings::folio_is_device_coherent(folio) {
                    pin::unpin(folio, 1);
                    continue;
                }
                // It is moved by itself, and takes a reference instead of the pin.
                bindings::folio_ref_add(folio, 1);
                pin::unpin(folio, 1);
                if bindings::migrate_device_coherent_folio(folio) != 0 {
                    return Err(EBUSY);
                }
            }
        }
        // SAFETY: The list is initialised, and holds isolated folios.
        if unsafe { bindings::migrate_for_longterm_pin(list) } != 0 {
            return Err(ENOMEM);
        }
        Ok(())
    }
}

/// Takes pages as [`slow::take`] does, and has what is pinned for long lie where it may.
///
/// # Safety
///
/// As for [`slow::take`].
pub(super) unsafe fn take(
    mm: *mut bindings::mm_struct,
    held: &mut c_int,
    request: &Request,
) -> Result<usize> {
    if !request.flags().is_long() {
        // SAFETY: As the caller promises.
        return unsafe { slow::take(mm, held, request) };
    }
    let _scope = PinnableScope::new();

    loop {
        // SAFETY: As the caller promises.
        let done = unsafe { slow::take(mm, held, request)? };
        // SAFETY: So many elements have been written to.
        let pages = unsafe { unpin::array(request.pages(), done) };

        // SAFETY: They are pinned, for nobody but us so far.
        match unsafe { Pinned::Pages(pages).settle()? } {
            Outcome::Pinned => return Ok(done),
            Outcome::Moved => {}
        }
    }
}
