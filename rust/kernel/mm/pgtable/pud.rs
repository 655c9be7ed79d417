// SPDX-License-Identifier: GPL-2.0

//! Entries of PUD tables.

use super::{bits, leaf::Leaf};
use crate::bindings;

/// An entry that maps 1 GiB.
pub type PudLeaf = Leaf<{ bindings::PUD_SHIFT }>;

/// The value of an entry of a PUD table: a copy, taken at some time.
///
/// # Examples
///
/// ```
/// use kernel::mm::pgtable::{Pud, PudKind};
///
/// assert!(matches!(Pud::from_raw(0).kind(), PudKind::None));
/// assert!(matches!(Pud::from_raw(0x1234_5067).kind(), PudKind::Table));
/// assert!(matches!(Pud::from_raw(0x4000_00e7).kind(), PudKind::Present(_)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Pud(u64);

/// What there is in an entry of a PUD table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PudKind {
    /// Nothing.
    None,
    /// It points to a PMD table.
    Table,
    /// It maps 1 GiB.
    Present(PudLeaf),
    /// None of the above.
    Bad,
}

impl Pud {
    /// Takes a raw value.
    #[inline]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// Returns the raw value.
    #[inline]
    pub const fn into_raw(self) -> u64 {
        self.0
    }

    /// Returns whether there is nothing in it.
    #[inline]
    pub const fn is_none(self) -> bool {
        self.0 & !bits::STRAY == 0
    }

    /// Returns what is in it.
    #[inline]
    pub fn kind(self) -> PudKind {
        let table = bits::PRESENT | bits::RW | bits::ACCESSED | bits::DIRTY | bits::USER;

        if self.is_none() {
            PudKind::None
        } else if self.0 & bits::PSE != 0 {
            PudKind::Present(Leaf::new(self.0))
        } else if self.0 & bits::PRESENT != 0
            && self.0 & !(bits::address() | table | bits::encryption()) == 0
        {
            PudKind::Table
        } else {
            PudKind::Bad
        }
    }
}
