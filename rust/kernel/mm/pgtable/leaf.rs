// SPDX-License-Identifier: GPL-2.0

//! Entries that map memory.

use super::{bits, Pte};
use crate::{bindings, page::PAGE_SHIFT};

/// An entry that maps `1 << SHIFT` bytes of memory: a copy, taken at some time.
///
/// # Examples
///
/// ```
/// use kernel::mm::pgtable::{Pte, PteKind};
///
/// // A page that is mapped for user space to read and write, and was written to.
/// let entry = Pte::from_raw(0x1234_5067 | 1 << 63);
/// let PteKind::Present(leaf) = entry.kind() else {
///     return Err(EINVAL);
/// };
///
/// assert_eq!(leaf.pfn(), 0x12345);
/// assert!(leaf.is_user() && leaf.is_writable() && leaf.is_dirty());
/// assert!(!leaf.is_executable());
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Leaf<const SHIFT: u32>(u64);

impl<const SHIFT: u32> Leaf<SHIFT> {
    /// The bytes that such an entry maps.
    pub const SIZE: usize = 1 << SHIFT;

    /// Takes a raw value that is known to map something.
    #[inline]
    pub(super) const fn new(raw: u64) -> Self {
        Self(raw)
    }

    /// Returns the value of the entry.
    #[inline]
    pub const fn raw(self) -> u64 {
        self.0
    }

    #[inline]
    const fn has(self, bits: u64) -> bool {
        self.0 & bits != 0
    }

    /// Returns the number of the first page frame.
    #[inline]
    pub fn pfn(self) -> usize {
        // Addresses are stored inverted where the processor must not follow them, not even
        // speculatively.
        let plain = if self.has(bits::PRESENT) {
            self.0
        } else {
            !self.0
        };

        (plain & bits::address() & !(Self::SIZE as u64 - 1)) as usize >> PAGE_SHIFT
    }

    /// Returns the entry that would map the page of an address alone, as this maps it.
    pub fn page(self, addr: usize) -> Pte {
        let index = (addr & (Self::SIZE - 1)) >> PAGE_SHIFT;
        let frame = (self.pfn().wrapping_add(index) << PAGE_SHIFT) as u64;
        let mut flags = self.0 & !bits::address();

        if SHIFT > PAGE_SHIFT as u32 {
            // What selects the size elsewhere is a bit of the memory type here.
            flags &= !bits::PSE;
            if self.has(bits::PAT_LARGE) {
                flags |= bits::PAT;
            }
        }
        let stored = if self.has(bits::PRESENT) {
            frame
        } else {
            !frame
        };
        Pte::from_raw(flags | stored & bits::address())
    }

    /// Returns whether user space may access it.
    #[inline]
    pub const fn is_user(self) -> bool {
        self.has(bits::USER)
    }

    /// Returns whether it can be written to by everybody who may access it (`_PAGE_RW`). Unlike
    /// [`is_writable`](Self::is_writable), this is so of all entries that differ in marks alone.
    #[inline]
    pub const fn is_rw(self) -> bool {
        self.has(bits::RW)
    }

    /// Returns whether it can be written to: by everybody, or as a shadow stack.
    #[inline]
    pub fn is_writable(self) -> bool {
        self.has(bits::RW) || self.is_shadow_stack()
    }

    /// Returns whether it is part of a shadow stack.
    #[inline]
    pub fn is_shadow_stack(self) -> bool {
        self.0 & (bits::RW | bits::DIRTY) == bits::DIRTY && has_shadow_stacks()
    }

    /// Returns whether instructions may be fetched from it.
    #[inline]
    pub const fn is_executable(self) -> bool {
        !self.has(bits::NX)
    }

    /// Returns whether it was accessed.
    #[inline]
    pub const fn is_young(self) -> bool {
        self.has(bits::ACCESSED)
    }

    /// Returns whether it was written to.
    #[inline]
    pub const fn is_dirty(self) -> bool {
        self.has(bits::DIRTY | bits::SAVED_DIRTY)
    }

    /// Returns whether it was written to since somebody cleared that mark to find out.
    #[inline]
    pub const fn is_soft_dirty(self) -> bool {
        self.has(bits::SOFT_DIRTY)
    }

    /// Returns whether userfaultfd follows accesses to it.
    #[inline]
    pub const fn is_uffd(self) -> bool {
        self.has(bits::UFFD)
    }

    /// Returns whether there is no `struct page` to be looked at behind it.
    #[inline]
    pub const fn is_special(self) -> bool {
        self.has(bits::SPECIAL)
    }

    /// Returns whether it is mapped without a right to access it.
    #[inline]
    pub const fn is_prot_none(self) -> bool {
        self.0 & (bits::PRESENT | bits::PROT_NONE) == bits::PROT_NONE
    }
}

#[inline]
fn has_shadow_stacks() -> bool {
    #[cfg(all(CONFIG_KUNIT, CONFIG_RUST_MM_TWINS))]
    if super::testing::has_shadow_stacks() {
        return true;
    }
    // SAFETY: Features of the processor can be asked for at any time.
    unsafe { bindings::cpu_has_shadow_stacks() }
}
