// SPDX-License-Identifier: GPL-2.0

//! Entries of PTE tables.

use super::{
    bits,
    leaf::Leaf,
    softleaf::{Device, Marker, Migration, Soft, SoftFlags, Swap},
};
use crate::page::PAGE_SHIFT;

/// An entry that maps a page.
pub type PteLeaf = Leaf<{ PAGE_SHIFT as u32 }>;

/// What the processor sets by itself.
const MARKS: u64 = bits::ACCESSED | bits::DIRTY;

impl PteLeaf {
    /// Returns the entry.
    #[inline]
    pub const fn entry(self) -> Pte {
        Pte(self.raw())
    }

    /// Returns whether another entry maps memory in the same way, but for the marks that the processor
    /// sets by itself.
    #[inline]
    pub fn is_like(self, other: Pte) -> bool {
        (self.raw() ^ other.0) & !(bits::address() | MARKS) == 0
    }
}

/// The value of an entry of a PTE table: a copy, taken at some time.
///
/// # Examples
///
/// ```
/// use kernel::mm::pgtable::{Pte, PteKind};
///
/// assert_eq!(Pte::NONE.kind(), PteKind::None);
/// // Some processors leave marks in entries that they do not use.
/// assert!(Pte::from_raw(1 << 6).is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Pte(u64);

/// What there is in an entry of a PTE table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PteKind {
    /// Nothing.
    None,
    /// A page is mapped.
    Present(PteLeaf),
    /// A page is in swap.
    Swap(Swap),
    /// A page is being moved.
    Migration(Migration),
    /// A device has the page.
    Device(Device),
    /// The page was lost to an error of the memory.
    HwPoison {
        /// The number of the page frame.
        pfn: usize,
    },
    /// No page, but a note.
    Marker(Marker),
    /// None of the above, which is an error of somebody who wrote it.
    Unknown,
}

bits::raw_value!(Pte);
bits::ffi_value!(Pte, pte_t, pte, pteval_t, pte_val, __pte);

impl Pte {
    /// An entry that holds nothing.
    pub const NONE: Self = Self(0);

    /// Returns whether this entry, so many behind one that maps a page, maps the page so many behind
    /// that in the same way, but for the marks that the processor sets by itself.
    #[inline]
    pub(super) const fn continues(self, first: PteLeaf, index: usize) -> bool {
        let expected = first.raw().wrapping_add((index << PAGE_SHIFT) as u64);

        (self.0 ^ expected) & !MARKS == 0
    }

    /// Returns whether it maps a page, be it for nobody to access.
    #[inline]
    pub const fn is_present(self) -> bool {
        self.0 & (bits::PRESENT | bits::PROT_NONE) != 0
    }

    /// Returns what is in it.
    #[inline]
    pub fn kind(self) -> PteKind {
        if self.is_none() {
            return PteKind::None;
        }
        if self.is_present() {
            return PteKind::Present(Leaf::new(self.0));
        }
        match Soft::decode(self.0) {
            Soft::Swap(swap) => PteKind::Swap(swap),
            Soft::Migration(migration) => PteKind::Migration(migration),
            Soft::Device(device) => PteKind::Device(device),
            Soft::HwPoison { pfn } => PteKind::HwPoison { pfn },
            Soft::Marker(marker) => PteKind::Marker(marker),
            Soft::Unknown => PteKind::Unknown,
        }
    }

    /// Returns the number of the page frame that it holds without mapping it, if it does: of a page
    /// that is being moved, that a device has, or that was lost.
    #[inline]
    pub fn soft_pfn(self) -> Option<usize> {
        match self.kind() {
            PteKind::Migration(Migration { pfn, .. })
            | PteKind::Device(Device::Private { pfn, .. } | Device::Exclusive { pfn })
            | PteKind::HwPoison { pfn } => Some(pfn),
            _ => None,
        }
    }

    /// Returns the type of an entry that is neither none nor present, and what it holds, as numbers
    /// that user space is told in the pagemap.
    #[inline]
    pub fn soft_numbers(self) -> (u64, u64) {
        Soft::numbers(self.0)
    }

    /// Returns the page that it maps, if it does.
    #[inline]
    pub const fn leaf(self) -> Option<PteLeaf> {
        if self.is_present() {
            Some(Leaf::new(self.0))
        } else {
            None
        }
    }

    /// Returns whether the page was written to since somebody cleared that mark to find out, even
    /// if it is mapped no more.
    #[inline]
    pub const fn is_soft_dirty(self) -> bool {
        match self.leaf() {
            Some(leaf) => leaf.is_soft_dirty(),
            None => SoftFlags(self.0).is_soft_dirty(),
        }
    }

    /// Returns whether userfaultfd follows accesses to the page, even if it is mapped no more.
    #[inline]
    pub const fn is_uffd(self) -> bool {
        match self.leaf() {
            Some(leaf) => leaf.is_uffd(),
            None => SoftFlags(self.0).is_uffd(),
        }
    }

    /// Returns whether a page that is in swap belongs to this process alone.
    #[inline]
    pub const fn is_swap_exclusive(self) -> bool {
        !self.is_present() && SoftFlags(self.0).is_exclusive()
    }
}
