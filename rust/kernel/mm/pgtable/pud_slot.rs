// SPDX-License-Identifier: GPL-2.0

//! The place of a PUD entry in an address space, and its lock.

use super::{Mm, MmWithUser, Pud};
use crate::{bindings, types::NotThreadSafe};
use core::{marker::PhantomData, mem::ManuallyDrop, ptr::NonNull};

/// The place of a PUD entry in an address space.
///
/// # Invariants
///
/// `pud` points to an entry of a PUD table of `mm`, which is not freed during `'a`.
#[derive(Clone, Copy)]
pub struct PudSlot<'a> {
    pud: NonNull<bindings::pud_t>,
    mm: NonNull<bindings::mm_struct>,
    _mm: PhantomData<&'a MmWithUser>,
}

impl<'a> PudSlot<'a> {
    /// Makes a slot of what C code found.
    ///
    /// # Safety
    ///
    /// `pud` must point to an entry of a PUD table of the valid `mm`, neither of which goes away
    /// during `'a`.
    #[inline]
    pub unsafe fn from_raw(mm: *mut bindings::mm_struct, pud: *mut bindings::pud_t) -> Self {
        // INVARIANT: As the caller promises.
        Self {
            // SAFETY: Valid pointers are not null.
            pud: unsafe { NonNull::new_unchecked(pud) },
            // SAFETY: As above.
            mm: unsafe { NonNull::new_unchecked(mm) },
            _mm: PhantomData,
        }
    }

    /// Returns the raw pointer.
    #[inline]
    pub fn as_raw(self) -> *mut bindings::pud_t {
        self.pud.as_ptr()
    }

    /// Returns the address space that the entry belongs to.
    #[inline]
    pub fn mm(self) -> &'a Mm {
        // SAFETY: It stays during `'a` by the type invariants.
        unsafe { Mm::from_raw(self.mm.as_ptr()) }
    }

    /// Reads the entry.
    #[inline]
    pub fn read(self) -> Pud {
        // SAFETY: Valid by the type invariants, and a word that is read at once.
        Pud::from_ffi(unsafe { self.as_raw().read_volatile() })
    }

    fn lock_ptr(self) -> *mut bindings::spinlock_t {
        // SAFETY: By the type invariants.
        unsafe { bindings::pud_lockptr(self.mm.as_ptr(), self.as_raw()) }
    }

    /// Takes the lock of PUD tables.
    #[inline]
    pub fn lock(self) -> PudLock<'a> {
        // SAFETY: The lock is the mm's, or the table's, which stay by the type invariants.
        unsafe { bindings::spin_lock(self.lock_ptr()) };
        // INVARIANT: Just taken.
        PudLock {
            slot: self,
            _nts: NotThreadSafe,
        }
    }
}

/// The lock of a PUD table, held for the sake of one of its entries.
///
/// # Invariants
///
/// The lock is held.
#[must_use = "the lock is released at once if this is not bound"]
pub struct PudLock<'a> {
    slot: PudSlot<'a>,
    // A spinlock is released where it was taken.
    _nts: NotThreadSafe,
}

impl<'a> PudLock<'a> {
    /// Returns the place of the entry.
    #[inline]
    pub fn slot(&self) -> PudSlot<'a> {
        self.slot
    }

    /// Gives the lock to C code that releases it.
    #[inline]
    pub fn into_raw(self) -> *mut bindings::spinlock_t {
        ManuallyDrop::new(self).slot.lock_ptr()
    }
}

impl Drop for PudLock<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: We hold the lock by the type invariants.
        unsafe { bindings::spin_unlock(self.slot.lock_ptr()) };
    }
}
