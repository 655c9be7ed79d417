// SPDX-License-Identifier: GPL-2.0

//! Huge pages, and what stands in place of them.

use super::VmaRef;
use crate::mm::pgtable::{Pmd, PmdLock, Pud, PudLock};
use core::ops::Range;

/// An entry of a PMD table that does not point to a PTE table, and is locked.
///
/// It stays as it is, but for marks that the processor sets. It is not `Send`, and one may not sleep
/// before it is dropped.
///
/// # Invariants
///
/// `value` was read from the entry under its lock, and `range` is a part of `vma` that it stands for.
#[must_use = "the entry is unlocked at once if this is not bound"]
pub struct HugePmd<'a> {
    pub(super) lock: PmdLock<'a>,
    pub(super) vma: &'a VmaRef,
    pub(super) value: Pmd,
    pub(super) range: Range<usize>,
}

impl<'a> HugePmd<'a> {
    /// What the entry is.
    #[inline]
    pub fn value(&self) -> Pmd {
        self.value
    }

    /// Returns the VMA.
    #[inline]
    pub fn vma(&self) -> &'a VmaRef {
        self.vma
    }

    /// Which part of the 2 MiB is walked.
    #[inline]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The lock, which knows the place of the entry.
    #[inline]
    pub fn lock(&self) -> &PmdLock<'a> {
        &self.lock
    }
}

/// An entry of a PUD table that does not point to a PMD table, and is locked.
///
/// As [`HugePmd`], of 1 GiB.
#[must_use = "the entry is unlocked at once if this is not bound"]
pub struct HugePud<'a> {
    pub(super) lock: PudLock<'a>,
    pub(super) value: Pud,
    pub(super) range: Range<usize>,
}

impl<'a> HugePud<'a> {
    /// What the entry is.
    #[inline]
    pub fn value(&self) -> Pud {
        self.value
    }

    /// Which part of the 1 GiB is walked.
    #[inline]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The lock, which knows the place of the entry.
    #[inline]
    pub fn lock(&self) -> &PudLock<'a> {
        &self.lock
    }
}
