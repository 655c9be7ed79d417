// SPDX-License-Identifier: GPL-2.0

//! The levels of tables above PTE tables: what an entry is, and what lies below it.

use super::engine::{read_pmd, Engine};
use core::ffi::c_int;
use kernel::{bindings, mm::pgtable::Pud as PudValue};

/// A callback for the entries of a level.
pub(super) type Callback<E> =
    Option<unsafe extern "C" fn(*mut E, usize, usize, *mut bindings::mm_walk) -> c_int>;

/// A level of tables.
///
/// All functions but [`end`](Self::end) and [`depth`](Self::depth) are given the entry of an address,
/// in a table that stays while it is walked.
pub(super) trait Level {
    /// An entry in memory.
    type Entry;

    /// Log2 of the bytes that an entry stands for.
    fn shift() -> u32;

    /// Whether a callback may say what to do next.
    const ACTIONS: bool;

    /// The number of levels above, but for those that this machine has not: how callbacks are
    /// told of holes.
    fn depth() -> c_int;

    /// Returns where the entry of `addr` ends, if that is before `end`.
    #[inline]
    fn end(addr: usize, end: usize) -> usize {
        let last = addr | !(usize::MAX.wrapping_shl(Self::shift()));

        // The last entry there is ends at 0.
        if last < end.wrapping_sub(1) {
            last + 1
        } else {
            end
        }
    }

    /// Returns whether there is nothing below the entry.
    ///
    /// # Safety
    ///
    /// `entry` must be as the trait says.
    unsafe fn is_hole(entry: *mut Self::Entry) -> bool;

    /// Allocates the table below the entry, unless somebody else does.
    ///
    /// # Safety
    ///
    /// `entry` must be as the trait says, of `mm`.
    unsafe fn populate(mm: *mut bindings::mm_struct, entry: *mut Self::Entry, addr: usize)
        -> c_int;

    /// Returns what the caller has for entries.
    fn callback(ops: &bindings::mm_walk_ops) -> Callback<Self::Entry>;

    /// Returns whether there is something to do below the entry. Splits a huge page that is in the
    /// way.
    ///
    /// # Safety
    ///
    /// `entry` must be as the trait says.
    unsafe fn may_descend(engine: &Engine, entry: *mut Self::Entry, addr: usize) -> bool;

    /// Walks what is below the entry.
    ///
    /// # Safety
    ///
    /// `entry` must be as the trait says, and [`may_descend`](Self::may_descend) have said so.
    unsafe fn descend(engine: &Engine, entry: *mut Self::Entry, addr: usize, next: usize) -> c_int;
}

/// Entries of the root.
pub(super) enum Pgd {}

impl Level for Pgd {
    type Entry = bindings::pgd_t;
    const ACTIONS: bool = false;

    #[inline]
    fn shift() -> u32 {
        // SAFETY: Set once, at boot.
        unsafe { bindings::pgdir_shift_now() }
    }

    #[inline]
    fn depth() -> c_int {
        0
    }

    #[inline]
    unsafe fn is_hole(entry: *mut Self::Entry) -> bool {
        // SAFETY: As the caller promises.
        unsafe { bindings::pgd_none_or_clear_bad(entry) != 0 }
    }

    #[inline]
    unsafe fn populate(
        mm: *mut bindings::mm_struct,
        entry: *mut Self::Entry,
        addr: usize,
    ) -> c_int {
        // SAFETY: As the caller promises.
        unsafe { bindings::__p4d_alloc(mm, entry, addr) }
    }

    #[inline]
    fn callback(ops: &bindings::mm_walk_ops) -> Callback<Self::Entry> {
        ops.pgd_entry
    }

    #[inline]
    unsafe fn may_descend(engine: &Engine, _: *mut Self::Entry, _: usize) -> bool {
        engine.plan.p4d || engine.plan.install
    }

    #[inline]
    unsafe fn descend(engine: &Engine, entry: *mut Self::Entry, addr: usize, next: usize) -> c_int {
        // SAFETY: The entry points to a table, or is the entry of one that this machine has not.
        unsafe { engine.entries::<P4d>(bindings::p4d_offset(entry, addr), addr, next) }
    }
}

/// Entries of P4D tables.
enum P4d {}

impl Level for P4d {
    type Entry = bindings::p4d_t;
    const ACTIONS: bool = false;

    #[inline]
    fn shift() -> u32 {
        bindings::P4D_SHIFT
    }

    #[inline]
    fn depth() -> c_int {
        // SAFETY: Set once, at boot.
        c_int::from(unsafe { bindings::has_p4d_tables() })
    }

    #[inline]
    unsafe fn is_hole(entry: *mut Self::Entry) -> bool {
        // SAFETY: As the caller promises.
        unsafe { bindings::p4d_none_or_clear_bad(entry) != 0 }
    }

    #[inline]
    unsafe fn populate(
        mm: *mut bindings::mm_struct,
        entry: *mut Self::Entry,
        addr: usize,
    ) -> c_int {
        // SAFETY: As the caller promises.
        unsafe { bindings::__pud_alloc(mm, entry, addr) }
    }

    #[inline]
    fn callback(ops: &bindings::mm_walk_ops) -> Callback<Self::Entry> {
        ops.p4d_entry
    }

    #[inline]
    unsafe fn may_descend(engine: &Engine, _: *mut Self::Entry, _: usize) -> bool {
        engine.plan.pud || engine.plan.install
    }

    #[inline]
    unsafe fn descend(engine: &Engine, entry: *mut Self::Entry, addr: usize, next: usize) -> c_int {
        // SAFETY: The entry points to a table.
        unsafe { engine.entries::<Pud>(bindings::pud_offset(entry, addr), addr, next) }
    }
}

/// Entries of PUD tables.
enum Pud {}

impl Pud {
    /// # Safety
    ///
    /// `entry` must be valid.
    #[inline]
    unsafe fn read(entry: *mut bindings::pud_t) -> PudValue {
        // SAFETY: As the caller promises; a word that is read at once.
        PudValue::from_ffi(unsafe { entry.read_volatile() })
    }
}

impl Level for Pud {
    type Entry = bindings::pud_t;
    const ACTIONS: bool = true;

    #[inline]
    fn shift() -> u32 {
        bindings::PUD_SHIFT
    }

    #[inline]
    fn depth() -> c_int {
        2
    }

    #[inline]
    unsafe fn is_hole(entry: *mut Self::Entry) -> bool {
        // SAFETY: As the caller promises.
        unsafe { Self::read(entry) }.is_none()
    }

    #[inline]
    unsafe fn populate(
        mm: *mut bindings::mm_struct,
        entry: *mut Self::Entry,
        addr: usize,
    ) -> c_int {
        // SAFETY: As the caller promises.
        unsafe { bindings::__pmd_alloc(mm, entry, addr) }
    }

    #[inline]
    fn callback(ops: &bindings::mm_walk_ops) -> Callback<Self::Entry> {
        ops.pud_entry
    }

    #[inline]
    unsafe fn may_descend(engine: &Engine, entry: *mut Self::Entry, addr: usize) -> bool {
        // SAFETY: As the caller promises.
        let value = unsafe { Self::read(entry) };

        if !engine.plan.pmd && !(engine.plan.install && !value.is_leaf()) {
            return false;
        }
        if engine.vma().is_null() {
            return value.is_present() && !value.is_leaf();
        }
        if value.is_leaf() {
            // SAFETY: The VMA is valid, and the entry one of its own.
            unsafe { bindings::split_huge_pud(engine.vma(), entry, addr) };
        }
        true
    }

    #[inline]
    unsafe fn descend(engine: &Engine, entry: *mut Self::Entry, addr: usize, next: usize) -> c_int {
        // SAFETY: As the caller promises.
        let value = unsafe { Self::read(entry) };

        // A table of PMDs does not go away, but this may be something else meanwhile: what was
        // split may be a huge page again.
        if !value.is_present() || value.is_leaf() {
            engine.again();
            return 0;
        }
        // SAFETY: The entry points to a table.
        unsafe { engine.entries::<Pmd>(bindings::pmd_offset(entry, addr), addr, next) }
    }
}

/// Entries of PMD tables.
pub(super) enum Pmd {}

impl Level for Pmd {
    type Entry = bindings::pmd_t;
    const ACTIONS: bool = true;

    #[inline]
    fn shift() -> u32 {
        bindings::PMD_SHIFT
    }

    #[inline]
    fn depth() -> c_int {
        3
    }

    #[inline]
    unsafe fn is_hole(entry: *mut Self::Entry) -> bool {
        // SAFETY: As the caller promises.
        unsafe { read_pmd(entry) }.is_none()
    }

    #[inline]
    unsafe fn populate(mm: *mut bindings::mm_struct, entry: *mut Self::Entry, _: usize) -> c_int {
        // SAFETY: As the caller promises.
        unsafe { bindings::__pte_alloc(mm, entry) }
    }

    #[inline]
    fn callback(ops: &bindings::mm_walk_ops) -> Callback<Self::Entry> {
        ops.pmd_entry
    }

    #[inline]
    unsafe fn may_descend(engine: &Engine, entry: *mut Self::Entry, addr: usize) -> bool {
        if !engine.plan.pte && !engine.plan.install {
            return false;
        }
        // SAFETY: As the caller promises.
        let value = unsafe { read_pmd(entry) };

        // Who only installs entries has no reason to split a huge page.
        if !engine.plan.pte && value.is_leaf() {
            return false;
        }
        if engine.vma().is_null() {
            return value.is_present() && !value.is_leaf();
        }
        if value.is_huge() {
            // SAFETY: The VMA is valid, and the entry one of its own.
            unsafe { bindings::split_huge_pmd(engine.vma(), entry, addr) };
        }
        true
    }

    #[inline]
    unsafe fn descend(engine: &Engine, entry: *mut Self::Entry, addr: usize, next: usize) -> c_int {
        // SAFETY: As the caller promises.
        unsafe { engine.table(entry, addr, next) }
    }
}
