// SPDX-License-Identifier: GPL-2.0

//! Page walks for C code: what `mm/pagewalk.c` does, on the guards of [`kernel::mm::pgtable`].
//!
//! A C caller gives a `struct mm_walk_ops`, and gets its callbacks called. [`engine`] goes down the
//! tables for one range; the functions here say which ranges that are: what VMAs there are, or
//! what an `address_space` is mapped by. Rust code has iterators instead, see [`kernel::mm::walk`].
//!
//! # Locks
//!
//! None is taken here but those that `walk_lock` asks for, and around entries, in this order: VMA
//! lock, lock of the hugetlb VMA, lock of the PTE table. Callers hold the mmap lock, the VMA lock, or
//! `i_mmap_rwsem`, as each function says.

mod engine;
mod folio;
mod hugetlb;
mod levels;
#[cfg(all(CONFIG_KUNIT, CONFIG_RUST_MM_TWINS))]
mod tests;
mod vma;

use core::ffi::{c_int, c_void};
use engine::Engine;
use kernel::{bindings, prelude::*};

/// Returns an error as C code does.
fn errno(error: Error) -> c_int {
    error.to_errno()
}

/// Whether everybody may use these operations: to install entries is for mm itself.
fn check(ops: *const bindings::mm_walk_ops) -> Result {
    // SAFETY: Callers of all functions here give operations that exist.
    if unsafe { (*ops).install_pte }.is_some() {
        return Err(EINVAL);
    }
    Ok(())
}

/// What is to be walked, without a place yet.
fn new_walk(
    ops: *const bindings::mm_walk_ops,
    mm: *mut bindings::mm_struct,
    private: *mut c_void,
) -> bindings::mm_walk {
    bindings::mm_walk {
        ops,
        mm,
        private,
        ..Default::default()
    }
}

/// Walks all of a range: VMAs, and what is between them.
///
/// # Safety
///
/// `mm` must be null or valid, with users, and locked as `ops` says; `ops` must be valid, and fit for
/// `private`.
#[export]
pub(crate) unsafe extern "C" fn walk_page_range_mm_unsafe(
    mm: *mut bindings::mm_struct,
    start: usize,
    end: usize,
    ops: *const bindings::mm_walk_ops,
    private: *mut c_void,
) -> c_int {
    if start >= end || mm.is_null() {
        return errno(EINVAL);
    }
    let mut walk = new_walk(ops, mm, private);

    // SAFETY: As the caller promises.
    unsafe { vma::walk_range(&raw mut walk, start, end) }
}

/// The same, for everybody.
///
/// # Safety
///
/// As for `walk_page_range_mm_unsafe`.
#[export]
pub(crate) unsafe extern "C" fn walk_page_range(
    mm: *mut bindings::mm_struct,
    start: usize,
    end: usize,
    ops: *const bindings::mm_walk_ops,
    private: *mut c_void,
) -> c_int {
    match check(ops) {
        // SAFETY: As the caller promises.
        Ok(()) => unsafe { walk_page_range_mm_unsafe(mm, start, end, ops, private) },
        Err(error) => errno(error),
    }
}

/// Walks a part of a VMA.
///
/// # Safety
///
/// `vma` must be valid, and it or its mm locked as `ops` says; `ops` must be valid, and fit for
/// `private`.
#[export]
pub(crate) unsafe extern "C" fn walk_page_range_vma_unsafe(
    vma: *mut bindings::vm_area_struct,
    start: usize,
    end: usize,
    ops: *const bindings::mm_walk_ops,
    private: *mut c_void,
) -> c_int {
    // SAFETY: As the caller promises.
    let (mm, first, last) = unsafe { vma::extent(vma) };

    if start >= end || mm.is_null() || start < first || end > last {
        return errno(EINVAL);
    }
    let mut walk = new_walk(ops, mm, private);

    // SAFETY: As the caller promises; the range was checked.
    unsafe { vma::walk_one(&raw mut walk, vma, start, end) }
}

/// The same, for everybody.
///
/// # Safety
///
/// As for `walk_page_range_vma_unsafe`.
#[export]
pub(crate) unsafe extern "C" fn walk_page_range_vma(
    vma: *mut bindings::vm_area_struct,
    start: usize,
    end: usize,
    ops: *const bindings::mm_walk_ops,
    private: *mut c_void,
) -> c_int {
    match check(ops) {
        // SAFETY: As the caller promises.
        Ok(()) => unsafe { walk_page_range_vma_unsafe(vma, start, end, ops, private) },
        Err(error) => errno(error),
    }
}

/// Walks a VMA.
///
/// # Safety
///
/// As for `walk_page_range_vma_unsafe`.
#[export]
pub(crate) unsafe extern "C" fn walk_page_vma(
    vma: *mut bindings::vm_area_struct,
    ops: *const bindings::mm_walk_ops,
    private: *mut c_void,
) -> c_int {
    // SAFETY: As the caller promises.
    let (_, first, last) = unsafe { vma::extent(vma) };

    // SAFETY: As the caller promises.
    unsafe { walk_page_range_vma(vma, first, last, ops, private) }
}

/// Walks kernel tables, or those that `pgd` is the root of, whatever VMAs there are.
///
/// # Safety
///
/// Nobody may free the tables of the range meanwhile: the mmap lock of `init_mm` is held, and memory
/// is not hot-removed. `pgd` must be null or a root; `ops` must be valid, and fit for `private`.
#[export]
pub(crate) unsafe extern "C" fn walk_kernel_page_table_range(
    start: usize,
    end: usize,
    ops: *const bindings::mm_walk_ops,
    pgd: *mut bindings::pgd_t,
    private: *mut c_void,
) -> c_int {
    // SAFETY: `init_mm` is valid for ever.
    unsafe { bindings::mmap_assert_locked(&raw mut bindings::init_mm) };
    // SAFETY: As the caller promises.
    unsafe { walk_kernel_page_table_range_lockless(start, end, ops, pgd, private) }
}

/// The same, for a range that is the caller's own.
///
/// # Safety
///
/// Nobody else may change the tables of the range; the rest as for `walk_kernel_page_table_range`.
#[export]
pub(crate) unsafe extern "C" fn walk_kernel_page_table_range_lockless(
    start: usize,
    end: usize,
    ops: *const bindings::mm_walk_ops,
    pgd: *mut bindings::pgd_t,
    private: *mut c_void,
) -> c_int {
    let mm = &raw mut bindings::init_mm;

    // SAFETY: As the caller promises.
    unsafe { walk_tables(mm, start, end, ops, pgd, private) }
}

/// Walks any tables of `mm`, whatever VMAs there are: to dump them.
///
/// # Safety
///
/// `mm` must be valid, and both its mmap lock and that of `init_mm` be held for writing. `pgd` must
/// be null or a root; `ops` must be valid, and fit for `private`.
#[export]
pub(crate) unsafe extern "C" fn walk_page_range_debug(
    mm: *mut bindings::mm_struct,
    start: usize,
    end: usize,
    ops: *const bindings::mm_walk_ops,
    pgd: *mut bindings::pgd_t,
    private: *mut c_void,
) -> c_int {
    // munmap() frees tables under the lock for reading only, and a huge mapping of vmalloc frees
    // those of the kernel.
    // SAFETY: Both are valid.
    unsafe {
        bindings::mmap_assert_write_locked(mm);
        bindings::mmap_assert_write_locked(&raw mut bindings::init_mm);
    }
    // SAFETY: As the caller promises.
    unsafe { walk_tables(mm, start, end, ops, pgd, private) }
}

/// # Safety
///
/// `mm` and `ops` must be valid, `pgd` null or a root, and nobody may free the tables of the range.
unsafe fn walk_tables(
    mm: *mut bindings::mm_struct,
    start: usize,
    end: usize,
    ops: *const bindings::mm_walk_ops,
    pgd: *mut bindings::pgd_t,
    private: *mut c_void,
) -> c_int {
    if start >= end || check(ops).is_err() {
        return errno(EINVAL);
    }
    let mut walk = bindings::mm_walk {
        pgd,
        no_vma: true,
        ..new_walk(ops, mm, private)
    };

    // SAFETY: As the caller promises.
    unsafe { Engine::new(&raw mut walk).range(start, end) }
}

/// Walks all that maps a part of a file.
///
/// # Safety
///
/// `mapping` must be valid, and its `i_mmap_rwsem` held; `ops` must be valid, and fit for `private`.
#[export]
pub(crate) unsafe extern "C" fn walk_page_mapping(
    mapping: *mut bindings::address_space,
    first_index: usize,
    nr: usize,
    ops: *const bindings::mm_walk_ops,
    private: *mut c_void,
) -> c_int {
    if check(ops).is_err() {
        return errno(EINVAL);
    }
    let mut walk = new_walk(ops, core::ptr::null_mut(), private);

    // SAFETY: As the caller promises.
    unsafe { vma::walk_mapping(&raw mut walk, mapping, first_index, nr) }
}
