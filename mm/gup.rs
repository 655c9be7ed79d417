// SPDX-License-Identifier: GPL-2.0

//! Getting user pages: what `mm/gup.c` does, on the guards of [`kernel::mm::pgtable`].
//!
//! Somebody in the kernel wants the pages behind addresses of user space, to access them later or
//! elsewhere. [`fast`] takes what is mapped without any lock; [`slow`] takes the mmap lock, and faults in
//! what is missing; [`longterm`] sees to it that what is pinned for long lies where it can stay. [`pin`] is
//! about what is taken of a page, and [`unpin`] gives it back. What is taken is a value ([`pin::Held`])
//! until it is handed to the caller: no path of an error can forget it.
//!
//! The names and the contracts of the functions here are those of C; see
//! `Documentation/core-api/pin_user_pages.rst`.
//!
//! # Lock order
//!
//! mmap lock, then lock of a hugetlb VMA, then lock of a table: [`slow`]. [`fast`] takes none, and may be
//! called in any context, even in an NMI.

mod area;
mod fast;
mod fault_in;
mod flags;
mod follow;
mod hook;
mod lock;
mod longterm;
mod memfd;
mod out;
mod pin;
mod populate;
mod request;
mod slow;
#[cfg(all(CONFIG_KUNIT, CONFIG_RUST_MM_TWINS))]
mod tests;
mod unpin;

use core::ptr::null_mut;
use flags::{Flags, Wish};
use kernel::{bindings, page::PAGE_SHIFT, prelude::*};
use request::Request;

/// Returns a number of pages, or an error, as C code does.
fn answer(done: Result<usize>) -> isize {
    match done {
        Ok(count) => count as isize,
        Err(error) => error.to_errno() as isize,
    }
}

/// What C code asks for, and what the function adds that it called.
struct Asked {
    start: usize,
    count: usize,
    pages: *mut *mut bindings::page,
    flags: c_uint,
    added: u32,
}

impl Asked {
    /// Makes a request of it, unless the flags do not go together.
    ///
    /// # Safety
    ///
    /// `pages` must be null, or point to `count` elements that nobody else accesses while the request, or
    /// what is made of it, is used.
    unsafe fn check(&self, may_unlock: bool) -> Option<Request> {
        let flags = Flags::of_caller(self.flags, self.added, !self.pages.is_null()).ok()?;
        let flags = if may_unlock {
            flags.and(Wish::presence().unlockable())
        } else {
            flags
        };

        // SAFETY: As the caller promises; flags that take something were refused if there is no array.
        Some(unsafe { Request::new(self.start, self.count, self.pages, flags) })
    }
}

/// Does what a function of C was asked for, unless the flags do not go together. The mmap lock is held as
/// `locked` says, which must be so, or, if that is null, as `own` says.
///
/// # Safety
///
/// `mm` must be valid, with users, and its mmap lock be held by this thread if so it is said. The array
/// that is asked for must be null, or have so many elements; `locked` must be null or valid.
unsafe fn enter(
    mm: *mut bindings::mm_struct,
    asked: Asked,
    locked: *mut c_int,
    mut own: c_int,
) -> Option<isize> {
    let may_unlock = !locked.is_null();
    // SAFETY: It is null or valid, as the caller promises.
    let held = unsafe { locked.as_mut() }.unwrap_or(&mut own);
    // SAFETY: As the caller promises, the array is null or has so many elements, which are its own.
    let request = unsafe { asked.check(may_unlock) }.filter(|_| !may_unlock || *held == 1);

    kernel::warn_on_once!(request.is_none());
    // SAFETY: The mm is valid, with users, and its lock is held if `held` says so, as the caller promises.
    Some(answer(unsafe { longterm::take(mm, held, &request?) }))
}

/// What `get_user_pages()` says of flags that do not go together.
fn invalid() -> isize {
    EINVAL.to_errno() as isize
}

/// Takes references of the pages of a range of another process. Returns how many, which may be fewer than
/// wanted, or an error if that were none: `-EINVAL`, `-EFAULT`, `-ENOMEM`, `-EINTR`, `-EHWPOISON`, `-EEXIST` for what
/// has no page, `-EREMOTEIO`. May sleep.
///
/// # Safety
///
/// `mm` must be valid, with users, and its mmap lock held. `pages` must be null, or point to `nr_pages`
/// elements. `locked` must be null, or point to 1, and becomes 0 if the lock, which then is held for
/// reading, is dropped.
#[export]
pub(crate) unsafe extern "C" fn get_user_pages_remote(
    mm: *mut bindings::mm_struct,
    start: usize,
    nr_pages: usize,
    gup_flags: c_uint,
    pages: *mut *mut bindings::page,
    locked: *mut c_int,
) -> isize {
    let asked = Asked {
        start,
        count: nr_pages,
        pages,
        flags: gup_flags,
        added: bindings::FOLL_TOUCH | bindings::FOLL_REMOTE,
    };

    // SAFETY: As the caller promises.
    unsafe { enter(mm, asked, locked, 1) }.unwrap_or_else(invalid)
}

/// The same for the current process, whose mmap lock is not dropped.
///
/// # Safety
///
/// The mmap lock of the current process must be held. `pages` must be null, or point to `nr_pages`
/// elements.
#[export]
pub(crate) unsafe extern "C" fn get_user_pages(
    start: usize,
    nr_pages: usize,
    gup_flags: c_uint,
    pages: *mut *mut bindings::page,
) -> isize {
    let asked = Asked {
        start,
        count: nr_pages,
        pages,
        flags: gup_flags,
        added: bindings::FOLL_TOUCH,
    };

    // SAFETY: As the caller promises.
    unsafe { enter(bindings::current_mm(), asked, null_mut(), 1) }.unwrap_or_else(invalid)
}

/// The same, with the mmap lock being taken as needed.
///
/// # Safety
///
/// The mmap lock of the current process must not be held. `pages` must be null, or point to `nr_pages`
/// elements.
#[export]
pub(crate) unsafe extern "C" fn get_user_pages_unlocked(
    start: usize,
    nr_pages: usize,
    pages: *mut *mut bindings::page,
    gup_flags: c_uint,
) -> isize {
    let asked = Asked {
        start,
        count: nr_pages,
        pages,
        flags: gup_flags,
        added: bindings::FOLL_TOUCH | bindings::FOLL_UNLOCKABLE,
    };

    // SAFETY: As the caller promises.
    unsafe { enter(bindings::current_mm(), asked, null_mut(), 0) }.unwrap_or_else(invalid)
}

/// Pins the pages of a range of another process, as [`get_user_pages_remote`] takes references. Returns 0 for
/// flags that do not go together.
///
/// # Safety
///
/// As for [`get_user_pages_remote`]; `pages` must not be null.
#[export]
pub(crate) unsafe extern "C" fn pin_user_pages_remote(
    mm: *mut bindings::mm_struct,
    start: usize,
    nr_pages: usize,
    gup_flags: c_uint,
    pages: *mut *mut bindings::page,
    locked: *mut c_int,
) -> isize {
    let asked = Asked {
        start,
        count: nr_pages,
        pages,
        flags: gup_flags,
        added: bindings::FOLL_PIN | bindings::FOLL_TOUCH | bindings::FOLL_REMOTE,
    };

    // SAFETY: As the caller promises.
    unsafe { enter(mm, asked, locked, 1) }.unwrap_or(0)
}

/// Pins the pages of a range of the current process, whose mmap lock is not dropped. Returns 0 for flags
/// that do not go together.
///
/// # Safety
///
/// As for [`get_user_pages`]; `pages` must not be null.
#[export]
pub(crate) unsafe extern "C" fn pin_user_pages(
    start: usize,
    nr_pages: usize,
    gup_flags: c_uint,
    pages: *mut *mut bindings::page,
) -> isize {
    let asked = Asked {
        start,
        count: nr_pages,
        pages,
        flags: gup_flags,
        added: bindings::FOLL_PIN,
    };

    // SAFETY: As the caller promises.
    unsafe { enter(bindings::current_mm(), asked, null_mut(), 1) }.unwrap_or(0)
}

/// The same, with the mmap lock being taken as needed.
///
/// # Safety
///
/// As for [`get_user_pages_unlocked`]; `pages` must not be null.
#[export]
pub(crate) unsafe extern "C" fn pin_user_pages_unlocked(
    start: usize,
    nr_pages: usize,
    pages: *mut *mut bindings::page,
    gup_flags: c_uint,
) -> isize {
    let asked = Asked {
        start,
        count: nr_pages,
        pages,
        flags: gup_flags,
        added: bindings::FOLL_PIN | bindings::FOLL_TOUCH | bindings::FOLL_UNLOCKABLE,
    };

    // SAFETY: As the caller promises.
    unsafe { enter(bindings::current_mm(), asked, null_mut(), 0) }.unwrap_or(0)
}

/// Takes what it can without a lock, and the rest under the mmap lock unless the flags forbid that.
fn fast_or_slow(request: &Request) -> Result<usize> {
    let flags = request.flags();

    if kernel::warn_on_once!(!flags.are_fast()) {
        return Err(EINVAL);
    }
    // SAFETY: The current task has an mm.
    let mm = unsafe { bindings::current_mm() };

    // SAFETY: The mm is valid.
    unsafe {
        if flags.pins() {
            bindings::mm_set_has_pinned(mm);
        }
        if !flags.only_fast() {
            bindings::might_lock_mmap(mm);
        }
    }
    let request = request.untagged();
    let (start, count) = (request.start(), request.count());
    let end = start
        .checked_add(count.wrapping_shl(PAGE_SHIFT as u32))
        .ok_or(EOVERFLOW)?;

    // SAFETY: It is a constant, nearly.
    if end > unsafe { bindings::task_size_max() } {
        return Err(EFAULT);
    }
    // SAFETY: The range has as many pages as the request, whose array has an element for each; the functions
    // that come here add FOLL_GET or FOLL_PIN; the end was checked.
    let taken = unsafe {
        if bindings::gup_fast_permitted(start, end) {
            fast::take(start, end, flags, request.pages())
        } else {
            0
        }
    };

    if taken == count || flags.only_fast() {
        return Ok(taken);
    }
    let slow = request
        .behind(taken)
        .with(Wish::presence().touch().unlockable());

    // SAFETY: The mm is that of the current task, and the lock is not held.
    match unsafe { longterm::take(mm, &mut 0, &slow) } {
        Ok(more) => Ok(taken + more),
        // What was taken is the caller's to give back.
        Err(_) if taken > 0 => Ok(taken),
        Err(error) => Err(error),
    }
}

/// Takes references of pages of the current process, as far as that can be done without a lock. Returns how
/// many, or `-EINVAL`, `-EOVERFLOW`, `-EFAULT`. Can be called in any context.
///
/// # Safety
///
/// `pages` must point to `nr_pages` elements.
#[export]
pub(crate) unsafe extern "C" fn get_user_pages_fast_only(
    start: usize,
    nr_pages: c_int,
    gup_flags: c_uint,
    pages: *mut *mut bindings::page,
) -> c_int {
    let added = bindings::FOLL_GET | bindings::FOLL_FAST_ONLY;

    // SAFETY: As the caller promises.
    unsafe { fast_entry(start, nr_pages, gup_flags, added, pages) }
}

/// Takes references of pages of the current process, without a lock as far as that can be done. Returns how
/// many, or an error if that were none. May sleep.
///
/// # Safety
///
/// `pages` must point to `nr_pages` elements. The mmap lock must not be held.
#[export]
pub(crate) unsafe extern "C" fn get_user_pages_fast(
    start: usize,
    nr_pages: c_int,
    gup_flags: c_uint,
    pages: *mut *mut bindings::page,
) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { fast_entry(start, nr_pages, gup_flags, bindings::FOLL_GET, pages) }
}

/// The same with pins, which [`unpin_user_pages`](unpin::unpin_user_pages) and its kin release.
///
/// # Safety
///
/// As for [`get_user_pages_fast`].
#[export]
pub(crate) unsafe extern "C" fn pin_user_pages_fast(
    start: usize,
    nr_pages: c_int,
    gup_flags: c_uint,
    pages: *mut *mut bindings::page,
) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { fast_entry(start, nr_pages, gup_flags, bindings::FOLL_PIN, pages) }
}

/// # Safety
///
/// As for the function that was called.
#[inline]
unsafe fn fast_entry(
    start: usize,
    count: c_int,
    asked: c_uint,
    added: u32,
    pages: *mut *mut bindings::page,
) -> c_int {
    let asked = Asked {
        start,
        // A negative number is one that overflows, as for callers in C.
        count: count as c_ulong as usize,
        pages,
        flags: asked,
        added,
    };

    // SAFETY: As the caller promises.
    match unsafe { asked.check(false) } {
        Some(request) => answer(fast_or_slow(&request)) as c_int,
        None => {
            kernel::warn_on_once!(true);
            EINVAL.to_errno()
        }
    }
}
