// SPDX-License-Identifier: GPL-2.0

//! Faulting memory in for somebody who is going to access it by its address.

use super::slow;
use core::ptr::null_mut;
use kernel::{
    bindings,
    page::{PAGE_MASK, PAGE_SIZE},
    prelude::*,
};

/// Does something at the start of a range of user space, and at each page behind, until that fails or
/// the range ends. Returns how many bytes it did not get to.
#[inline]
fn each_page(start: usize, size: usize, mut touch: impl FnMut(usize) -> bool) -> usize {
    let end = start.wrapping_add(size);
    let mut at = start;

    // Behind the last address is zero.
    while at != 0 && at < end && touch(at) {
        at = at.wrapping_add(PAGE_SIZE) & PAGE_MASK;
    }
    size.saturating_sub(at.wrapping_sub(start))
}

/// Has a range of the current process be there and writable, by writing a zero to each of its pages.
/// Returns how many bytes it did not get to. May sleep.
#[export]
pub(crate) extern "C" fn fault_in_writeable(uaddr: *mut c_char, size: usize) -> usize {
    // SAFETY: It can be asked of any range.
    if size != 0 && !unsafe { bindings::is_user_range(uaddr as usize, size) } {
        return size;
    }
    // SAFETY: User space is accessed with faults being caught.
    each_page(uaddr as usize, size, |at| unsafe {
        bindings::user_store_zero(at)
    })
}

/// The same where parts of a page may have rights of their own.
#[export]
pub(crate) extern "C" fn fault_in_subpage_writeable(uaddr: *mut c_char, size: usize) -> usize {
    let done = size.wrapping_sub(fault_in_writeable(uaddr, size));
    let failed = if done == 0 {
        0
    } else {
        // SAFETY: It can be asked of any range of user space.
        unsafe { bindings::probe_subpage_writeable(uaddr, done) }
    };

    size.wrapping_sub(done.wrapping_sub(failed))
}

/// Has a range of the current process be there and writable, without writing to it. Returns how many
/// bytes it did not get to. May sleep.
#[export]
pub(crate) extern "C" fn fault_in_safe_writeable(uaddr: *const c_char, size: usize) -> usize {
    if size == 0 {
        return 0;
    }
    let mut unlocked = false;

    // SAFETY: The current task has an mm, whose lock it does not hold.
    unsafe {
        let mm = bindings::current_mm();

        bindings::mmap_read_lock(mm);
        let left = each_page(uaddr as usize, size, |at| {
            fixup_user_fault(
                mm,
                at,
                bindings::fault_flag_FAULT_FLAG_WRITE,
                &raw mut unlocked,
            ) == 0
        });
        bindings::mmap_read_unlock(mm);
        left
    }
}

/// Has a range of the current process be there, by reading from each of its pages. Returns how many bytes
/// it did not get to. May sleep.
#[export]
pub(crate) extern "C" fn fault_in_readable(uaddr: *const c_char, size: usize) -> usize {
    // SAFETY: It can be asked of any range.
    if size != 0 && !unsafe { bindings::is_user_range(uaddr as usize, size) } {
        return size;
    }
    // SAFETY: User space is accessed with faults being caught.
    each_page(uaddr as usize, size, |at| unsafe {
        bindings::user_load(at)
    })
}

/// Does what a fault of user space at an address would do, marks of access included. Returns 0, or
/// `-EFAULT`, `-ENOMEM`, `-EINTR`, `-EHWPOISON`. The mmap lock is held again when it returns; `*unlocked` is true
/// if it was dropped.
///
/// # Safety
///
/// `mm` must be valid, with users, and its mmap lock held for reading. `unlocked` must be null, if the lock
/// must not be dropped, or valid.
#[export]
pub(crate) unsafe extern "C" fn fixup_user_fault(
    mm: *mut bindings::mm_struct,
    address: usize,
    fault_flags: c_uint,
    unlocked: *mut bool,
) -> c_int {
    let mut flags = fault_flags;
    // SAFETY: As the caller promises.
    let addr = unsafe { bindings::untag_remote(mm, address) };

    if !unlocked.is_null() {
        flags |=
            bindings::fault_flag_FAULT_FLAG_ALLOW_RETRY | bindings::fault_flag_FAULT_FLAG_KILLABLE;
    }
    loop {
        // SAFETY: As the caller promises; the VMA is not used after the fault.
        let Some(vma) = (unsafe { slow::lookup(mm, addr, true) }) else {
            return EFAULT.to_errno();
        };
        // SAFETY: As above. Faults of the current task are its own.
        let fault = unsafe {
            if !bindings::vma_permits_fault(vma.as_ptr(), flags) {
                return EFAULT.to_errno();
            }
            if flags & bindings::fault_flag_FAULT_FLAG_KILLABLE != 0
                && bindings::gup_signal_pending(false)
            {
                return EINTR.to_errno();
            }
            bindings::handle_mm_fault(vma.as_ptr(), addr, flags, null_mut())
        };
        // SAFETY: It looks at nothing but its arguments.
        let errno = unsafe { bindings::vm_fault_to_errno(fault, 0) };
        let completed = fault & bindings::vm_fault_reason_VM_FAULT_COMPLETED != 0;

        if !completed && errno != 0 {
            return errno;
        }
        if !completed && fault & bindings::vm_fault_reason_VM_FAULT_RETRY == 0 {
            return 0;
        }
        // SAFETY: The fault has dropped the lock, which it does only if `unlocked` is valid.
        unsafe {
            bindings::mmap_read_lock(mm);
            *unlocked = true;
        }
        if completed {
            return 0;
        }
        flags |= bindings::fault_flag_FAULT_FLAG_TRIED;
    }
}
