// SPDX-License-Identifier: GPL-2.0

//! `/proc/PID/clear_refs`: forgetting that pages were accessed, or written to.

use super::held;
use core::ffi::c_int;
use kernel::{
    bindings,
    mm::{
        virt::VmaRef,
        walk::{Area, Chunk, HugePmd, MmTlbFlush, PteSlice, TlbFlush},
    },
    prelude::*,
};

/// What to forget, as user space writes it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// That pages were accessed.
    Accessed,
    /// That they were accessed, of those that are mapped without a file.
    AccessedAnon,
    /// That they were accessed, of those that are mapped from a file.
    AccessedMapped,
    /// That they were written to.
    Written,
}

impl What {
    fn new(number: c_int) -> Option<Self> {
        match number {
            1 => Some(Self::Accessed),
            2 => Some(Self::AccessedAnon),
            3 => Some(Self::AccessedMapped),
            4 => Some(Self::Written),
            _ => None,
        }
    }

    fn concerns(self, vma: &VmaRef) -> bool {
        let has_file = vma.has_file();

        match self {
            _ if vma.is_pfnmap() => false,
            Self::AccessedAnon => !has_file,
            Self::AccessedMapped => has_file,
            Self::Accessed | Self::Written => true,
        }
    }
}

/// Forgets that pages were accessed or written to; see `include/linux/task_mmu.h`.
///
/// # Safety
///
/// `mm` must have users, and its mmap lock be held for writing. Before the caller releases it, it
/// flushes the TLBs, which it has told of by `inc_tlb_flush_pending()`.
#[export]
pub(crate) unsafe extern "C" fn rust_clear_refs(mm: *mut bindings::mm_struct, what: c_int) {
    let Some(what) = What::new(what) else {
        return;
    };
    // SAFETY: It can be asked at any time.
    if what == What::Written && !unsafe { bindings::pgtable_supports_soft_dirty() } {
        // No entry could tell of the next write: a fault for it would be for nothing.
        return;
    }
    // SAFETY: As the caller promises.
    let (lock, flush) = unsafe { (held(mm), MmTlbFlush::by_caller(mm)) };

    for area in lock.areas(0..usize::MAX) {
        let Area::Vma(vma, range) = area else {
            continue;
        };
        // Faults take the lock of the VMA only.
        // SAFETY: The mmap lock is held for writing.
        unsafe { bindings::vma_start_write(vma.as_ptr()) };
        if !what.concerns(vma) {
            continue;
        }
        let mut chunks = vma.chunks(range).split_puds();

        while let Some(chunk) = chunks.next_chunk() {
            match (chunk, what) {
                (Chunk::Ptes(mut slice), What::Written) => {
                    clear_soft_dirty(&mut slice).covered_by(&flush);
                }
                (Chunk::Ptes(mut slice), _) => clear_young(&mut slice),
                (Chunk::Pmd(mut huge), What::Written) => huge.clear_soft_dirty(),
                (Chunk::Pmd(mut huge), _) => clear_huge_young(&mut huge),
                _ => {}
            }
        }
    }
}

fn clear_soft_dirty<'a>(slice: &mut PteSlice<'a>) -> TlbFlush<'a> {
    let vma = slice.vma();
    let may_be_pinned = vma.is_cow_mapping() && vma.mm().has_pinned();

    // The processor may write to a page that is pinned all the time, and must be able to.
    slice.clear_soft_dirty(|entry| {
        may_be_pinned
            && entry.leaf().is_some_and(|leaf| leaf.is_writable())
            && entry.page().is_some_and(|page| page.is_maybe_pinned())
    })
}

fn clear_young(slice: &mut PteSlice<'_>) {
    slice.clear_young(|entry| {
        let page = entry.page();

        if let Some(page) = page {
            page.clear_referenced();
        }
        page.is_some()
    });
}

fn clear_huge_young(huge: &mut HugePmd<'_>) {
    if !huge.value().is_present() || huge.page().is_none() {
        return;
    }
    huge.clear_young();
    if let Some(page) = huge.page() {
        page.clear_referenced();
    }
}
