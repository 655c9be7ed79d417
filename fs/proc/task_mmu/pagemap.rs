// SPDX-License-Identifier: GPL-2.0

//! Words of `/proc/PID/pagemap`: one for each page, see `Documentation/admin-guide/mm/pagemap.rst`.

use super::{held, is_watched};
use crate::mincore::take_first;
use core::ffi::c_int;
use kernel::{
    bindings,
    mm::{
        pgtable::{Pte, PteKind, PteLeaf},
        virt::VmaRef,
        walk::{Area, Chunk, HugePmd, LockedPte, MappedPage},
    },
    page::PAGE_SHIFT,
    prelude::*,
};

const SOFT_DIRTY: u64 = 1 << 55;
const EXCLUSIVE: u64 = 1 << 56;
const UFFD: u64 = 1 << 57;
const GUARD: u64 = 1 << 58;
const FILE: u64 = 1 << 61;
const SWAP: u64 = 1 << 62;
const PRESENT: u64 = 1 << 63;

/// Where the number of a page frame is, or of a place in swap.
const FRAME: u64 = (1 << 55) - 1;

/// How many bits of that are the swap area.
const AREA_BITS: u32 = bindings::MAX_SWAPFILES_SHIFT;

/// Writes words of the pagemap; see `include/linux/task_mmu.h`.
///
/// # Safety
///
/// `mm` must have users, its mmap lock be held, and `buffer` have room for so many words. `pos` must be
/// valid.
#[export]
pub(crate) unsafe extern "C" fn rust_pagemap(
    mm: *mut bindings::mm_struct,
    start: usize,
    end: usize,
    buffer: *mut u64,
    len: c_int,
    pos: *mut c_int,
    show_pfn: bool,
) -> c_int {
    // SAFETY: As the caller promises.
    let (lock, words, pos) = unsafe {
        (
            held(mm),
            core::slice::from_raw_parts_mut(buffer, usize::try_from(len).unwrap_or(0)),
            &mut *pos,
        )
    };
    let first = usize::try_from(*pos).unwrap_or(0);
    let mut left = words.get_mut(first..).unwrap_or_default();
    let before = left.len();

    for area in lock.areas(start..end) {
        match area {
            Area::Gap(range) => fill(&mut left, range.len(), 0),
            Area::Vma(vma, range) if vma.is_pfnmap() => {
                fill(&mut left, range.len(), Words::of(vma).common)
            }
            Area::Vma(vma, range) if show_pfn => {
                Words::of(vma).write::<true>(&mut left, range.start, range.end)
            }
            Area::Vma(vma, range) => {
                Words::of(vma).write::<false>(&mut left, range.start, range.end)
            }
        }
    }
    *pos = pos.wrapping_add(before.wrapping_sub(left.len()) as c_int);
    c_int::from(left.is_empty())
}

/// Takes the words of some bytes of address space, or as many as there are.
#[inline]
fn take<'w>(left: &mut &'w mut [u64], bytes: usize) -> &'w mut [u64] {
    take_first(left, bytes >> PAGE_SHIFT)
}

fn fill(left: &mut &mut [u64], bytes: usize, word: u64) {
    take(left, bytes).fill(word);
}

/// The words of a VMA; those with numbers of page frames if `PFN`.
struct Words<'a> {
    vma: &'a VmaRef,
    /// What all of them have
    common: u64,
}

impl<'a> Words<'a> {
    fn of(vma: &'a VmaRef) -> Self {
        let common = if vma.is_soft_dirty() { SOFT_DIRTY } else { 0 };

        Self { vma, common }
    }

    fn write<const PFN: bool>(&self, left: &mut &mut [u64], start: usize, end: usize) {
        let mut chunks = self.vma.chunks(start..end).split_puds();

        while let Some(chunk) = chunks.next_chunk() {
            match chunk {
                Chunk::Ptes(slice) => {
                    let part = take(left, slice.bytes());

                    for (entry, word) in slice.iter().zip(part) {
                        *word = self.pte::<PFN>(entry);
                    }
                }
                Chunk::Pmd(huge) => {
                    self.pmd::<PFN>(&huge, take(left, huge.range().len()));
                }
                #[cfg(CONFIG_HUGETLB_PAGE)]
                Chunk::Hugetlb(slot) => {
                    self.hugetlb::<PFN>(&slot, take(left, slot.range().len()));
                }
                Chunk::Hole(hole) => fill(left, hole.range.len(), self.common),
                // Was split.
                Chunk::Pud(huge) => fill(left, huge.range().len(), self.common),
            }
        }
    }

    #[inline]
    fn pte<const PFN: bool>(&self, entry: LockedPte<'_>) -> u64 {
        match entry.leaf() {
            Some(leaf) => self.present::<PFN>(entry, leaf),
            None if entry.is_none() => self.common,
            None => self.soft::<PFN>(entry.value(), entry.soft_page()),
        }
    }

    #[inline]
    fn present<const PFN: bool>(&self, entry: LockedPte<'_>, leaf: PteLeaf) -> u64 {
        let mut word = PRESENT | self.common;

        if PFN {
            word |= leaf.pfn() as u64 & FRAME;
        }
        if leaf.is_soft_dirty() {
            word |= SOFT_DIRTY;
        }
        if leaf.is_uffd() {
            word |= UFFD;
        }
        if let Some(page) = entry.page() {
            if !page.is_anon() {
                word |= FILE;
            }
            if page.mapcount() == 1 {
                word |= EXCLUSIVE;
            }
        }
        word
    }

    #[cold]
    fn soft<const PFN: bool>(&self, entry: Pte, page: Option<MappedPage<'_>>) -> u64 {
        let mut word = SWAP | self.common;

        if PFN {
            word |= place(entry.soft_numbers(), 0);
        }
        if entry.is_soft_dirty() {
            word |= SOFT_DIRTY;
        }
        if is_watched(entry) {
            word |= UFFD;
        }
        if matches!(entry.kind(), PteKind::Marker(marker) if marker.is_guard()) {
            word |= GUARD;
        }
        if page.is_some_and(|page| !page.is_anon()) {
            word |= FILE;
        }
        word
    }

    #[cold]
    fn pmd<const PFN: bool>(&self, huge: &HugePmd<'_>, part: &mut [u64]) {
        let entry = huge.value();
        let first = (huge.range().start & ((1 << bindings::PMD_SHIFT) - 1)) >> PAGE_SHIFT;
        let page = huge.page();
        let mut common = self.common;

        if entry.is_soft_dirty() {
            common |= SOFT_DIRTY;
        }
        if entry.is_uffd() {
            common |= UFFD;
        }
        if page.is_some_and(|page| !page.is_anon()) {
            common |= FILE;
        }
        let Some(leaf) = entry.leaf() else {
            for (index, word) in (first..).zip(part) {
                let frame = if PFN {
                    place(entry.soft_numbers(), index)
                } else {
                    0
                };
                *word = common | SWAP | frame;
            }
            return;
        };
        // As the counts of all pages of a folio are those of its first page here, it is asked once.
        if page.is_some_and(|page| page.mapcount() == 1) {
            common |= EXCLUSIVE;
        }
        for (index, word) in (first..).zip(part) {
            let frame = if PFN {
                leaf.pfn().wrapping_add(index) as u64 & FRAME
            } else {
                0
            };
            *word = common | PRESENT | frame;
        }
    }

    #[cfg(CONFIG_HUGETLB_PAGE)]
    #[cold]
    fn hugetlb<const PFN: bool>(&self, slot: &kernel::mm::walk::HugetlbSlot<'_>, part: &mut [u64]) {
        let entry = slot.lock();
        let value = entry.value();
        let mut common = self.common;
        let mut frame = None;

        if let Some(leaf) = value.leaf() {
            let first = (slot.range().start & (slot.page_size() - 1)) >> PAGE_SHIFT;

            common |= PRESENT;
            if let Some(page) = entry.page() {
                if !page.is_anon() {
                    common |= FILE;
                }
                if !page.is_maybe_shared() && !slot.is_table_shared() {
                    common |= EXCLUSIVE;
                }
            }
            if leaf.is_uffd() {
                common |= UFFD;
            }
            if PFN {
                frame = Some(leaf.pfn().wrapping_add(first));
            }
        } else if is_watched(value) {
            common |= UFFD;
        }
        for (index, word) in part.iter_mut().enumerate() {
            *word = common | frame.map_or(0, |frame| frame.wrapping_add(index) as u64 & FRAME);
        }
    }
}

/// A place in swap, or what else an entry holds that maps nothing, so many pages behind.
fn place((area, offset): (u64, u64), pages: usize) -> u64 {
    (area | offset.wrapping_add(pages as u64) << AREA_BITS) & FRAME
}
