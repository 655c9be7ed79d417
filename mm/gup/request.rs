// SPDX-License-Identifier: GPL-2.0

//! What is to be done with which pages.

use super::flags::{Flags, Nothing, Wish};
use core::ptr::null_mut;
use kernel::{
    bindings,
    page::{PAGE_MASK, PAGE_SHIFT},
};

/// Pages of a range of user space, what is wanted of them, and the array that they go into.
///
/// # Invariants
///
/// `pages` is null, or points to `count` elements that nobody else accesses. It is not null if `flags` take
/// something.
pub(super) struct Request {
    start: usize,
    count: usize,
    pages: *mut *mut bindings::page,
    flags: Flags,
}

impl Request {
    /// Takes what C code asks for.
    ///
    /// # Safety
    ///
    /// `pages` must be null, or point to `count` elements that nobody else accesses while this, or what is
    /// made of it, is used. It must not be null if `flags` take something.
    #[inline]
    pub(super) unsafe fn new(
        start: usize,
        count: usize,
        pages: *mut *mut bindings::page,
        flags: Flags,
    ) -> Self {
        // INVARIANT: As the caller promises.
        Self {
            start,
            count,
            pages,
            // Who wants pages, and has not said what of them, gets references.
            flags: if pages.is_null() {
                flags
            } else {
                flags.taking_something()
            },
        }
    }

    /// Wants pages to be there, and nothing of them.
    pub(super) fn presence(start: usize, count: usize, wish: Wish<Nothing>) -> Self {
        // INVARIANT: Nothing is taken.
        Self {
            start,
            count,
            pages: null_mut(),
            flags: wish.flags(),
        }
    }

    /// Returns what is left of it when some pages are done with.
    #[inline]
    pub(super) fn behind(&self, done: usize) -> Self {
        let done = done.min(self.count);

        // INVARIANT: So many elements are left.
        Self {
            start: self.start.wrapping_add(done << PAGE_SHIFT),
            count: self.count - done,
            pages: if self.pages.is_null() {
                self.pages
            } else {
                self.pages.wrapping_add(done)
            },
            flags: self.flags,
        }
    }

    /// Returns its first page, of which a fault has been tried before.
    #[inline]
    pub(super) fn first_again(&self) -> Self {
        // INVARIANT: There is no more than there was.
        Self {
            count: self.count.min(1),
            flags: self.flags.tried(),
            ..*self
        }
    }

    /// Returns the same with something that changes nothing about what is taken.
    #[inline]
    pub(super) fn with(self, more: Wish<Nothing>) -> Self {
        // INVARIANT: Neither the array nor what is taken changes.
        Self {
            flags: self.flags.and(more),
            ..self
        }
    }

    /// Returns the same with the address as page tables know it, of the current process.
    #[inline]
    pub(super) fn untagged(&self) -> Self {
        // SAFETY: It can be asked of any address.
        let start = unsafe { bindings::untag_current(self.start) } & PAGE_MASK;

        // INVARIANT: The array stays.
        Self { start, ..*self }
    }

    #[inline]
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Returns the number of pages.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.count
    }

    #[inline]
    pub(super) fn flags(&self) -> Flags {
        self.flags
    }

    /// Returns the array, which may be null.
    #[inline]
    pub(super) fn pages(&self) -> *mut *mut bindings::page {
        self.pages
    }
}
