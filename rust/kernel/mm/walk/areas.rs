// SPDX-License-Identifier: GPL-2.0

//! What VMAs there are in a range.

use super::{MmapReadGuard, VmaRef};
use core::{iter::FusedIterator, ops::Range};

/// A part of the address space.
pub enum Area<'a> {
    /// Of a VMA.
    Vma(&'a VmaRef, Range<usize>),
    /// Of none.
    Gap(Range<usize>),
}

/// Goes over the VMAs of a range, and what lies between them.
#[must_use = "iterators are lazy"]
pub struct Areas<'a> {
    lock: &'a MmapReadGuard<'a>,
    at: usize,
    end: usize,
    /// The first VMA that ends above `at`
    next: Option<&'a VmaRef>,
}

impl<'a> MmapReadGuard<'a> {
    /// Goes over the VMAs of a range, and what lies between them.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::mm::{walk::Area, MmapReadGuard};
    ///
    /// /// Counts the bytes of a range that are mapped.
    /// fn mapped(lock: &MmapReadGuard<'_>, range: core::ops::Range<usize>) -> usize {
    ///     lock.areas(range)
    ///         .map(|area| match area {
    ///             Area::Vma(_, part) => part.len(),
    ///             Area::Gap(_) => 0,
    ///         })
    ///         .sum()
    /// }
    /// ```
    #[inline]
    pub fn areas(&'a self, range: Range<usize>) -> Areas<'a> {
        Areas {
            lock: self,
            at: range.start,
            end: range.end,
            next: self.find_vma(range.start),
        }
    }
}

impl<'a> Iterator for Areas<'a> {
    type Item = Area<'a>;

    #[inline]
    fn next(&mut self) -> Option<Area<'a>> {
        if self.at >= self.end {
            return None;
        }
        let start = self.at;
        let vma = match self.next {
            Some(vma) if vma.start() <= start => vma,
            other => {
                self.at = other.map_or(self.end, |vma| vma.start().min(self.end));
                return Some(Area::Gap(start..self.at));
            }
        };

        self.at = vma.end().min(self.end);
        self.next = self.lock.find_vma(vma.end());
        Some(Area::Vma(vma, start..self.at))
    }
}

impl FusedIterator for Areas<'_> {}
