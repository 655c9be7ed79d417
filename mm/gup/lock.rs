// SPDX-License-Identifier: GPL-2.0

//! The mmap lock of a caller, which a fault may drop.

use core::ffi::c_int;
use kernel::{bindings, prelude::*};

/// The mmap lock, held or not, as `*held` tells the caller.
///
/// If it was taken here, or dropped and taken again, it is released in the end: a caller must not go on
/// with what it knew before.
///
/// # Invariants
///
/// `mm` is valid, with users, and its mmap lock is held by this thread if `*held` is not 0.
pub(super) struct Lock<'a> {
    mm: *mut bindings::mm_struct,
    held: &'a mut c_int,
    ours: bool,
}

impl<'a> Lock<'a> {
    /// Takes the lock for reading, unless the caller holds it.
    ///
    /// # Safety
    ///
    /// `mm` must be valid, with users, as long as this exists, and its mmap lock be held by this thread
    /// if `*held` is not 0. If a fault may drop it, it is held for reading.
    #[inline]
    pub(super) unsafe fn new(mm: *mut bindings::mm_struct, held: &'a mut c_int) -> Result<Self> {
        let mut lock = Self {
            mm,
            held,
            ours: false,
        };

        if lock.is_held() {
            // SAFETY: As the caller promises.
            unsafe { bindings::mmap_assert_locked(mm) };
        } else if lock.retake().is_err() {
            return Err(EAGAIN);
        }
        Ok(lock)
    }

    #[inline]
    pub(super) fn mm(&self) -> *mut bindings::mm_struct {
        self.mm
    }

    #[inline]
    pub(super) fn is_held(&self) -> bool {
        *self.held != 0
    }

    /// A fault has dropped it.
    #[inline]
    pub(super) fn lost(&mut self) {
        *self.held = 0;
    }

    /// Takes it again, unless somebody kills the task.
    pub(super) fn retake(&mut self) -> Result {
        // SAFETY: The mm is valid by the type invariants.
        kernel::error::to_result(unsafe { bindings::mmap_read_lock_killable(self.mm) })?;
        self.ours = true;
        // INVARIANT: Just taken.
        *self.held = 1;
        Ok(())
    }
}

impl Drop for Lock<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.ours && self.is_held() {
            // SAFETY: It is held by the type invariants, for reading, as it was taken here.
            unsafe { bindings::mmap_read_unlock(self.mm) };
            *self.held = 0;
        }
    }
}
