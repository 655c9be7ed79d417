// SPDX-License-Identifier: GPL-2.0

//! What an entry lets its process do.

use super::{bits, Leaf};
use crate::bindings;

/// An access that entries are asked about, for those who do not look at the VMA.
///
/// # Examples
///
/// ```
/// use kernel::mm::pgtable::{Pte, Rights};
///
/// let writable = Pte::from_raw(0x1234_5067).leaf().ok_or(ENOENT)?;
/// let readable = Pte::from_raw(0x1234_5065).leaf().ok_or(ENOENT)?;
///
/// assert!(Rights::to_write().permitted_by(writable));
/// assert!(Rights::to_read().permitted_by(readable));
/// assert!(!Rights::to_write().permitted_by(readable));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Rights(u64);

impl Rights {
    /// Reading.
    #[inline]
    pub const fn to_read() -> Self {
        Self(bits::PRESENT | bits::USER)
    }

    /// Writing.
    #[inline]
    pub const fn to_write() -> Self {
        Self(bits::PRESENT | bits::USER | bits::RW)
    }

    /// Returns whether an entry maps a page that one may look at, and lets the current task access it
    /// like this.
    #[inline]
    pub fn permitted_by<const SHIFT: u32>(self, leaf: Leaf<SHIFT>) -> bool {
        let Self(wanted) = self;

        leaf.raw() & (wanted | bits::SPECIAL) == wanted
            // SAFETY: Rights of keys can be asked for at any time.
            && unsafe { bindings::pkey_permits(leaf.raw() as usize, wanted & bits::RW != 0) }
    }
}
