// SPDX-License-Identifier: GPL-2.0

//! The caller's array of pages.

use super::{pin::Held, request::Request};
use core::{mem::MaybeUninit, ptr::NonNull};
use kernel::bindings;

/// What a caller still wants: so many pages, and an array for them unless none are taken.
///
/// # Invariants
///
/// `next` is null, or points to `left` elements that nobody else accesses.
pub(super) struct Out {
    next: *mut *mut bindings::page,
    left: usize,
}

impl Out {
    /// Takes an array of C code, or null.
    ///
    /// # Safety
    ///
    /// `pages` must be null, or point to `count` elements that nobody else accesses while this
    /// exists.
    #[inline]
    pub(super) unsafe fn new(pages: *mut *mut bindings::page, count: usize) -> Self {
        // INVARIANT: As the caller promises.
        Self {
            next: pages,
            left: count,
        }
    }

    /// Takes the array of a request.
    #[inline]
    pub(super) fn of(request: &Request) -> Self {
        // INVARIANT: By the invariants of the request.
        Self {
            next: request.pages(),
            left: request.count(),
        }
    }

    /// Returns how many pages are wanted still.
    #[inline]
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Returns whether there is an array.
    #[inline]
    pub(super) fn is_array(&self) -> bool {
        !self.next.is_null()
    }

    /// Counts some pages as done, of which nothing is taken.
    #[inline]
    pub(super) fn skip(&mut self, count: usize) {
        let count = count.min(self.left);

        if !self.next.is_null() {
            self.next = self.next.wrapping_add(count);
        }
        // INVARIANT: The elements behind are left.
        self.left -= count;
    }

    /// Puts a page there, of which something was taken.
    #[inline]
    pub(super) fn push(&mut self, page: NonNull<bindings::page>) {
        if self.left == 0 || self.next.is_null() {
            return;
        }
        // SAFETY: There is an element by the type invariants.
        unsafe { *self.next = page.as_ptr() };
        // INVARIANT: Those behind are left.
        self.next = self.next.wrapping_add(1);
        self.left -= 1;
    }

    /// Puts pages there that follow each other, with what was taken of their folio. Their number is
    /// what was taken, and at most what is left.
    #[inline]
    pub(super) fn put(&mut self, first: NonNull<bindings::page>, count: usize, held: Held) {
        let count = count.min(self.left);

        if !self.next.is_null() {
            let mut page = first.as_ptr();
            // SAFETY: There are so many elements by the type invariants, for nobody else.
            let slots: &mut [MaybeUninit<*mut bindings::page>] =
                unsafe { core::slice::from_raw_parts_mut(self.next.cast(), count) };

            for slot in slots {
                slot.write(page);
                page = page.wrapping_add(1);
            }
        }
        held.keep();
        self.skip(count);
    }
}
