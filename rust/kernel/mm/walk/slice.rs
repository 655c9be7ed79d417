// SPDX-License-Identifier: GPL-2.0

//! Entries of one PTE table.

use crate::{
    bindings,
    mm::pgtable::{Pte, PteLock},
    page::PAGE_SIZE,
};
use core::{
    iter::FusedIterator,
    marker::PhantomData,
    ops::{Deref, DerefMut, Range},
};

/// Entries of one PTE table, which is locked.
///
/// They stay as they are, but for marks that the processor sets. It is not `Send`, and one may not
/// sleep before it is dropped.
///
/// # Invariants
///
/// `range` is not empty, its bounds are multiples of a page, and it lies in the block of the table.
#[must_use = "the table is unlocked at once if this is not bound"]
pub struct PteSlice<'a> {
    table: PteLock<'a>,
    range: Range<usize>,
}

impl<'a> PteSlice<'a> {
    /// Makes a slice of a locked table.
    ///
    /// # Safety
    ///
    /// The type invariants must hold.
    #[inline]
    pub(super) unsafe fn new(table: PteLock<'a>, range: Range<usize>) -> Self {
        // INVARIANT: As the caller promises.
        Self { table, range }
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

    /// Goes over the entries with their addresses.
    #[inline]
    pub fn iter(&self) -> Entries<'_> {
        let first = self.table.place(self.range.start);

        Entries {
            next: first,
            end: first.wrapping_add(self.len()),
            addr: self.range.start,
            _slice: PhantomData,
        }
    }
}

impl<'a> Deref for PteSlice<'a> {
    type Target = PteLock<'a>;

    #[inline]
    fn deref(&self) -> &PteLock<'a> {
        &self.table
    }
}

impl DerefMut for PteSlice<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.table
    }
}

impl<'s> IntoIterator for &'s PteSlice<'_> {
    type Item = (usize, Pte);
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
/// What is from `next` up to `end` are entries of a table that stays while `'s` lasts.
pub struct Entries<'s> {
    next: *mut bindings::pte_t,
    end: *mut bindings::pte_t,
    addr: usize,
    _slice: PhantomData<&'s ()>,
}

impl Iterator for Entries<'_> {
    type Item = (usize, Pte);

    #[inline]
    fn next(&mut self) -> Option<(usize, Pte)> {
        if self.next == self.end {
            return None;
        }
        // SAFETY: An entry by the type invariants, and a word that is read at once.
        let entry = Pte::from_ffi(unsafe { self.next.read_volatile() });
        let addr = self.addr;

        // INVARIANT: It was below `end`.
        self.next = self.next.wrapping_add(1);
        self.addr = addr.wrapping_add(PAGE_SIZE);
        Some((addr, entry))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.end as usize - self.next as usize) / size_of::<bindings::pte_t>();

        (left, Some(left))
    }
}

impl ExactSizeIterator for Entries<'_> {}
impl FusedIterator for Entries<'_> {}
