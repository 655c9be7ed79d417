// SPDX-License-Identifier: GPL-2.0

//! Entries of one PTE table.

use super::VmaRef;
use crate::{
    bindings,
    mm::pgtable::{Pte, PteLock},
    page::PAGE_SIZE,
};
use core::{
    iter::FusedIterator,
    ops::{Deref, Range},
};

/// Entries of one PTE table of a VMA. The table is locked.
///
/// The entries stay as they are, but for marks that the processor sets. It is not `Send`, and one
/// may not sleep before it is dropped.
///
/// # Invariants
///
/// `range` is not empty, its bounds are multiples of a page, and it lies in the block of the table
/// and in `vma`.
#[must_use = "the table is unlocked at once if this is not bound"]
pub struct PteSlice<'a> {
    table: PteLock<'a>,
    vma: &'a VmaRef,
    range: Range<usize>,
}

/// An entry of a [`PteSlice`], as it was when it was read. The slice is borrowed, so that what the
/// entry refers to stays.
///
/// # Invariants
///
/// `value` was read from the entry of `addr` in a table that is locked during `'s`, and maps a part
/// of `vma` there.
#[derive(Clone, Copy)]
pub struct LockedPte<'s> {
    value: Pte,
    addr: usize,
    vma: &'s VmaRef,
}

impl<'s> LockedPte<'s> {
    /// Returns a copy, which refers to nothing that stays.
    #[inline]
    pub fn value(self) -> Pte {
        self.value
    }

    /// Returns the address of the page.
    #[inline]
    pub fn addr(self) -> usize {
        self.addr
    }

    /// Returns the VMA.
    #[inline]
    pub fn vma(self) -> &'s VmaRef {
        self.vma
    }
}

impl Deref for LockedPte<'_> {
    type Target = Pte;

    #[inline]
    fn deref(&self) -> &Pte {
        &self.value
    }
}

impl<'a> PteSlice<'a> {
    /// Makes a slice of a locked table.
    ///
    /// # Safety
    ///
    /// The type invariants must hold.
    #[inline]
    pub(super) unsafe fn new(table: PteLock<'a>, vma: &'a VmaRef, range: Range<usize>) -> Self {
        // INVARIANT: As the caller promises.
        Self { table, vma, range }
    }

    /// Returns the VMA.
    #[inline]
    pub fn vma(&self) -> &'a VmaRef {
        self.vma
    }

    /// Returns the place of the entry of an address of the block.
    #[inline]
    pub(super) fn place(&self, addr: usize) -> *mut bindings::pte_t {
        self.table.place(addr)
    }

    /// Returns the lock of the table, to change an entry.
    #[inline]
    pub(super) fn lock_mut(&mut self) -> &mut PteLock<'a> {
        &mut self.table
    }

    /// Reads the entry of an address of this slice.
    #[inline]
    pub fn get(&self, addr: usize) -> Option<LockedPte<'_>> {
        // INVARIANT: Just read; the table is locked as long as there is a slice.
        self.range.contains(&addr).then(|| LockedPte {
            value: self.table.read(addr),
            addr,
            vma: self.vma,
        })
    }

    /// Where it starts.
    #[inline]
    pub fn start(&self) -> usize {
        self.range.start
    }

    /// Where it ends.
    #[inline]
    pub fn end(&self) -> usize {
        self.range.end
    }

    /// The bytes of address space.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.range.len()
    }

    /// The number of entries.
    #[inline]
    #[expect(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.range.len() / PAGE_SIZE
    }

    /// Goes over the entries.
    #[inline]
    pub fn iter(&self) -> Entries<'_> {
        let first = self.place(self.range.start);

        Entries {
            next: first,
            end: first.wrapping_add(self.len()),
            addr: self.range.start,
            vma: self.vma,
        }
    }
}

impl<'s> IntoIterator for &'s PteSlice<'_> {
    type Item = LockedPte<'s>;
    type IntoIter = Entries<'s>;

    #[inline]
    fn into_iter(self) -> Entries<'s> {
        self.iter()
    }
}

/// Goes over entries of a PTE table.
///
/// # Invariants
///
/// What is from `next` up to `end` are entries of a table that is locked during `'s`, and map a part
/// of `vma` from `addr` on.
pub struct Entries<'s> {
    next: *mut bindings::pte_t,
    end: *mut bindings::pte_t,
    addr: usize,
    vma: &'s VmaRef,
}

impl Entries<'_> {
    /// Returns the place of the next entry, if there is one.
    #[inline]
    pub(super) fn place(&self) -> *mut bindings::pte_t {
        self.next
    }
}

impl<'s> Iterator for Entries<'s> {
    type Item = LockedPte<'s>;

    #[inline]
    fn next(&mut self) -> Option<LockedPte<'s>> {
        if self.next == self.end {
            return None;
        }
        // INVARIANT: Read from the entry of the address.
        let entry = LockedPte {
            // SAFETY: An entry by the type invariants, and a word that is read at once.
            value: Pte::from_ffi(unsafe { self.next.read_volatile() }),
            addr: self.addr,
            vma: self.vma,
        };

        // INVARIANT: It was below `end`.
        self.next = self.next.wrapping_add(1);
        self.addr = self.addr.wrapping_add(PAGE_SIZE);
        Some(entry)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.end as usize - self.next as usize) / size_of::<bindings::pte_t>();

        (left, Some(left))
    }
}

impl ExactSizeIterator for Entries<'_> {}
impl FusedIterator for Entries<'_> {}
