// SPDX-License-Identifier: GPL-2.0

//! `/proc/PID/clear_refs`: forgetting that pages were accessed, or written to.

use super::{held, is_pfnmap};
use core::ffi::c_int;
use kernel::{
    bindings,
    mm::{
        virt::VmaRef,
        walk::{Area, Chunk, HugePmd, PteSlice},
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
        // SAFETY: The VMA is valid.
        let has_file = unsafe { bindings::vma_has_file(vma.as_ptr()) };

        match self {
            _ if is_pfnmap(vma) => false,
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
/// `mm` must have users, and its mmap lock be held for writing. The caller flushes the TLBs.
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
    let lock = unsafe { held(mm) };

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
                (Chunk::Ptes(mut slice), What::Written) => forget_writes(vma, &mut slice),
                (Chunk::Ptes(mut slice), _) => forget_accesses(vma, &mut slice),
                (Chunk::Pmd(huge), What::Written) => {
                    // SAFETY: The caller flushes the TLBs.
                    unsafe { huge.forget_writes(vma) }
                }
                (Chunk::Pmd(huge), _) => forget_huge_accesses(vma, &huge),
                _ => {}
            }
        }
    }
}

fn forget_writes(vma: &VmaRef, slice: &mut PteSlice<'_>) {
    // SAFETY: The VMA and its mm are valid.
    let may_be_pinned = unsafe {
        bindings::vma_is_cow_mapping(vma.as_ptr()) && bindings::mm_has_pinned(vma.mm().as_raw())
    };

    // SAFETY: The caller of the walk flushes the TLBs.
    unsafe {
        slice.update_each(|slice, addr, entry| {
            if entry.is_none() {
                return entry;
            }
            // The processor may write to a page that is pinned all the time, and must be able to.
            let pinned = may_be_pinned
                && entry.leaf().is_some_and(|leaf| {
                    leaf.is_writable()
                        && slice
                            .page(vma, addr, leaf)
                            .is_some_and(|page| page.is_maybe_pinned())
                });

            if pinned {
                entry
            } else {
                entry.without_writes()
            }
        })
    }
}

fn forget_accesses(vma: &VmaRef, slice: &mut PteSlice<'_>) {
    // SAFETY: Only the mark of age changes; that a TLB knows it still does no harm.
    unsafe {
        slice.update_each(|slice, addr, entry| {
            let page = entry.leaf().and_then(|leaf| slice.page(vma, addr, leaf));

            match page {
                Some(page) => {
                    page.clear_referenced();
                    entry.without_accesses()
                }
                None => entry,
            }
        })
    }
}

fn forget_huge_accesses(vma: &VmaRef, huge: &HugePmd<'_>) {
    if !huge.value().is_present() {
        return;
    }
    if let Some(page) = huge.page(vma) {
        huge.clear_young(vma);
        page.clear_referenced();
    }
}
