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

bits::raw_value!(Pud);
bits::ffi_value!(Pud, pud_t, pud, pudval_t, pud_val, __pud);

impl Pud {
    /// Returns whether it maps memory, or points to a table.
    #[inline]
    pub const fn is_present(self) -> bool {
        self.0 & bits::PRESENT != 0
    }

    /// Returns whether it maps memory itself.
    #[inline]
    pub const fn is_leaf(self) -> bool {
        self.0 & bits::PSE != 0
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
