// SPDX-License-Identifier: GPL-2.0

//! Which VMAs are walked, and which parts of them.

use super::{engine::Engine, errno, hugetlb};
use core::ffi::c_int;
use core::ptr::null_mut;
use kernel::{bindings, page::PAGE_SHIFT, prelude::*};

/// A hole that says nothing of tables.
const UNKNOWN_DEPTH: c_int = -1;

/// Returns the mm of a VMA, where the VMA starts, and where it ends.
///
/// # Safety
///
/// `vma` must be valid, and locked in some way.
#[inline]
pub(super) unsafe fn extent(
    vma: *mut bindings::vm_area_struct,
) -> (*mut bindings::mm_struct, usize, usize) {
    // SAFETY: As the caller promises.
    unsafe {
        let bounds = &(*vma).__bindgen_anon_1.__bindgen_anon_1;

        (
            bindings::vma_mm(vma),
            bounds.vm_start as usize,
            bounds.vm_end as usize,
        )
    }
}

/// Checks, or takes, what `walk_lock` says.
///
/// # Safety
///
/// The mm must be valid.
unsafe fn assert_mm_locked(walk: *const bindings::mm_walk) {
    // SAFETY: As the caller promises.
    let (mm, lock) = unsafe { ((*walk).mm, (*(*walk).ops).walk_lock) };

    // SAFETY: As the caller promises.
    match lock {
        bindings::page_walk_lock_PGWALK_RDLOCK => unsafe { bindings::mmap_assert_locked(mm) },
        bindings::page_walk_lock_PGWALK_VMA_RDLOCK_VERIFY => {}
        _ => unsafe { bindings::mmap_assert_write_locked(mm) },
    }
}

/// Checks, or takes, what `walk_lock` says.
///
/// # Safety
///
/// `vma` must be valid, and locked as `walk_lock` says or about to be.
unsafe fn lock_vma(walk: *const bindings::mm_walk, vma: *mut bindings::vm_area_struct) {
    // SAFETY: As the caller promises.
    let lock = unsafe { (*(*walk).ops).walk_lock };

    // SAFETY: As the caller promises.
    unsafe {
        match lock {
            bindings::page_walk_lock_PGWALK_WRLOCK => bindings::vma_start_write(vma),
            bindings::page_walk_lock_PGWALK_WRLOCK_VERIFY => bindings::vma_assert_write_locked(vma),
            bindings::page_walk_lock_PGWALK_VMA_RDLOCK_VERIFY => bindings::vma_assert_locked(vma),
            // The mmap lock, which `assert_mm_locked` has looked at.
            _ => {}
        }
    }
}

/// Whether to walk the VMA.
enum Verdict {
    Walk,
    Skip,
    Stop(c_int),
}

/// Asks the caller whether to walk the VMA. Without an answer those are skipped that have no pages
/// to look at.
///
/// # Safety
///
/// `walk` must be valid, and have a VMA that is locked.
unsafe fn test(engine: &Engine, start: usize, end: usize) -> Verdict {
    let err = if let Some(test_walk) = engine.ops().test_walk {
        // SAFETY: The caller's own callback, called as it wants to be.
        unsafe { test_walk(start, end, engine.walk()) }
    } else {
        // SAFETY: As the caller promises.
        if unsafe { !bindings::vma_is_pfnmap(engine.vma()) } {
            return Verdict::Walk;
        }
        match engine.hole(start, end, UNKNOWN_DEPTH) {
            0 => 1,
            err => err,
        }
    };

    match err {
        0 => Verdict::Walk,
        1.. => Verdict::Skip,
        _ => Verdict::Stop(err),
    }
}

/// Walks a part of the VMA of `walk`.
///
/// # Safety
///
/// `walk` must be valid, and have a VMA that is locked, of which the range is a part.
unsafe fn walk_part(engine: &Engine, start: usize, end: usize) -> c_int {
    // SAFETY: As the caller promises.
    let is_hugetlb = unsafe { bindings::is_vm_hugetlb_page(engine.vma()) };

    if is_hugetlb && engine.plan.install {
        return errno(EINVAL);
    }
    if let Some(pre_vma) = engine.ops().pre_vma {
        // SAFETY: The caller's own callback, called as it wants to be.
        let err = unsafe { pre_vma(start, end, engine.walk()) };
        if err != 0 {
            return err;
        }
    }
    // SAFETY: Tables of a locked VMA are not freed, but for PTE tables.
    let err = unsafe {
        if is_hugetlb {
            hugetlb::walk(engine, start, end)
        } else {
            engine.range(start, end)
        }
    };
    if let Some(post_vma) = engine.ops().post_vma {
        // SAFETY: As above.
        unsafe { post_vma(engine.walk()) };
    }
    err
}

/// Walks a part of a VMA, whatever kind of VMA it is.
///
/// # Safety
///
/// `walk` must be valid, `vma` a VMA of its mm, locked as `walk_lock` says, and the range a part of
/// it.
pub(super) unsafe fn walk_one(
    walk: *mut bindings::mm_walk,
    vma: *mut bindings::vm_area_struct,
    start: usize,
    end: usize,
) -> c_int {
    // SAFETY: As the caller promises.
    unsafe {
        (*walk).vma = vma;
        assert_mm_locked(walk);
        lock_vma(walk, vma);
        walk_part(&Engine::new(walk), start, end)
    }
}

/// Walks all VMAs of a range, and tells of what lies between them.
///
/// # Safety
///
/// `walk` must be valid, and have an mm that is locked as `walk_lock` says.
pub(super) unsafe fn walk_range(
    walk: *mut bindings::mm_walk,
    mut start: usize,
    end: usize,
) -> c_int {
    // SAFETY: As the caller promises.
    let (engine, mm) = unsafe {
        assert_mm_locked(walk);
        (Engine::new(walk), (*walk).mm)
    };
    // SAFETY: The mmap lock is held.
    let mut vma = unsafe { bindings::find_vma(mm, start) };

    loop {
        let bounds = if vma.is_null() {
            None
        } else {
            // SAFETY: VMAs stay while the mmap lock is held.
            let (_, first, last) = unsafe { extent(vma) };
            Some((first, last))
        };
        let (next, err) = match bounds {
            Some((first, last)) if first <= start => {
                let next = last.min(end);

                // SAFETY: As above; the walk is ours while no callback runs.
                let this = unsafe {
                    lock_vma(walk, vma);
                    (*walk).vma = vma;
                    vma = bindings::find_vma(mm, last);
                    test(&engine, start, next)
                };
                let err = match this {
                    Verdict::Skip => 0,
                    Verdict::Stop(err) => err,
                    // SAFETY: The VMA is locked, and the range a part of it.
                    Verdict::Walk => unsafe { walk_part(&engine, start, next) },
                };
                (next, err)
            }
            // Before the next VMA, or behind the last.
            other => {
                let next = other.map_or(end, |(first, _)| first.min(end));

                // SAFETY: The walk is ours while no callback runs.
                unsafe { (*walk).vma = null_mut() };
                (next, engine.hole(start, next, UNKNOWN_DEPTH))
            }
        };
        if err != 0 || next >= end {
            return err;
        }
        start = next;
    }
}

/// Walks what VMAs map of a part of a file.
///
/// # Safety
///
/// `walk` must be valid, `mapping` too, and its `i_mmap_rwsem` held.
pub(super) unsafe fn walk_mapping(
    walk: *mut bindings::mm_walk,
    mapping: *mut bindings::address_space,
    first: usize,
    count: usize,
) -> c_int {
    let end = first.wrapping_add(count);
    let last = end.wrapping_sub(1);

    // SAFETY: As the caller promises.
    let mut vma = unsafe {
        bindings::i_mmap_assert_locked(mapping);
        bindings::mapping_rmap_tree_iter_first(mapping, first, last)
    };
    while !vma.is_null() {
        // SAFETY: VMAs that map a file stay while its `i_mmap_rwsem` is held.
        let err = unsafe { walk_mapped(walk, vma, first, end) };

        match err {
            Verdict::Walk => {}
            Verdict::Skip => return 0,
            Verdict::Stop(err) => return err,
        }
        // SAFETY: As above.
        vma = unsafe { bindings::mapping_rmap_tree_iter_next(vma, first, last) };
    }
    0
}

/// Walks what one VMA maps of the pages from `first` to `end` of its file, and tells whether to go on.
///
/// # Safety
///
/// `walk` must be valid, and `vma` stay.
unsafe fn walk_mapped(
    walk: *mut bindings::mm_walk,
    vma: *mut bindings::vm_area_struct,
    first: usize,
    end: usize,
) -> Verdict {
    // SAFETY: As the caller promises.
    let ((mm, vm_start, vm_end), offset) =
        unsafe { (extent(vma), bindings::vma_start_pgoff(vma) as usize) };
    let pages = vm_end.wrapping_sub(vm_start) >> PAGE_SHIFT;
    let from = first.max(offset);
    let to = end.min(offset.wrapping_add(pages));

    if from >= to {
        return Verdict::Walk;
    }
    // SAFETY: As the caller promises.
    let engine = unsafe {
        (*walk).vma = vma;
        (*walk).mm = mm;
        Engine::new(walk)
    };
    // SAFETY: As above.
    match unsafe { test(&engine, vm_start, vm_end) } {
        Verdict::Walk => {}
        other => return other,
    }
    let addr = |index: usize| vm_start.wrapping_add(index.wrapping_sub(offset) << PAGE_SHIFT);

    // SAFETY: As above; the range is a part of the VMA.
    match unsafe { walk_part(&engine, addr(from), addr(to)) } {
        0 => Verdict::Walk,
        err => Verdict::Stop(err),
    }
}
