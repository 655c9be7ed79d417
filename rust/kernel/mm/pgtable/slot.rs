// SPDX-License-Identifier: GPL-2.0

//! The place of a PMD entry in an address space.

use super::{Mm, PmdCell, PmdLock, PteLock, PteMap, TABLE_SPAN};
use crate::{bindings, page::PAGE_SIZE};
use core::{marker::PhantomData, ptr::NonNull};

/// The place of a PMD entry in an address space.
///
/// # Invariants
///
/// `pmd` points to the entry of the block at `start` in a PMD table of `mm`, which is not freed during
/// `'a`.
#[derive(Clone, Copy)]
pub struct PmdSlot<'a> {
    pmd: NonNull<bindings::pmd_t>,
    mm: NonNull<bindings::mm_struct>,
    start: usize,
    _mm: PhantomData<&'a Mm>,
}

impl<'a> PmdSlot<'a> {
    /// Makes a slot of what C code found.
    ///
    /// # Safety
    ///
    /// `pmd` must point to the entry of `addr` in a PMD table of the valid `mm`, neither of which goes
    /// away during `'a`.
    #[inline]
    pub unsafe fn from_raw(
        mm: *mut bindings::mm_struct,
        pmd: *mut bindings::pmd_t,
        addr: usize,
    ) -> Self {
        // INVARIANT: As the caller promises.
        Self {
            // SAFETY: Valid pointers are not null.
            pmd: unsafe { NonNull::new_unchecked(pmd) },
            // SAFETY: As above.
            mm: unsafe { NonNull::new_unchecked(mm) },
            start: addr & !(TABLE_SPAN - 1),
            _mm: PhantomData,
        }
    }

    /// Returns the entry.
    #[inline]
    pub fn cell(self) -> &'a PmdCell {
        // SAFETY: It stays during `'a` by the type invariants. PTE tables of an mm are freed by
        // RCU, but for those of a range that is being unmapped, which nobody walks to.
        unsafe { PmdCell::from_raw(self.pmd.as_ptr()) }
    }

    /// Returns the slot of the block behind, unless that is another PMD table's.
    #[inline]
    pub fn next(self) -> Option<Self> {
        let next = self.pmd.as_ptr().wrapping_add(1);

        // A table is a page.
        if next as usize & (PAGE_SIZE - 1) == 0 {
            return None;
        }
        // INVARIANT: Another entry of the same table.
        Some(Self {
            // SAFETY: It lies in the page of the table.
            pmd: unsafe { NonNull::new_unchecked(next) },
            start: self.start.wrapping_add(TABLE_SPAN),
            ..self
        })
    }

    /// Returns the first address of the block that the entry stands for.
    #[inline]
    pub fn start(self) -> usize {
        self.start
    }

    /// Returns the address space that the entry belongs to.
    #[inline]
    pub fn mm(self) -> &'a Mm {
        // SAFETY: It stays during `'a` by the type invariants.
        unsafe { Mm::from_raw(self.mm.as_ptr()) }
    }

    /// Maps the PTE table that covers `addr`, an address of the block that the entry stands for, if
    /// there is one.
    #[inline]
    pub fn map(self, addr: usize) -> Option<PteMap<'a>> {
        self.cell().map(addr)
    }

    /// Maps and locks that table.
    #[inline]
    pub fn map_lock(self, addr: usize) -> Option<PteLock<'a>> {
        // SAFETY: The tables below the entry are of this mm by the type invariants.
        unsafe { self.cell().map_lock(self.mm.as_ptr(), addr) }
    }

    pub(super) fn lock_ptr(&self) -> *mut bindings::spinlock_t {
        // SAFETY: By the type invariants.
        unsafe { bindings::pmd_lockptr(self.mm.as_ptr(), self.pmd.as_ptr()) }
    }

    /// Takes the lock of the PMD table.
    #[inline]
    pub fn lock(self) -> PmdLock<'a> {
        // SAFETY: The lock lives in the descriptor of the PMD table, which stays by the type
        // invariants.
        unsafe { bindings::spin_lock(self.lock_ptr()) };
        // SAFETY: Just taken.
        unsafe { PmdLock::assume(self) }
    }

    /// Takes the lock of the PMD table if nobody holds it. For those who hold the lock of a PTE
    /// table already.
    #[inline]
    pub fn try_lock(self) -> Option<PmdLock<'a>> {
        // SAFETY: As in `lock`.
        let taken = unsafe { bindings::spin_trylock(self.lock_ptr()) } != 0;
        // A guard that is made must be held: not even one that is thrown away may exist otherwise.
        if !taken {
            return None;
        }
        // SAFETY: Just taken.
        Some(unsafe { PmdLock::assume(self) })
    }
}
