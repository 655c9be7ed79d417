// SPDX-License-Identifier: GPL-2.0

//! Pins that last: pages must not lie where memory has to be movable.
//!
//! A page that is pinned can't be moved, so that who pins it for long first has it moved to a place
//! where that does no harm: out of CMA, `ZONE_MOVABLE` and device memory. It takes pins to know what to
//! move, and no pin to move it. So all is pinned, looked at, unpinned and moved if need be, and pinned
//! again, until nothing has to be moved.

use super::{
    flags::{Flags, Wish},
    pin::{self, Held},
    slow,
};
use core::ptr::{null_mut, NonNull};
use kernel::{bindings, page::PAGE_SHIFT, prelude::*};

/// Memory that the current task allocates can be pinned for long, as long as this exists.
struct PinnableScope(c_uint);

impl PinnableScope {
    fn new() -> Self {
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
enum Pinned<'a> {
    Pages(&'a mut [*mut bindings::page]),
    Folios(&'a mut [*mut bindings::folio]),
}

/// All is pinned that was wanted, or nothing any more.
enum Outcome {
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
            Self::Pages(pages) => unsafe { pin::runs(pages) }.for_each(|run| what(run.folio)),
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
                Self::Pages(pages) => pin::unpin_all(pages),
                Self::Folios(folios) => pin::unpin_folios(folios.as_mut_ptr(), folios.len()),
            }
        }
    }

    /// Sees to it that nothing lies in a wrong place. If something did, or on an error, nothing is
    /// pinned any more. May sleep.
    ///
    /// # Safety
    ///
    /// All must be pinned, by the caller.
    unsafe fn settle(&mut self) -> Result<Outcome> {
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
    start: usize,
    count: usize,
    pages: *mut *mut bindings::page,
    held: &mut c_int,
    flags: Flags,
) -> Result<usize> {
    if !flags.is_long() {
        // SAFETY: As the caller promises.
        return unsafe { slow::take(mm, start, count, pages, held, flags) };
    }
    let _scope = PinnableScope::new();

    loop {
        // SAFETY: As the caller promises.
        let done = unsafe { slow::take(mm, start, count, pages, held, flags)? };
        if done == 0 {
            return Ok(0);
        }
        // SAFETY: So many elements have been written to, and are pinned.
        match unsafe { Pinned::Pages(core::slice::from_raw_parts_mut(pages, done)).settle()? } {
            Outcome::Pinned => return Ok(done),
            Outcome::Moved => {}
        }
    }
}

/// Pins the folios of a part of a file in memory, `start` and `end` being its first and last byte, for as
/// long as user space wants. What is not there is allocated. `*offset` is where `start` is in the first
/// folio, in bytes. Returns how many folios, or `-EINVAL` for what is no file in memory or lies behind
/// its end, `-ENOMEM`, or another error of allocating. May sleep.
///
/// # Safety
///
/// `memfd` must be null or valid; `folios` must point to `max_folios` elements, and `offset` be valid.
#[export]
pub(crate) unsafe extern "C" fn memfd_pin_folios(
    memfd: *mut bindings::file,
    start: bindings::loff_t,
    end: bindings::loff_t,
    folios: *mut *mut bindings::folio,
    max_folios: c_uint,
    offset: *mut c_ulong,
) -> isize {
    if start < 0 || start > end || max_folios == 0 || memfd.is_null() {
        return EINVAL.to_errno() as isize;
    }
    // SAFETY: The file is valid.
    let order = match unsafe { bindings::memfd_order(memfd, end) } {
        order @ 0.. => order as u32,
        error => return error as isize,
    };
    let shift = PAGE_SHIFT as u32 + order;
    let index = |byte: bindings::loff_t| (byte as usize >> shift) << order;
    let _scope = PinnableScope::new();

    super::answer(loop {
        // SAFETY: As the caller promises.
        let mut found = unsafe {
            FoundFolios {
                folios: core::slice::from_raw_parts_mut(folios, max_folios as usize),
                count: 0,
            }
        };
        // SAFETY: The file is one in memory.
        if let Err(error) = unsafe { found.pin(memfd, index(start), index(end), start, offset) } {
            break Err(error);
        }
        let done = found.keep();
        // SAFETY: So many elements have been written to, and are pinned.
        match unsafe { Pinned::Folios(core::slice::from_raw_parts_mut(folios, done)).settle() } {
            Ok(Outcome::Pinned) => break Ok(done),
            Ok(Outcome::Moved) => {}
            Err(error) => break Err(error),
        }
    })
}

/// Folios of a file that have been pinned so far. They are unpinned unless they are kept.
///
/// # Invariants
///
/// The first `count` elements are pinned, and the pins ours.
struct FoundFolios<'a> {
    folios: &'a mut [*mut bindings::folio],
    count: usize,
}

impl FoundFolios<'_> {
    fn keep(mut self) -> usize {
        // INVARIANT: They are the caller's now.
        core::mem::take(&mut self.count)
    }

    /// Pins folios of a range of pages, as many as there is place for.
    ///
    /// # Safety
    ///
    /// `memfd` must be a file in memory, and `offset` valid.
    unsafe fn pin(
        &mut self,
        memfd: *mut bindings::file,
        first: usize,
        last: usize,
        start: bindings::loff_t,
        offset: *mut c_ulong,
    ) -> Result {
        let mut next = first as c_ulong;
        // A folio that was just allocated has our reference until it has been found.
        let mut fresh = None;

        while next as usize <= last && self.count < self.folios.len() {
            let mut batch = Batch::default();

            // SAFETY: The file is valid, and the batch empty.
            let found = unsafe { batch.find(memfd, &mut next, last) };
            drop(fresh.take());
            for &folio in batch.folios() {
                if self.count == self.folios.len() {
                    break;
                }
                // SAFETY: The batch has a reference of it.
                let held = unsafe {
                    Held::take(NonNull::new_unchecked(folio), 1, Wish::pin().long().flags())
                        .map_err(|_| EINVAL)?
                };

                if self.count == 0 {
                    // SAFETY: As the caller promises.
                    unsafe { *offset = bindings::folio_offset_of(folio, start) as c_ulong };
                }
                if let Some(place) = self.folios.get_mut(self.count) {
                    *place = folio;
                    held.keep();
                    // INVARIANT: Just pinned.
                    self.count += 1;
                }
            }
            if !found {
                // SAFETY: The file is one in memory.
                fresh = unsafe { Fresh::allocate(memfd, next)? };
            }
        }
        Ok(())
    }
}

impl Drop for FoundFolios<'_> {
    fn drop(&mut self) {
        // SAFETY: They are pinned by the type invariants.
        unsafe { pin::unpin_folios(self.folios.as_mut_ptr(), self.count) };
    }
}

/// A folio that was just allocated, with a reference.
struct Fresh(*mut bindings::folio);

impl Fresh {
    /// Allocates a folio of a file, unless somebody else just did.
    ///
    /// # Safety
    ///
    /// `memfd` must be a file in memory.
    unsafe fn allocate(memfd: *mut bindings::file, index: c_ulong) -> Result<Option<Self>> {
        // SAFETY: As the caller promises.
        let folio = unsafe { bindings::memfd_alloc_folio(memfd, index) };

        match kernel::error::from_err_ptr(folio) {
            Ok(folio) => Ok(Some(Self(folio))),
            Err(error) if error == EEXIST => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // SAFETY: The reference is ours.
        unsafe { bindings::folio_put_refs(self.0, 1) };
    }
}

/// Folios with a reference each, which are put in the end.
#[derive(Default)]
struct Batch(bindings::folio_batch);

impl Batch {
    /// Finds folios of a file that follow each other. Returns whether there are any.
    ///
    /// # Safety
    ///
    /// `memfd` must be valid, and the batch be empty.
    unsafe fn find(&mut self, memfd: *mut bindings::file, next: &mut c_ulong, last: usize) -> bool {
        // SAFETY: As the caller promises.
        unsafe {
            bindings::filemap_get_folios_contig(
                bindings::file_mapping(memfd),
                next,
                last as c_ulong,
                &raw mut self.0,
            ) != 0
        }
    }

    fn folios(&self) -> &[*mut bindings::folio] {
        self.0.folios.get(..self.0.nr as usize).unwrap_or(&[])
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // SAFETY: The batch is valid.
        unsafe { bindings::folio_batch_release(&raw mut self.0) };
    }
}
