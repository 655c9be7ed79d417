// SPDX-License-Identifier: GPL-2.0

//! Entries of PMD tables.

use super::{
    bits,
    leaf::Leaf,
    softleaf::{Device, Migration, Soft, SoftFlags},
};
use crate::{bindings, types::Opaque};
use core::ptr::NonNull;

/// An entry that maps 2 MiB.
pub type PmdLeaf = Leaf<{ bindings::PMD_SHIFT }>;

/// The value of an entry of a PMD table: a copy, taken at some time.
///
/// # Examples
///
/// ```
/// use kernel::mm::pgtable::{Pmd, PmdKind};
///
/// assert!(matches!(Pmd::from_raw(0).kind(), PmdKind::None));
/// assert!(matches!(Pmd::from_raw(0x1234_5067).kind(), PmdKind::Table(_)));
/// let huge = Pmd::from_raw(0x1234_0000 & !0x1f_ffff | 0xe7);
/// assert!(matches!(huge.kind(), PmdKind::Present(leaf) if leaf.pfn() == 0x12200));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Pmd(u64);

/// What there is in an entry of a PMD table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PmdKind {
    /// Nothing.
    None,
    /// It points to a PTE table.
    Table(PteTable),
    /// It maps 2 MiB, or did until a moment ago: while they are split the processor may not use
    /// the entry, and is not told.
    Present(PmdLeaf),
    /// 2 MiB are being moved.
    Migration(Migration),
    /// A device has the 2 MiB.
    Device(Device),
    /// It maps nothing, and holds nothing that is known.
    Unknown,
    /// It should point to a table, but has bits that those have not.
    Bad,
}

/// A PTE table that a PMD entry pointed to when it was read: its physical address. This is no right
/// to look at it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PteTable(bindings::phys_addr_t);

bits::raw_value!(Pmd);
bits::ffi_value!(Pmd, pmd_t, pmd, pmdval_t, pmd_val, __pmd);

impl Pmd {
    const PRESENT: u64 = bits::PRESENT | bits::PROT_NONE | bits::PSE;

    /// Returns whether it maps memory, be it for nobody to access, or points to a table.
    #[inline]
    pub const fn is_present(self) -> bool {
        self.0 & Self::PRESENT != 0
    }

    /// Returns whether it maps memory itself.
    #[inline]
    pub const fn is_leaf(self) -> bool {
        self.0 & bits::PSE != 0
    }

    /// Returns whether it is about 2 MiB as a whole: it maps them, or holds something in place of
    /// them.
    #[inline]
    pub const fn is_huge(self) -> bool {
        self.is_leaf() || !self.is_present() && !self.is_none()
    }

    /// Returns the 2 MiB that it maps, if it does.
    #[inline]
    pub const fn leaf(self) -> Option<PmdLeaf> {
        if self.is_leaf() {
            Some(Leaf::new(self.0))
        } else {
            None
        }
    }

    /// Returns what is in it.
    #[inline]
    pub fn kind(self) -> PmdKind {
        if self.is_none() {
            return PmdKind::None;
        }
        if self.0 & Self::PRESENT == 0 {
            return match Soft::decode(self.0) {
                Soft::Migration(migration) => PmdKind::Migration(migration),
                Soft::Device(device) => PmdKind::Device(device),
                _ => PmdKind::Unknown,
            };
        }
        if self.0 & bits::PSE != 0 {
            return PmdKind::Present(Leaf::new(self.0));
        }
        match self.table() {
            Some(table) => PmdKind::Table(table),
            None => PmdKind::Bad,
        }
    }

    /// Returns the number of the first page frame that it holds without mapping it, if it does.
    #[inline]
    pub fn soft_pfn(self) -> Option<usize> {
        match self.kind() {
            PmdKind::Migration(Migration { pfn, .. })
            | PmdKind::Device(Device::Private { pfn, .. } | Device::Exclusive { pfn }) => Some(pfn),
            _ => None,
        }
    }

    /// Returns the type of an entry that is neither none nor present, and what it holds, as numbers
    /// that user space is told in the pagemap.
    #[inline]
    pub fn soft_numbers(self) -> (u64, u64) {
        Soft::numbers(self.0)
    }

    /// Returns whether the memory was written to since somebody cleared that mark to find out, even
    /// if it is mapped no more.
    #[inline]
    pub const fn is_soft_dirty(self) -> bool {
        if self.is_present() {
            self.0 & bits::SOFT_DIRTY != 0
        } else {
            SoftFlags(self.0).is_soft_dirty()
        }
    }

    /// Returns whether userfaultfd follows accesses to the memory, even if it is mapped no more.
    #[inline]
    pub const fn is_uffd(self) -> bool {
        if self.is_present() {
            self.0 & bits::UFFD != 0
        } else {
            SoftFlags(self.0).is_uffd()
        }
    }

    /// Returns whether it has the bit that tells of accesses, which says something only if it maps
    /// memory.
    #[inline]
    pub const fn has_young(self) -> bool {
        self.0 & bits::ACCESSED != 0
    }

    /// Returns whether it has one of the bits that tell of writes, which say something only if it
    /// maps memory: else one of them is a bit of an offset that is stored inverted.
    #[inline]
    pub const fn has_dirty(self) -> bool {
        self.0 & (bits::DIRTY | bits::SAVED_DIRTY) != 0
    }

    /// Returns the table that it points to, if it does.
    #[inline]
    pub fn table(self) -> Option<PteTable> {
        let flags = self.0 & !(bits::address() | bits::USER | bits::ACCESSED);
        let expected = bits::PRESENT | bits::RW | bits::DIRTY | bits::encryption();

        (flags == expected).then(|| self.assume_table())
    }

    /// Returns the table that it is known to point to.
    #[inline]
    pub(super) fn assume_table(self) -> PteTable {
        PteTable(self.0 & bits::address())
    }
}

impl PteTable {
    /// Returns the descriptor.
    #[inline]
    pub(super) fn descriptor(self) -> NonNull<bindings::ptdesc> {
        // SAFETY: There is a table at the address, and each page frame has a descriptor.
        unsafe { NonNull::new_unchecked(bindings::pte_table_descriptor(self.0)) }
    }

    /// Returns the entry for an address of the block that the table covers.
    #[inline]
    pub(super) fn entry(self, addr: usize) -> NonNull<bindings::pte_t> {
        // SAFETY: There is a table at the address, in memory that the kernel maps.
        unsafe { NonNull::new_unchecked(bindings::pte_table_entry(self.0, addr)) }
    }
}

/// An entry of a PMD table in memory, which others may change at any time.
#[repr(transparent)]
pub struct PmdCell(Opaque<bindings::pmd_t>);

impl PmdCell {
    /// Makes a reference of an entry that C code points to.
    ///
    /// # Safety
    ///
    /// `pmd` must point to an entry of a PMD table of user memory, or to a copy of one, that stays
    /// during `'a`. A PTE table that it points to is unhooked before it is freed, and not freed
    /// before an RCU grace period has passed; in case of a copy the caller keeps the table.
    #[inline]
    pub unsafe fn from_raw<'a>(pmd: *mut bindings::pmd_t) -> &'a Self {
        // SAFETY: The caller promises that it is valid; the type is a transparent wrapper.
        unsafe { &*pmd.cast() }
    }

    /// Returns the raw pointer.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::pmd_t {
        self.0.get()
    }

    /// Reads it.
    #[inline]
    pub fn read(&self) -> Pmd {
        // SAFETY: Valid by the promise of `from_raw`, and a word that is read at once.
        Pmd::from_ffi(unsafe { self.as_raw().read_volatile() })
    }
}
