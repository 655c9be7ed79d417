// SPDX-License-Identifier: GPL-2.0

//! Freeing of unhooked tables.

use super::{Mm, VmaStabilised};
use crate::{bindings, prelude::*, types::Opaque};

/// An unhooked table, which other CPUs may still be walking through.
#[must_use = "an unhooked table leaks unless it is given to a gather"]
pub struct Unhooked {
    table: *mut bindings::ptdesc,
    addr: usize,
}

impl Unhooked {
    /// Takes charge of a table.
    ///
    /// # Safety
    ///
    /// `table` was hooked until now where `addr` is, nobody can find it any more, and nobody holds a
    /// reference.
    #[inline]
    pub(super) unsafe fn new(table: *mut bindings::ptdesc, addr: usize) -> Self {
        Self { table, addr }
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

    /// Frees a table.
    pub fn free(self: Pin<&mut Self>, table: Unhooked) {
        // SAFETY: The gather was initialised; the table is reachable no more, and passed on once,
        // as `table` is consumed. An address in its range makes the CPUs forget the pointer to it.
        unsafe {
            bindings::pte_free_tlb(self.tlb.get(), table.table, table.addr);
            bindings::mm_dec_nr_ptes(self.mm.as_raw());
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
