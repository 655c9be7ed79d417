// SPDX-License-Identifier: GPL-2.0

//! Freeing of unhooked tables.

use super::{Mm, PmdSlot, VmaStabilised};
use crate::{bindings, prelude::*, types::Opaque};

/// An unhooked table, which other CPUs may still be walking through.
#[must_use = "an unhooked table leaks unless it is given to a gather"]
pub struct Unhooked<'a> {
    table: *mut bindings::ptdesc,
    /// Where it was hooked.
    slot: PmdSlot<'a>,
}

impl<'a> Unhooked<'a> {
    /// Takes charge of a table.
    ///
    /// # Safety
    ///
    /// `table` was hooked at `slot` until now, nobody can find it any more, and nobody holds a
    /// reference.
    #[inline]
    pub(super) unsafe fn new(table: *mut bindings::ptdesc, slot: PmdSlot<'a>) -> Self {
        Self { table, slot }
    }

    /// Leaves the rest to C code that frees the table by `pte_free_tlb()`.
    #[inline]
    pub fn leave_to_caller(self) {}
}

/// A `struct mmu_gather`: collects tables, flushes the TLBs, frees the tables by RCU. All of that
/// has happened or is under way when it is dropped.
#[pin_data(PinnedDrop)]
pub struct Gather<'a> {
    #[pin]
    tlb: Opaque<bindings::mmu_gather>,
    mm: &'a Mm,
}

impl<'a> Gather<'a> {
    /// Starts to gather tables of VMAs that `lock` keeps.
    pub fn new(lock: &'a impl VmaStabilised) -> impl PinInit<Self> + 'a {
        let mm = lock.mm();

        pin_init!(Self {
            tlb <- Opaque::ffi_init(|tlb| {
                // SAFETY: `tlb` is memory for a gather that will not move, and the mm is valid.
                unsafe { bindings::tlb_gather_mmu(tlb, mm.as_raw()) }
            }),
            mm,
        })
    }

    /// Frees a table, which must be one of this mm: those of another one leak.
    pub fn free(self: Pin<&mut Self>, table: Unhooked<'_>) {
        let (mm, addr) = (table.slot.mm().as_raw(), table.slot.start());

        // Only the TLBs of this mm are flushed.
        if crate::warn_on_once!(mm != self.mm.as_raw()) {
            return;
        }
        // SAFETY: The gather was initialised; the table is reachable no more, and passed on once,
        // as `table` is consumed. An address in its range makes the CPUs forget the pointer to it.
        unsafe {
            bindings::pte_free_tlb(self.tlb.get(), table.table, addr);
            bindings::mm_dec_nr_ptes(mm);
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Gather<'_> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The gather was initialised and is finished once, here.
        unsafe { bindings::tlb_finish_mmu(self.tlb.get()) };
    }
}
