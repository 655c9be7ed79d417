// SPDX-License-Identifier: GPL-2.0

//! Walks by whole tables.

use super::{HugePmd, HugePud, Level, Place, PteSlice, VmaRef};
#[cfg(CONFIG_HUGETLB_PAGE)]
use super::{HugetlbSlot, HugetlbVma};
use crate::{
    bindings,
    mm::pgtable::{is_hugetlb, PmdSlot, PudKind, PudSlot, TABLE_SPAN},
};
use core::ops::Range;

/// A part of a VMA that has no table: nothing is mapped there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The addresses. Holes that touch each other may come in pieces.
    pub range: Range<usize>,
    /// The highest level at which it has no table.
    pub level: Level,
}

/// What a walk finds at once, with the guard that it is looked at under.
#[must_use = "a chunk holds locks"]
pub enum Chunk<'a> {
    /// Entries of a PTE table.
    Ptes(PteSlice<'a>),
    /// An entry of a PMD table: a huge page, or what is in place of one.
    Pmd(HugePmd<'a>),
    /// An entry of a PUD table: a huge page.
    Pud(HugePud<'a>),
    /// The place of a page in a hugetlb VMA, which is locked against tables being shared or not, so
    /// that one may sleep still.
    #[cfg(CONFIG_HUGETLB_PAGE)]
    Hugetlb(HugetlbSlot<'a>),
    /// Nothing.
    Hole(Hole),
}

/// Walks a part of a VMA, a table at a time.
///
/// A chunk is also a guard: one may not sleep before it is dropped, but for holes and
/// [`Chunk::Hugetlb`]. In between the walk holds nothing, and may sleep itself: a chunk borrows it, so
/// that no two can be held at once.
///
/// # Examples
///
/// ```
/// use kernel::mm::{virt::VmaRef, walk::Chunk};
///
/// /// Counts the pages of a VMA that are in memory.
/// fn resident(vma: &VmaRef) -> usize {
///     let mut pages = 0;
///     let mut chunks = vma.chunks(vma.start()..vma.end());
///
///     while let Some(chunk) = chunks.next_chunk() {
///         pages += match chunk {
///             Chunk::Ptes(slice) => slice.iter().filter(|entry| entry.is_present()).count(),
///             Chunk::Pmd(huge) if huge.value().is_present() => huge.range().len() >> 12,
///             _ => 0,
///         };
///     }
///     pages
/// }
/// ```
///
/// # Invariants
///
/// `at..end` is a part of the VMA, in whole pages. `slot`, if there is one, is the entry of `at`.
/// `huge`, if there is one, is an address of the walk, and its entry.
#[must_use = "a walk does nothing before it is asked for chunks"]
pub struct Chunks<'a> {
    vma: &'a VmaRef,
    at: usize,
    end: usize,
    slot: Option<PmdSlot<'a>>,
    /// The huge page that was yielded last, if that was one of 2 MiB.
    huge: Option<(usize, PmdSlot<'a>)>,
    hugetlb: bool,
    split_puds: bool,
}

impl VmaRef {
    /// Walks the part of this VMA that lies in `range`, a table at a time.
    #[inline]
    pub fn chunks(&self, range: Range<usize>) -> Chunks<'_> {
        // INVARIANT: The bounds of a VMA are multiples of a page, and so are those made here.
        let at = (range.start & crate::page::PAGE_MASK).max(self.start());
        let end = range
            .end
            .min(self.end())
            .checked_next_multiple_of(crate::page::PAGE_SIZE)
            .unwrap_or(self.end());

        Chunks {
            vma: self,
            at,
            end,
            slot: None,
            huge: None,
            hugetlb: is_hugetlb(self),
            split_puds: false,
        }
    }
}

impl<'a> Chunks<'a> {
    /// Has huge pages of 1 GiB be split instead of yielded.
    #[inline]
    pub fn split_puds(mut self) -> Self {
        self.split_puds = true;
        self
    }

    /// The VMA.
    #[inline]
    pub fn vma(&self) -> &'a VmaRef {
        self.vma
    }

    /// Where the next chunk starts.
    #[inline]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Goes on at an address of the part that is walked instead; if it lies behind that, the walk is
    /// over.
    #[inline]
    pub fn seek(&mut self, addr: usize) {
        // INVARIANT: A walk of one table that starts in the middle has no use for the slot.
        self.slot = None;
        self.at = (addr & crate::page::PAGE_MASK).clamp(self.at.min(self.end), self.end);
    }

    /// Goes back to an address that was passed already, of the table that was yielded last.
    #[inline]
    pub(super) fn resume(&mut self, addr: usize) {
        if addr < self.at {
            // INVARIANT: It was part of the walk; the slot is found again from the root.
            self.slot = None;
            self.at = addr;
        }
    }

    /// Splits what was yielded last, if that was a huge page of 2 MiB: its pages come next.
    pub fn split_last(&mut self) {
        let Some((start, slot)) = self.huge.take() else {
            return;
        };

        // SAFETY: The VMA is valid, and the entry one of its own. Its lock is not held, as who holds
        // it borrows the walk.
        unsafe { bindings::split_huge_pmd(self.vma.as_ptr(), slot.cell().as_raw(), start) };
        // INVARIANT: It was the slot of `start`, which is a part of the walk.
        self.at = start;
        self.slot = Some(slot);
    }

    /// Goes on to the next chunk.
    #[inline]
    pub fn next_chunk(&mut self) -> Option<Chunk<'_>> {
        self.advance()
    }

    /// Takes what lies below `end` off the range that is left.
    #[inline]
    fn take(&mut self, end: usize) -> Range<usize> {
        let start = self.at;
        let end = end.min(self.end);

        self.at = end;
        start..end
    }

    /// Takes what lies up to `last`, an address that has no address after it maybe.
    #[inline]
    fn take_through(&mut self, last: usize) -> Range<usize> {
        self.take(last.checked_add(1).unwrap_or(usize::MAX))
    }

    /// Takes the block of `at`, and remembers the slot of the next.
    #[inline]
    fn take_block(&mut self, slot: PmdSlot<'a>) -> Range<usize> {
        let taken = self.take_through(self.at | (TABLE_SPAN - 1));

        // INVARIANT: The slot of the block behind.
        self.slot = slot.next();
        taken
    }

    /// Takes what has no tables of `slot` on, as far as the PMD table goes.
    fn take_hole(&mut self, mut slot: PmdSlot<'a>) -> Hole {
        let start = self.at;

        loop {
            let end = self.take_block(slot).end;
            match self.slot {
                Some(next) if self.at < self.end && next.cell().read().is_none() => slot = next,
                _ => {
                    return Hole {
                        range: start..end,
                        level: Level::Pmd,
                    }
                }
            }
        }
    }

    /// Locks a huge page of 1 GiB, if it is still one.
    #[cold]
    fn pud(&mut self, slot: PudSlot<'a>) -> Option<HugePud<'a>> {
        if self.split_puds {
            // SAFETY: The VMA is valid, and the entry one of its own.
            unsafe { bindings::split_huge_pud(self.vma.as_ptr(), slot.as_raw(), self.at) };
            return None;
        }
        let lock = slot.lock();
        let value = slot.read();

        match value.kind() {
            PudKind::Present(_) => {}
            PudKind::None | PudKind::Table => return None,
            PudKind::Bad => {
                // SAFETY: The entry can be read, and its lock is held.
                unsafe { bindings::pud_none_or_clear_bad(slot.as_raw()) };
                return None;
            }
        }
        let range = self.take_through(self.at | ((1 << bindings::PUD_SHIFT) - 1));
        Some(HugePud { lock, value, range })
    }

    /// Locks what a PMD entry is or points to, if it is still the same.
    #[inline]
    fn pmd(&mut self, slot: PmdSlot<'a>) -> Option<Chunk<'a>> {
        let value = slot.cell().read();

        if value.is_none() {
            return Some(Chunk::Hole(self.take_hole(slot)));
        }
        if value.is_huge() {
            return self.huge_pmd(slot);
        }
        // What is no table either is reported, and none after that.
        let table = slot.map_lock(self.at)?;
        let range = self.take_block(slot);
        // SAFETY: A part of the walk, so of the VMA, and of the block of the table.
        Some(Chunk::Ptes(unsafe {
            PteSlice::new(table, self.vma, range)
        }))
    }

    fn huge_pmd(&mut self, slot: PmdSlot<'a>) -> Option<Chunk<'a>> {
        let lock = slot.lock();
        let value = slot.cell().read();

        if !value.is_huge() {
            return None;
        }
        let range = self.take_block(slot);

        // INVARIANT: The slot is that of all addresses of the block.
        self.huge = Some((range.start, slot));
        Some(Chunk::Pmd(HugePmd {
            lock,
            vma: self.vma,
            value,
            range,
        }))
    }

    #[inline]
    fn look(&mut self) -> Option<Chunk<'a>> {
        if let Some(slot) = self.slot {
            return self.pmd(slot);
        }
        // SAFETY: The VMA is locked in some way as there is a reference, which keeps all its tables
        // but PTE tables; it is not of hugetlb.
        match unsafe { Place::of(self.vma.mm().as_raw(), self.at) } {
            Place::Hole { level, last } => {
                let range = self.take_through(last);

                Some(Chunk::Hole(Hole { range, level }))
            }
            Place::Pud(slot) => self.pud(slot).map(Chunk::Pud),
            Place::Pmd(slot) => self.pmd(slot),
        }
    }

    #[cfg(CONFIG_HUGETLB_PAGE)]
    #[cold]
    fn hugetlb(&mut self) -> Chunk<'a> {
        // SAFETY: The VMA is of hugetlb, and locked as there is a reference.
        let vma = unsafe { HugetlbVma::from_raw(self.vma.as_ptr()) };
        let range = self.take(vma.entry_end(self.at));

        match HugetlbSlot::find(vma, range.clone()) {
            Some(slot) => Chunk::Hugetlb(slot),
            None => Chunk::Hole(Hole {
                range,
                level: Level::Pmd,
            }),
        }
    }

    #[cfg(not(CONFIG_HUGETLB_PAGE))]
    fn hugetlb(&mut self) -> Chunk<'a> {
        let range = self.take(self.end);

        Chunk::Hole(Hole {
            range,
            level: Level::Pmd,
        })
    }

    /// The same, for who has dropped the chunk before.
    #[inline]
    pub(super) fn advance(&mut self) -> Option<Chunk<'a>> {
        self.huge = None;
        while self.at < self.end {
            // SAFETY: Nothing is held that forbids to sleep.
            unsafe { bindings::cond_resched() };
            if self.hugetlb {
                return Some(self.hugetlb());
            }
            if let Some(chunk) = self.look() {
                return Some(chunk);
            }
            // Somebody has put something else there.
            self.slot = None;
        }
        None
    }
}
