// SPDX-License-Identifier: GPL-2.0

//! Having pages be there, rather than taking them: `MAP_POPULATE`, `mlock()`, `MADV_POPULATE_*`; and taking
//! one, for a core dump.

use super::{
    flags::Wish,
    lock::Lock,
    request::Request,
    slow::{take, take_once},
};
use core::ffi::c_int;
use core::ptr::null_mut;
use kernel::{
    bindings,
    mm::virt::{flags as vm, VmaRef},
    page::{PAGE_MASK, PAGE_SHIFT},
    prelude::*,
};

fn check_aligned(start: usize, end: usize) {
    kernel::vm_warn_on_once!((start | end) & !PAGE_MASK != 0);
}

/// Has all pages of a part of a VMA be there. Returns how many are done with, which may be fewer if the
/// mmap lock was dropped. Pages of a VMA that is locked become so, too.
///
/// # Safety
///
/// `vma` must be valid, its mmap lock held, for reading if `locked` is not null, and the range a part of
/// it. `locked` must be null, or point to something that is not 0, and becomes 0 if the lock is dropped.
#[export]
pub(crate) unsafe extern "C" fn populate_vma_page_range(
    vma: *mut bindings::vm_area_struct,
    start: usize,
    end: usize,
    locked: *mut c_int,
) -> isize {
    // SAFETY: As the caller promises.
    let (area, mm) = unsafe {
        let mm = bindings::vma_mm(vma);

        bindings::mmap_assert_locked(mm);
        (VmaRef::from_raw(vma), mm)
    };
    check_aligned(start, end);
    kernel::vm_warn_on_once!(start < area.start() || end > area.end());
    let count = end.wrapping_sub(start) >> PAGE_SHIFT;
    let has = |flags: usize| area.flags() & flags != 0;

    if has(vm::LOCKONFAULT) {
        return count as isize;
    }
    if !has(vm::READ | vm::WRITE | vm::EXEC) {
        return EFAULT.to_errno() as isize;
    }
    let wish = Wish::presence().touch();
    // A write breaks COW now rather than later. What is shared is not to become dirty.
    let wish = if has(vm::WRITE) && !has(vm::SHARED) {
        wish.write()
    } else {
        wish.force()
    };
    let mut held = 1;
    // SAFETY: As the caller promises.
    let (wish, held) = match unsafe { locked.as_mut() } {
        Some(locked) => (wish.unlockable(), locked),
        None => (wish, &mut held),
    };
    let request = Request::presence(start, count, wish);
    // SAFETY: As the caller promises.
    let done = unsafe { Lock::new(mm, held) }.and_then(|mut lock| take_once(&mut lock, &request));

    // SAFETY: Nothing is held that forbids to wait.
    unsafe { bindings::lru_add_drain() };
    super::answer(done)
}

/// Has all pages of a range be there, for `MADV_POPULATE_READ` or `_WRITE`. Returns how many are done with,
/// or `-ENOMEM` where there is no VMA, `-EINVAL` where the VMA is of a wrong kind, `-EHWPOISON`, `-EFAULT`,
/// `-EINTR`.
///
/// # Safety
///
/// `mm` must be valid, with users, and `*locked` say whether its mmap lock is held, for reading. It
/// becomes 0 if the lock is dropped.
#[export]
pub(crate) unsafe extern "C" fn faultin_page_range(
    mm: *mut bindings::mm_struct,
    start: usize,
    end: usize,
    write: bool,
    locked: *mut c_int,
) -> isize {
    check_aligned(start, end);
    let wish = Wish::presence()
        .touch()
        .tell_poison()
        .unlockable()
        .as_madvise();
    let wish = if write { wish.write() } else { wish };
    let count = end.wrapping_sub(start) >> PAGE_SHIFT;
    let request = Request::presence(start, count, wish);

    // SAFETY: As the caller promises.
    let done = unsafe {
        bindings::mmap_assert_locked(mm);
        take(mm, &mut *locked, &request)
    };
    // SAFETY: Nothing is held that forbids to wait.
    unsafe { bindings::lru_add_drain() };
    super::answer(done)
}

/// Has all pages of a range of the current process be there, where its VMAs permit it. Returns 0, or the
/// first error unless errors are to be ignored.
///
/// # Safety
///
/// The current task must have an mm, whose mmap lock it does not hold.
#[export]
pub(crate) unsafe extern "C" fn __mm_populate(
    start: usize,
    len: usize,
    ignore_errors: c_int,
) -> c_int {
    // SAFETY: As the caller promises.
    let mm = unsafe { bindings::current_mm() };
    let end = start.wrapping_add(len);
    let mut next = start;
    let mut locked = 0;
    let mut failed = 0;

    while next < end {
        if locked == 0 {
            // SAFETY: The mm is valid.
            unsafe { bindings::mmap_read_lock(mm) };
            locked = 1;
        }
        // SAFETY: The mmap lock is held, so that what is found stays until a fault drops it.
        let vma = unsafe { bindings::find_vma_intersection(mm, next, end) };
        if vma.is_null() {
            break;
        }
        // SAFETY: As above.
        let (flags, first, last) = unsafe {
            let vma = VmaRef::from_raw(vma);
            (vma.flags(), vma.start(), vma.end())
        };
        let part = next.max(first)..end.min(last);

        next = part.end;
        if flags & (vm::IO | vm::PFNMAP) != 0 {
            continue;
        }
        // SAFETY: As above.
        match unsafe { populate_vma_page_range(vma, part.start, part.end, &raw mut locked) } {
            done @ 0.. => next = part.start.wrapping_add((done as usize) << PAGE_SHIFT),
            _ if ignore_errors != 0 => {}
            error => {
                failed = error as c_int;
                break;
            }
        }
    }
    if locked != 0 {
        // SAFETY: It is held.
        unsafe { bindings::mmap_read_unlock(mm) };
    }
    failed
}

/// Takes a page of the current process for a core dump. Returns null where the dump is to have a hole, or
/// on an error.
///
/// # Safety
///
/// `*locked` must say whether the current task holds the mmap lock of its mm; it becomes 0 if that is
/// dropped.
#[cfg(CONFIG_ELF_CORE)]
#[export]
pub(crate) unsafe extern "C" fn get_dump_page(
    addr: usize,
    locked: *mut c_int,
) -> *mut bindings::page {
    let mut page = null_mut();
    let flags = Wish::get().force().dump().flags();

    // SAFETY: As the caller promises; there is one element.
    let done = unsafe {
        let request = Request::new(addr, 1, &raw mut page, flags);

        take(bindings::current_mm(), &mut *locked, &request)
    };
    match done {
        Ok(1) => page,
        _ => null_mut(),
    }
}
