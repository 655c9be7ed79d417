// SPDX-License-Identifier: GPL-2.0

//! Pinning the folios of a file in memory, which no process need have mapped.

use super::{
    flags::Wish,
    longterm::{Outcome, PinnableScope, Pinned},
    pin::Held,
    unpin,
};
use core::ptr::NonNull;
use kernel::{bindings, page::PAGE_SHIFT, prelude::*};

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
        unsafe { unpin::unpin_folios(self.folios.as_mut_ptr(), self.count) };
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
