// SPDX-License-Identifier: GPL-2.0

//! Finding the folio that is mapped at an address.

use super::vma::extent;
use core::ptr::null_mut;
use kernel::{
    bindings,
    mm::{
        pgtable::{PmdSlot, PudKind, PudSlot},
        virt::VmaRef,
        walk::Place,
    },
    page::{PAGE_SHIFT, PAGE_SIZE},
    prelude::*,
};

/// What is found, with the lock that keeps it: C code releases it by `folio_walk_end()`.
struct Found {
    page: *mut bindings::page,
    ptl: *mut bindings::spinlock_t,
    /// Bytes that the entry maps
    size: usize,
    /// There is nothing but zeroes: no page of its own is told
    zeropage: bool,
}

/// Finds the folio that is mapped at an address, and locks its entry.
///
/// # Safety
///
/// `vma` must be valid, and its mm locked at least for reading; `fw` must point to where the answer
/// can be written.
#[export]
pub(crate) unsafe extern "C" fn folio_walk_start(
    fw: *mut bindings::folio_walk,
    vma: *mut bindings::vm_area_struct,
    addr: usize,
    flags: bindings::folio_walk_flags_t,
) -> *mut bindings::folio {
    // SAFETY: As the caller promises.
    let (mm, start, end) = unsafe { extent(vma) };

    // SAFETY: As the caller promises. The lock is released below, or by C code.
    unsafe {
        bindings::mmap_assert_locked(mm);
        bindings::vma_pgtable_walk_begin(vma);
    }
    let inside = (start..end).contains(&addr);
    let found = if kernel::warn_on_once!(!inside) {
        None
    } else {
        let wants_zeropage = flags & bindings::FW_ZEROPAGE != 0;

        // SAFETY: As the caller promises; and the lock of a hugetlb VMA is held.
        unsafe { find(VmaRef::from_raw(vma), addr, wants_zeropage, &mut *fw) }
    };
    let Some(found) = found else {
        // SAFETY: Begun above.
        unsafe { bindings::vma_pgtable_walk_end(vma) };
        return null_mut();
    };
    let page = if found.zeropage {
        null_mut()
    } else {
        let offset = (addr & found.size.wrapping_sub(1)) >> PAGE_SHIFT;
        found.page.wrapping_add(offset)
    };

    // SAFETY: As the caller promises; the page is mapped by an entry that is locked.
    unsafe {
        (*fw).page = page;
        (*fw).ptl = found.ptl;
        bindings::page_folio(found.page)
    }
}

/// # Safety
///
/// If the VMA is of hugetlb, its lock must be held.
unsafe fn find(
    vma: &VmaRef,
    addr: usize,
    wants_zeropage: bool,
    fw: &mut bindings::folio_walk,
) -> Option<Found> {
    // SAFETY: The VMA is locked as there is a reference, which keeps tables above PTE tables; those
    // of hugetlb are kept by its lock.
    let find = || unsafe { Place::of(vma.mm().as_raw(), addr) };
    let mut place = find();

    loop {
        place = match place {
            Place::Hole { .. } => return None,
            Place::Pud(slot) => match huge_pud(vma, slot, addr, fw) {
                Ok(found) => return found,
                // A table took its place.
                Err(Changed) => find(),
            },
            Place::Pmd(slot) => {
                let pmd = slot.cell().read();

                if pmd.is_none() {
                    return None;
                }
                if !pmd.is_huge() {
                    return pte(vma, slot, addr, wants_zeropage, fw);
                }
                match huge_pmd(vma, slot, addr, wants_zeropage, fw) {
                    Ok(found) => return found,
                    Err(Changed) => Place::Pmd(slot),
                }
            }
        };
    }
}

/// What was read without the lock is something else now.
struct Changed;

fn huge_pud(
    vma: &VmaRef,
    slot: PudSlot<'_>,
    addr: usize,
    fw: &mut bindings::folio_walk,
) -> Result<Option<Found>, Changed> {
    let locked = slot.lock();
    let pud = slot.read();

    fw.level = bindings::folio_walk_level_FW_LEVEL_PUD;
    fw.__bindgen_anon_1.pudp = slot.as_raw();
    fw.__bindgen_anon_2.pud = pud.into_ffi();
    match pud.kind() {
        PudKind::Table => return Err(Changed),
        PudKind::None | PudKind::Bad => return Ok(None),
        // Mapped for nobody it is not present, unlike an entry of 2 MiB.
        PudKind::Present(_) if !pud.is_present() => return Ok(None),
        PudKind::Present(_) => {}
    }
    // SAFETY: The VMA is valid, and the entry one of its own, which is locked.
    let page = unsafe { bindings::vm_normal_page_pud(vma.as_ptr(), addr, pud.into_ffi()) };
    if page.is_null() {
        return Ok(None);
    }
    Ok(Some(Found {
        page,
        ptl: locked.into_raw(),
        size: 1 << bindings::PUD_SHIFT,
        zeropage: false,
    }))
}

fn huge_pmd(
    vma: &VmaRef,
    slot: PmdSlot<'_>,
    addr: usize,
    wants_zeropage: bool,
    fw: &mut bindings::folio_walk,
) -> Result<Option<Found>, Changed> {
    let locked = slot.lock();
    let pmd = slot.cell().read();

    fw.level = bindings::folio_walk_level_FW_LEVEL_PMD;
    fw.__bindgen_anon_1.pmdp = slot.cell().as_raw();
    fw.__bindgen_anon_2.pmd = pmd.into_ffi();
    if pmd.is_none() {
        return Ok(None);
    }
    if !pmd.is_huge() {
        return Err(Changed);
    }
    if !pmd.is_present() {
        return Ok(None);
    }
    // SAFETY: The VMA is valid, and the entry one of its own, which is locked.
    let normal = unsafe { bindings::vm_normal_page_pmd(vma.as_ptr(), addr, pmd.into_ffi()) };
    let zeropage = normal.is_null();
    let page = if !zeropage {
        normal
    // SAFETY: A present entry has a page frame.
    } else if wants_zeropage && unsafe { bindings::is_huge_zero_pmd(pmd.into_ffi()) } {
        // SAFETY: As above.
        unsafe { bindings::pmd_page(pmd.into_ffi()) }
    } else {
        return Ok(None);
    };

    Ok(Some(Found {
        page,
        ptl: locked.into_raw(),
        size: 1 << bindings::PMD_SHIFT,
        zeropage,
    }))
}

fn pte(
    vma: &VmaRef,
    slot: PmdSlot<'_>,
    addr: usize,
    wants_zeropage: bool,
    fw: &mut bindings::folio_walk,
) -> Option<Found> {
    let table = slot.map_lock(addr)?;
    let entry = table.read(addr);
    let leaf = entry.leaf()?;
    let entry = entry.into_ffi();

    // SAFETY: The VMA is valid, and the entry one of its own, which is locked.
    let normal = unsafe { bindings::vm_normal_page(vma.as_ptr(), addr, entry) };
    let zeropage = normal.is_null();
    let page = if !zeropage {
        normal
    // SAFETY: A present entry has a page frame.
    } else if wants_zeropage && unsafe { bindings::is_zero_pfn(leaf.pfn()) } {
        // SAFETY: As above.
        unsafe { bindings::pfn_to_page(leaf.pfn()) }
    } else {
        return None;
    };
    let (ptep, ptl) = table.into_raw();

    fw.level = bindings::folio_walk_level_FW_LEVEL_PTE;
    fw.__bindgen_anon_1.ptep = ptep;
    fw.__bindgen_anon_2.pte = entry;
    Some(Found {
        page,
        ptl,
        size: PAGE_SIZE,
        zeropage,
    })
}
