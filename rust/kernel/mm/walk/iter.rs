// SPDX-License-Identifier: GPL-2.0

//! Walks by entries.

use super::{
    Area, Areas, Chunk, Chunks, Entry, HugePmd, Item, Level, MmapReadGuard, PteSlice, VmaRef,
};
use crate::{
    mm::pgtable::{PmdLeaf, Pte},
    page::PAGE_SIZE,
};
use core::{iter::FusedIterator, ops::Range};

mod private {
    pub trait Sealed {}
}

/// What a walk holds between two entries.
pub trait Hold: private::Sealed {
    /// The entries of one table.
    #[doc(hidden)]
    type Table<'a>: Table<'a>;

    /// What is kept of a huge page while it, or its pages, are yielded.
    #[doc(hidden)]
    type Huge<'a>;

    #[doc(hidden)]
    fn keep(huge: HugePmd<'_>) -> Self::Huge<'_>;
}

/// Nothing: one may sleep between two entries. What is yielded is a copy, which may be outdated.
pub enum Nothing {}

/// The lock of the table that the entry is in: one may not sleep, and the entry stays as it is until
/// the next one is asked for. So does the entry of a huge page of 2 MiB, while it or its pages are
/// yielded.
///
/// Entries of PUD tables and those of hugetlb are yielded as copies.
pub enum TableLock {}

impl private::Sealed for Nothing {}
impl private::Sealed for TableLock {}

impl Hold for Nothing {
    type Table<'a> = Copies;
    type Huge<'a> = ();

    #[inline]
    fn keep(_huge: HugePmd<'_>) {}
}

impl Hold for TableLock {
    type Table<'a> = Locked<'a>;
    type Huge<'a> = HugePmd<'a>;

    #[inline]
    fn keep(huge: HugePmd<'_>) -> HugePmd<'_> {
        huge
    }
}

/// The entries of one table.
#[doc(hidden)]
pub trait Table<'a> {
    fn open(slice: PteSlice<'a>) -> Self;
    fn next(&mut self) -> Option<(usize, Pte)>;
    /// Where the next entry is, even if this has no more.
    fn at(&self) -> usize;
}

const COPIES: usize = 16;

/// Copies of some entries.
#[doc(hidden)]
pub struct Copies {
    entries: [Pte; COPIES],
    count: usize,
    next: usize,
    start: usize,
}

impl<'a> Table<'a> for Copies {
    #[inline]
    fn open(slice: PteSlice<'a>) -> Self {
        let mut copies = Self {
            entries: [Pte::NONE; COPIES],
            count: slice.len().min(COPIES),
            next: 0,
            start: slice.start(),
        };

        for (copy, entry) in copies.entries.iter_mut().zip(&slice) {
            *copy = entry.value();
        }
        copies
    }

    #[inline]
    fn next(&mut self) -> Option<(usize, Pte)> {
        let entry = self.entries.get(..self.count)?.get(self.next)?;
        let addr = self.at();

        self.next = self.next.wrapping_add(1);
        Some((addr, *entry))
    }

    #[inline]
    fn at(&self) -> usize {
        self.start.wrapping_add(self.next * PAGE_SIZE)
    }
}

/// A table that is locked.
#[doc(hidden)]
pub struct Locked<'a> {
    slice: PteSlice<'a>,
    at: usize,
}

impl<'a> Table<'a> for Locked<'a> {
    #[inline]
    fn open(slice: PteSlice<'a>) -> Self {
        let at = slice.start();

        Self { slice, at }
    }

    #[inline]
    fn next(&mut self) -> Option<(usize, Pte)> {
        let addr = self.at;
        let entry = self.slice.get(addr)?.value();

        self.at = addr.wrapping_add(PAGE_SIZE);
        Some((addr, entry))
    }

    #[inline]
    fn at(&self) -> usize {
        self.at
    }
}

/// What is done about huge pages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Huge {
    Yield,
    Split,
    Descend,
}

/// The pages of a huge page, as if each had an entry of its own.
struct Pages<'a, H: Hold> {
    leaf: PmdLeaf,
    range: Range<usize>,
    _hold: H::Huge<'a>,
}

/// A walk by entries; `H` says what it holds between two of them. See [`Walk`] and [`LockedWalk`].
///
/// Without more, leaves of all levels are yielded, but no holes.
#[must_use = "iterators are lazy"]
pub struct WalkHolding<'a, H: Hold> {
    areas: Option<Areas<'a>>,
    chunks: Option<Chunks<'a>>,
    table: Option<H::Table<'a>>,
    pages: Option<Pages<'a, H>>,
    last: Option<Pages<'a, H>>,
    holes: bool,
    huge: Huge,
    filter: Option<fn(&VmaRef) -> bool>,
}

/// A walk that holds nothing between two entries: one may sleep.
///
/// # Examples
///
/// ```
/// use kernel::mm::{walk::Entry, MmapReadGuard};
///
/// /// Tells how much of a range is mapped by what, and how much is not mapped.
/// fn sizes(lock: &MmapReadGuard<'_>, range: core::ops::Range<usize>) -> (usize, usize, usize) {
///     let (mut small, mut huge, mut holes) = (0, 0, 0);
///
///     for item in lock.walk(range).holes() {
///         let size = item.end - item.addr;
///
///         match item.entry {
///             Entry::Pte(_) => small += size,
///             Entry::Pmd(_) | Entry::Pud(_) | Entry::Hugetlb(_) => huge += size,
///             Entry::Hole(_) => holes += size,
///         }
///     }
///     (small, huge, holes)
/// }
/// ```
pub type Walk<'a> = WalkHolding<'a, Nothing>;

/// A walk that holds the lock of the table: one may not sleep.
///
/// # Examples
///
/// ```
/// use kernel::mm::{virt::VmaRef, walk::Entry};
///
/// /// Finds the first page of a VMA that was written to.
/// fn first_dirty(vma: &VmaRef) -> Option<usize> {
///     vma.walk(vma.start()..vma.end())
///         .locked()
///         .pages()
///         .find(|item| match item.entry {
///             Entry::Pte(entry) => entry.leaf().is_some_and(|leaf| leaf.is_dirty()),
///             _ => false,
///         })
///         .map(|item| item.addr)
/// }
/// ```
pub type LockedWalk<'a> = WalkHolding<'a, TableLock>;

impl VmaRef {
    /// Walks the part of this VMA that lies in `range`, entry by entry.
    #[inline]
    pub fn walk(&self, range: Range<usize>) -> Walk<'_> {
        Walk::new(None, Some(self.chunks(range)))
    }
}

impl<'a> MmapReadGuard<'a> {
    /// Walks all VMAs of a range, entry by entry.
    #[inline]
    pub fn walk(&'a self, range: Range<usize>) -> Walk<'a> {
        Walk::new(Some(self.areas(range)), None)
    }
}

impl<'a> Walk<'a> {
    fn new(areas: Option<Areas<'a>>, chunks: Option<Chunks<'a>>) -> Self {
        Self {
            areas,
            chunks,
            table: None,
            pages: None,
            last: None,
            holes: false,
            huge: Huge::Yield,
            filter: None,
        }
    }

    /// Has the table that an entry is in be locked until the next one is asked for. A walk that is
    /// under way goes on where it is; what is left of a huge page whose pages were being yielded comes
    /// as a whole, unless all pages were asked for.
    #[inline]
    pub fn locked(mut self) -> LockedWalk<'a> {
        let at = match (&self.table, &self.pages) {
            (Some(table), _) => Some(table.at()),
            (None, Some(pages)) => Some(pages.range.start),
            (None, None) => None,
        };

        if let (Some(at), Some(chunks)) = (at, self.chunks.as_mut()) {
            chunks.resume(at);
        }
        WalkHolding {
            areas: self.areas,
            chunks: self.chunks,
            table: None,
            pages: None,
            last: None,
            holes: self.holes,
            huge: self.huge,
            filter: self.filter,
        }
    }
}

impl<'a, H: Hold> WalkHolding<'a, H> {
    /// Has holes be yielded, those between VMAs too. Holes that touch each other come in pieces: an
    /// entry of a PTE table that is none is a hole of its own.
    #[inline]
    pub fn holes(mut self) -> Self {
        self.holes = true;
        self
    }

    /// Has huge pages of VMAs be split, so that there are entries of PTE tables only, but for
    /// hugetlb.
    #[inline]
    pub fn split(mut self) -> Self {
        self.huge = Huge::Split;
        self.chunks = self.chunks.map(Chunks::split_puds);
        self
    }

    /// Has each page of a huge page of 2 MiB be yielded as if it had an entry of its own.
    #[inline]
    pub fn pages(mut self) -> Self {
        self.huge = Huge::Descend;
        self
    }

    /// Has VMAs be left out.
    #[inline]
    pub fn only(mut self, filter: fn(&VmaRef) -> bool) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Leaves the rest of the table, or huge page, that the last entry was in.
    #[inline]
    pub fn skip_table(&mut self) {
        const LAST: usize = crate::mm::pgtable::TABLE_SPAN - 1;

        self.pages = None;
        if let (Some(table), Some(chunks)) = (self.table.take(), self.chunks.as_mut()) {
            // One past an entry that was yielded, which is the end of the block at most.
            let last = table.at().wrapping_sub(1);

            drop(table);
            chunks.seek((last | LAST).saturating_add(1));
        }
    }

    /// Goes on with the pages of the entry that was yielded last, if that was of a huge page of
    /// 2 MiB, as if each page had an entry of its own.
    #[inline]
    pub fn descend(&mut self) {
        self.pages = self.last.take();
    }

    fn vma(&self) -> Option<&'a VmaRef> {
        self.chunks.as_ref().map(Chunks::vma)
    }

    fn item(&self, range: Range<usize>, entry: Entry) -> Item<'a> {
        Item {
            addr: range.start,
            end: range.end,
            vma: self.vma(),
            entry,
        }
    }

    fn page(&mut self) -> Option<Item<'a>> {
        let pages = self.pages.as_mut()?;
        let addr = pages.range.start;

        if addr >= pages.range.end {
            self.pages = None;
            return None;
        }
        let end = addr.wrapping_add(PAGE_SIZE);
        let entry = pages.leaf.page(addr);

        pages.range.start = end;
        Some(self.item(addr..end, Entry::Pte(entry)))
    }

    /// Yields the next entry of the table that is open, if there is one.
    #[inline]
    fn pte(&mut self) -> Option<Item<'a>> {
        loop {
            let table = self.table.as_mut()?;

            match table.next() {
                Some((addr, entry)) => {
                    let range = addr..addr.wrapping_add(PAGE_SIZE);

                    if !entry.is_none() {
                        return Some(self.item(range, Entry::Pte(entry)));
                    }
                    if self.holes {
                        return Some(self.item(range, Entry::Hole(Level::Pte)));
                    }
                }
                None => {
                    let at = table.at();

                    self.table = None;
                    // Of a table that was copied in part there is more.
                    if let Some(chunks) = self.chunks.as_mut() {
                        chunks.resume(at);
                    }
                    return None;
                }
            }
        }
    }

    fn huge(&mut self, huge: HugePmd<'a>) -> Option<Item<'a>> {
        let (value, range) = (huge.value(), huge.range());
        let leaf = value.leaf();

        match (self.huge, leaf) {
            (Huge::Split, _) => {
                drop(huge);
                if let Some(chunks) = self.chunks.as_mut() {
                    chunks.split_last();
                }
                return None;
            }
            (Huge::Descend, Some(leaf)) => {
                let _hold = H::keep(huge);

                self.pages = Some(Pages { leaf, range, _hold });
                return None;
            }
            _ => {}
        }
        let _hold = H::keep(huge);

        self.last = leaf.map(|leaf| Pages {
            leaf,
            range: range.clone(),
            _hold,
        });
        Some(self.item(range, Entry::Pmd(value)))
    }

    fn chunk(&mut self, chunk: Chunk<'a>) -> Option<Item<'a>> {
        match chunk {
            Chunk::Ptes(slice) => {
                self.table = Some(H::Table::open(slice));
                None
            }
            Chunk::Pmd(huge) => self.huge(huge),
            Chunk::Pud(huge) => Some(self.item(huge.range(), Entry::Pud(huge.value()))),
            #[cfg(CONFIG_HUGETLB_PAGE)]
            Chunk::Hugetlb(slot) => {
                let value = slot.lock().value();
                let entry = match value.is_none() {
                    true if self.holes => Entry::Hole(Level::Pte),
                    true => return None,
                    false => Entry::Hugetlb(value),
                };
                Some(self.item(slot.range(), entry))
            }
            Chunk::Hole(hole) => self
                .holes
                .then(|| self.item(hole.range, Entry::Hole(hole.level))),
        }
    }

    /// Goes on to the next VMA. Returns `None` when there is nothing more.
    fn area(&mut self) -> Option<Option<Item<'a>>> {
        self.chunks = None;
        match self.areas.as_mut()?.next()? {
            Area::Gap(range) => Some(
                self.holes
                    .then(|| self.item(range, Entry::Hole(Level::Pgd))),
            ),
            Area::Vma(vma, range) => {
                if self.filter.is_none_or(|wants| wants(vma)) {
                    let chunks = vma.chunks(range);

                    self.chunks = Some(match self.huge {
                        Huge::Split => chunks.split_puds(),
                        _ => chunks,
                    });
                }
                Some(None)
            }
        }
    }
}

impl<'a, H: Hold> Iterator for WalkHolding<'a, H> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        self.last = None;
        loop {
            if let Some(item) = self.pte() {
                return Some(item);
            }
            if let Some(item) = self.page() {
                return Some(item);
            }
            let next = self.chunks.as_mut().and_then(Chunks::advance);
            let item = match next {
                Some(chunk) => self.chunk(chunk),
                None => self.area()?,
            };
            if item.is_some() {
                return item;
            }
        }
    }
}

impl<H: Hold> FusedIterator for WalkHolding<'_, H> {}
