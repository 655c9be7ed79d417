// SPDX-License-Identifier: GPL-2.0

//! What a walk finds at an address.

use super::{Level, VmaRef};
use crate::mm::pgtable::{Pmd, Pte, Pud};

/// An entry of some level, or none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// An entry of a PTE table.
    Pte(Pte),
    /// An entry of a PMD table that does not point to a PTE table.
    Pmd(Pmd),
    /// An entry of a PUD table that does not point to a PMD table.
    Pud(Pud),
    /// The entry of a page in a hugetlb VMA, of whatever size those are.
    Hugetlb(Pte),
    /// No entry, from this level down.
    Hole(Level),
}

/// An entry and where it is.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    /// The first address that it stands for and is walked.
    pub addr: usize,
    /// The first address behind.
    pub end: usize,
    /// The VMA, if there is one.
    pub vma: Option<&'a VmaRef>,
    /// What it is.
    pub entry: Entry,
}
