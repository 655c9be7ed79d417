// SPDX-License-Identifier: GPL-2.0

//! What a user PTE table knows about itself.

use super::Refs;
use crate::{bindings, prelude::*, types::Opaque};
use core::ptr::addr_of_mut;

/// What a table says of itself to who does not hold its lock: it may be out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The number of entries that are not none.
    pub populated: u16,
    /// Whether the table has a hint.
    pub is_queued: bool,
}

impl Glance {
    /// Looks at a table.
    ///
    /// # Safety
    ///
    /// `table` is the descriptor of a user PTE table whose memory is not given back meanwhile.
    #[inline]
    pub(super) unsafe fn at(table: *mut bindings::ptdesc) -> Self {
        // SAFETY: The descriptor is valid, and each half word is read at once.
        let (populated, flags) = unsafe {
            let state = bindings::pte_table_state(table);

            (
                addr_of_mut!((*state).populated).read_volatile(),
                addr_of_mut!((*state).flags).read_volatile(),
            )
        };

        Self {
            populated,
            is_queued: flags & bindings::PTE_TABLE_QUEUED as u16 != 0,
        }
    }
}

/// A user PTE table whose lock is held.
///
/// # Invariants
///
/// A reference to a `Table` exists only while the table's lock is held by this thread.
#[repr(transparent)]
pub struct Table(Opaque<bindings::ptdesc>);

impl Table {
    /// Makes a reference of a table that C code holds the lock of.
    ///
    /// # Safety
    ///
    /// `table` must be the descriptor of a user PTE table whose lock this thread holds during
    /// `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(table: *mut bindings::ptdesc) -> &'a Self {
        // SAFETY: The caller promises that the pointer is valid during 'a; the type is a
        // transparent wrapper.
        unsafe { &*table.cast() }
    }

    /// Returns the raw descriptor.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::ptdesc {
        self.0.get()
    }

    /// The references of it.
    #[inline]
    pub fn refs(&self) -> &Refs {
        // SAFETY: The word is part of the descriptor, and accessed by atomic operations only.
        unsafe { Refs::from_raw(addr_of_mut!((*self.state()).refs)) }
    }

    fn state(&self) -> *mut bindings::pte_table_state {
        // SAFETY: The descriptor is valid.
        unsafe { bindings::pte_table_state(self.as_raw()) }
    }

    /// The number of entries that are not none.
    #[inline]
    pub fn populated(&self) -> u16 {
        // SAFETY: Valid, and changed only under the lock that is held by the type invariants.
        unsafe { (*self.state()).populated }
    }

    /// Marks the table as having a hint; returns whether it had one before.
    #[inline]
    pub fn set_queued(&self) -> bool {
        let queued = bindings::PTE_TABLE_QUEUED as u16;
        // SAFETY: As in `populated`.
        unsafe {
            let had = (*self.state()).flags & queued != 0;
            (*self.state()).flags |= queued;
            had
        }
    }

    /// Marks the table as having no hint.
    #[inline]
    pub fn clear_queued(&self) {
        // SAFETY: As in `populated`.
        unsafe { (*self.state()).flags &= !(bindings::PTE_TABLE_QUEUED as u16) };
    }

    /// On a debug kernel, warns if the count of populated entries is wrong.
    #[inline]
    pub(super) fn recount(&self, when: &'static CStr) {
        #[cfg(CONFIG_FREE_USER_PTE_DEBUG)]
        // SAFETY: The table is valid and locked, the string lives for ever.
        unsafe {
            bindings::pte_table_recount(self.as_raw(), when.as_ptr().cast())
        };
        #[cfg(not(CONFIG_FREE_USER_PTE_DEBUG))]
        let _ = when;
    }
}
