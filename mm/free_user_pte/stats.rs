// SPDX-License-Identifier: GPL-2.0

//! What people see: counters in `/proc/vmstat`, and tracepoints.

use kernel::{bindings, mm::Mm, time::Delta};

kernel::declare_trace! {
    unsafe fn pte_table_defer(mm: *mut bindings::mm_struct, addr: usize);
    unsafe fn pte_table_overflow(mm: *mut bindings::mm_struct, addr: usize);
    unsafe fn pte_table_busy(mm: *mut bindings::mm_struct, addr: usize);
    unsafe fn pte_table_free(mm: *mut bindings::mm_struct, addr: usize, deferred: bool);
    unsafe fn pte_table_scan(mm: *mut bindings::mm_struct, tables: u32, held_ns: u64, waited_ns: u64);
}

/// Something that happened to a table.
#[derive(Clone, Copy)]
pub(super) enum Event {
    /// It was unhooked by the zap that emptied it.
    FreedAtOnce,
    /// It was unhooked by the reclaimer.
    FreedDeferred,
    /// A hint was left for it.
    Deferred,
    /// There was no room for a hint.
    Overflow,
    /// It was empty, and could not be unhooked.
    Busy,
}

impl Event {
    /// Counts the event for the table at `addr`, and traces it.
    #[inline]
    pub(super) fn record(self, mm: &Mm, addr: usize) {
        let raw = mm.as_raw();
        // SAFETY: The tracepoints read no more than the values they are given.
        let item = unsafe {
            match self {
                Event::FreedAtOnce => {
                    pte_table_free(raw, addr, false);
                    bindings::vm_event_item_PTE_TABLE_FREE_SYNC
                }
                Event::FreedDeferred => {
                    pte_table_free(raw, addr, true);
                    bindings::vm_event_item_PTE_TABLE_FREE_DEFERRED
                }
                Event::Deferred => {
                    pte_table_defer(raw, addr);
                    bindings::vm_event_item_PTE_TABLE_HINT
                }
                Event::Overflow => {
                    pte_table_overflow(raw, addr);
                    bindings::vm_event_item_PTE_TABLE_HINT_OVERFLOW
                }
                Event::Busy => {
                    pte_table_busy(raw, addr);
                    bindings::vm_event_item_PTE_TABLE_BUSY
                }
            }
        };
        count(item);
    }
}

/// Traces for how long a VMA was locked to look at so many tables, and others waited for it.
#[inline]
pub(super) fn scanned(mm: &Mm, tables: u32, held: Delta, waited: Delta) {
    let [held_ns, waited_ns] = [held, waited].map(|time| time.as_nanos().max(0) as u64);

    // SAFETY: The tracepoint reads no more than the values it is given.
    unsafe { pte_table_scan(mm.as_raw(), tables, held_ns, waited_ns) };
}

/// Counts a search of an address range.
#[inline]
pub(super) fn rescan() {
    count(bindings::vm_event_item_PTE_TABLE_RESCAN);
}

#[inline]
fn count(item: bindings::vm_event_item) {
    // SAFETY: The per-CPU counters can be changed from any context.
    unsafe { bindings::count_vm_event(item) };
}
