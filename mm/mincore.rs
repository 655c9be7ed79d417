// SPDX-License-Identifier: GPL-2.0

//! Which pages are in memory: mincore().

use core::ffi::c_int;
use kernel::{
    bindings,
    mm::{
        pgtable::{Pte, PteKind},
        virt::VmaRef,
        walk::Chunk,
    },
    page::{PAGE_SHIFT, PAGE_SIZE},
    prelude::*,
};

/// Writes a byte for each page of a part of a VMA: 1 if it is in memory.
///
/// # Safety
///
/// `vma` must be valid, the mmap lock held, the range be a part of the VMA in whole pages, and `vec`
/// point to a byte for each page.
#[export]
pub(crate) unsafe extern "C" fn rust_mincore(
    vma: *mut bindings::vm_area_struct,
    start: usize,
    end: usize,
    vec: *mut u8,
) -> c_int {
    let pages = end.saturating_sub(start) >> PAGE_SHIFT;
    // SAFETY: As the caller promises.
    let (vma, vec) = unsafe {
        (
            VmaRef::from_raw(vma),
            core::slice::from_raw_parts_mut(vec, pages),
        )
    };

    residency(vma, start, vec);
    0
}

fn residency(vma: &VmaRef, start: usize, mut vec: &mut [u8]) {
    let backed = vma.has_file();
    let end = start.saturating_add(vec.len() << PAGE_SHIFT);

    let mut chunks = vma.chunks(start..end);

    while let Some(chunk) = chunks.next_chunk() {
        match chunk {
            Chunk::Ptes(slice) => {
                for (entry, byte) in slice.iter().zip(take_first(&mut vec, slice.len())) {
                    *byte = if entry.is_present() {
                        1
                    } else {
                        absent(vma, entry.addr(), entry.value(), backed)
                    };
                }
            }
            Chunk::Hole(hole) => {
                let part = take_first(&mut vec, hole.range.len() >> PAGE_SHIFT);

                if backed {
                    unmapped(vma, hole.range.start, part);
                } else {
                    part.fill(0);
                }
            }
            Chunk::Pmd(huge) => take_first(&mut vec, huge.range().len() >> PAGE_SHIFT).fill(1),
            Chunk::Pud(huge) => take_first(&mut vec, huge.range().len() >> PAGE_SHIFT).fill(1),
            #[cfg(CONFIG_HUGETLB_PAGE)]
            Chunk::Hugetlb(slot) => {
                let entry = slot.lock().value();
                let resident = !entry.is_none() && !matches!(entry.kind(), PteKind::Marker(_));

                take_first(&mut vec, slot.range().len() >> PAGE_SHIFT).fill(u8::from(resident));
            }
        }
    }
}

/// Takes the first of what is left, or as many as there are.
#[inline]
pub(crate) fn take_first<'v, T>(left: &mut &'v mut [T], count: usize) -> &'v mut [T] {
    let all = core::mem::take(left);
    let (part, rest) = all.split_at_mut(count.min(all.len()));

    *left = rest;
    part
}

/// Tells of a page that is not mapped.
#[inline]
fn absent(vma: &VmaRef, addr: usize, entry: Pte, backed: bool) -> u8 {
    match entry.kind() {
        // A marker is no page; there may be one all the same.
        PteKind::None | PteKind::Marker(_) => {
            let mut byte = [0];

            if backed {
                unmapped(vma, addr, &mut byte);
            }
            let [byte] = byte;
            byte
        }
        // SAFETY: The table that the entry is in is locked, which keeps the swap area.
        PteKind::Swap(swap) => unsafe {
            bindings::mincore_swapped(u32::from(swap.area), swap.offset)
        },
        _ => 1,
    }
}

/// Tells of pages that have no entry: they may be in the page cache.
fn unmapped(vma: &VmaRef, addr: usize, vec: &mut [u8]) {
    let end = addr.saturating_add(vec.len() * PAGE_SIZE);

    // SAFETY: The VMA is valid, the range a part of it, and there is a byte for each page.
    unsafe { bindings::__mincore_unmapped_range(addr, end, vma.as_ptr(), vec.as_mut_ptr()) };
}
