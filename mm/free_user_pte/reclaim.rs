// SPDX-License-Identifier: GPL-2.0

//! The reclaimer: looks at the tables that hints name, and frees those that are empty.
//!
//! Its cost is proportional to what was emptied. It touches only tables whose block intersects a
//! VMA that it finds under the mmap lock: those of a range that is being unmapped belong to the
//! one who unmaps it, who frees them without a lock.
//!
//! It is no user of the address space: a process ends when its last user leaves, not when the
//! reclaimer is done with it. If no user is left there is nothing to do: the tables go with the
//! address space.

use super::{
    hints,
    ring::Batch,
    stats::{self, Event},
};
use core::{ops::RangeInclusive, pin::Pin};
use kernel::{
    bindings,
    mm::{
        pgtable::{
            Busy, Found, Gather, MmapLocked, MmapScanGuard, PmdSlot, TABLE_SHIFT, TABLE_SPAN,
        },
        Mm,
    },
};

/// Blocks to search before others get a chance at the mmap lock.
const SEARCH_AT_ONCE: usize = 512;

/// Does what the hints of `mm` ask for.
pub(super) fn run(mm: &Mm) {
    let batch = hints::take(mm);

    if batch.is_empty() {
        return;
    }
    reclaim_blocks(mm, &batch);
    if let Some(span) = batch.span() {
        stats::rescan();
        search(mm, span);
    }
}

fn reclaim_blocks(mm: &Mm, batch: &Batch) {
    if batch.blocks().is_empty() {
        return;
    }
    let Some(lock) = mm.mmap_scan_lock() else {
        return;
    };
    pin_init::stack_pin_init!(let gather = Gather::new(&lock));

    for &block in batch.blocks() {
        let start = block << TABLE_SHIFT;

        if let Some(slot) = lock.block(start).and_then(|block| block.slot()) {
            reclaim(&lock, gather.as_mut(), slot, start);
        }
    }
}

/// Looks at every table of a span.
fn search(mm: &Mm, span: RangeInclusive<usize>) {
    let limit = span.end().saturating_add(1) << TABLE_SHIFT;
    let mut next = Some(*span.start() << TABLE_SHIFT);

    while let Some(start) = next {
        let Some(lock) = mm.mmap_scan_lock() else {
            return;
        };
        pin_init::stack_pin_init!(let gather = Gather::new(&lock));

        next = search_some(&lock, gather.as_mut(), start, limit);
    }
}

/// Looks at the tables from `start` on; returns where to go on if it gave up before `limit`.
fn search_some(
    lock: &MmapScanGuard<'_>,
    mut gather: Pin<&mut Gather<'_>>,
    start: usize,
    limit: usize,
) -> Option<usize> {
    let mut addr = start;

    for _ in 0..SEARCH_AT_ONCE {
        let block = lock.next_block(addr)?;

        if block.start() >= limit {
            return None;
        }
        addr = match block.find() {
            Found::Slot(slot) => {
                reclaim(lock, gather.as_mut(), slot, block.start());
                block.start().saturating_add(TABLE_SPAN)
            }
            Found::Hole { end } => end,
        };
        if addr >= limit {
            return None;
        }
        if lock.is_contended() {
            break;
        }
    }
    Some(addr)
}

/// Frees the table at `addr` if it is empty.
fn reclaim(lock: &MmapScanGuard<'_>, gather: Pin<&mut Gather<'_>>, slot: PmdSlot<'_>, addr: usize) {
    let pmd = slot.lock();
    let Some(table) = pmd.lock_table() else {
        return;
    };

    lock.flush_tlb_batched_pending();
    table.clear_queued();
    // SAFETY: The switch can be read at any time.
    if table.populated() != 0 || !unsafe { bindings::free_user_pte_enabled() } {
        return;
    }
    let result = pmd.unhook(&table, addr);

    drop(table);
    drop(pmd);
    match result {
        Ok(unhooked) => {
            #[cfg(CONFIG_FREE_USER_PTE_DEBUG)]
            super::debug::delay();
            gather.free(unhooked);
            Event::FreedDeferred.record(lock.mm(), addr);
        }
        Err(Busy::Referenced) => Event::Busy.record(lock.mm(), addr),
        Err(Busy::Moved | Busy::Populated) => {}
    }
}
