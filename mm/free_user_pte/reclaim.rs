// SPDX-License-Identifier: GPL-2.0

//! The reclaimer: looks at the tables that hints name, and frees those that are empty.
//!
//! Its cost is proportional to what was emptied: a table that has entries is left without taking a
//! lock of it, and TLBs are flushed only for tables that were unhooked. It touches only tables whose
//! block intersects a VMA that it finds under the mmap lock: those of a range that is being unmapped
//! belong to the one who unmaps it, who frees them without a lock.
//!
//! It waits for nobody's mmap lock. Who holds that for long keeps hints waiting, not a worker.
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
            Block, Busy, Found, Gather, MmapLocked, MmapScanGuard, NotLocked, PmdSlot, TABLE_SHIFT,
            TABLE_SPAN,
        },
        Mm,
    },
};

/// Tables to look at before others get a chance at the mmap lock.
const TABLES_AT_ONCE: usize = 64;

/// Does what the hints of `mm` ask for, or as much of it as can be done without waiting.
pub(super) fn run(mm: &Mm) {
    let mut batch = hints::take(mm);

    if batch.is_empty() {
        return;
    }
    match work_off(mm, &mut batch) {
        Ok(()) => hints::got_through(mm),
        Err(NotLocked::Contended) => hints::put_back(mm, &batch),
        Err(NotLocked::Unused) => {}
    }
}

fn work_off(mm: &Mm, batch: &mut Batch) -> Result<(), NotLocked> {
    if !batch.blocks().is_empty() {
        let lock = mm.mmap_scan_trylock()?;
        let blocks = batch.blocks().iter();

        free_empty(
            &lock,
            blocks.filter_map(|&block| lock.block(block << TABLE_SHIFT)),
        );
    }
    batch.blocks_done();

    if batch.span().is_some() {
        stats::rescan();
    }
    while let Some(span) = batch.span() {
        let lock = mm.mmap_scan_trylock()?;
        let mut search = Search::new(&lock, span);

        free_empty(&lock, &mut search);
        batch.span_done(search.rest());
        drop(lock);
        // SAFETY: We hold no lock.
        unsafe { bindings::cond_resched() };
    }
    Ok(())
}

/// The blocks of a span, until others should get a chance at the mmap lock.
struct Search<'a> {
    lock: &'a MmapScanGuard<'a>,
    next: Option<usize>,
    limit: usize,
    left: usize,
}

impl<'a> Search<'a> {
    fn new(lock: &'a MmapScanGuard<'a>, span: RangeInclusive<usize>) -> Self {
        Self {
            lock,
            next: Some(*span.start() << TABLE_SHIFT),
            limit: span.end().saturating_add(1) << TABLE_SHIFT,
            left: TABLES_AT_ONCE,
        }
    }

    /// Returns the number of the block where to go on.
    fn rest(&self) -> Option<usize> {
        self.next.map(|addr| addr >> TABLE_SHIFT)
    }

    /// Goes to where there is a PMD table for a block that a VMA needs.
    fn advance(&mut self) -> Option<Block<'a>> {
        let mut addr = self.next.take()?;

        loop {
            let block = self
                .lock
                .next_block(addr)
                .filter(|b| b.start() < self.limit)?;

            addr = match block.find() {
                Found::Slot(_) => {
                    let behind = block.start().saturating_add(TABLE_SPAN);

                    self.next = (behind < self.limit).then_some(behind);
                    return Some(block);
                }
                Found::Hole { end } => end,
            };
            if addr >= self.limit {
                return None;
            }
            if self.lock.is_contended() {
                self.next = Some(addr);
                return None;
            }
        }
    }
}

impl<'a> Iterator for Search<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        // Not before there was one: each hold of the lock gets further.
        if self.left < TABLES_AT_ONCE && (self.left == 0 || self.lock.is_contended()) {
            return None;
        }
        self.left -= 1;
        self.advance()
    }
}

/// Frees those tables of these blocks that are empty. Nothing is gathered, nor flushed, before there
/// is one that seems to be.
fn free_empty<'a>(lock: &'a MmapScanGuard<'a>, blocks: impl Iterator<Item = Block<'a>>) {
    let mut tables = blocks
        .filter_map(|block| Some((block.slot()?, block.start())))
        .filter(|&(slot, addr)| seems_empty(slot, addr))
        .peekable();

    if tables.peek().is_none() {
        return;
    }
    pin_init::stack_pin_init!(let gather = Gather::new(lock));
    for (slot, addr) in tables {
        reclaim(lock, gather.as_mut(), slot, addr);
    }
}

/// Looks at the table at `addr` without a lock. One that has entries again has no hint any more: the
/// next time that it is empty, it gets another one.
fn seems_empty(slot: PmdSlot<'_>, addr: usize) -> bool {
    let Some(glance) = slot.map(addr).map(|table| table.glance()) else {
        return false;
    };
    if glance.populated == 0 {
        return true;
    }
    if !glance.is_queued {
        return false;
    }
    slot.map_lock(addr).is_some_and(|table| {
        let table = table.table();

        if table.populated() != 0 {
            table.clear_queued();
        }
        table.populated() == 0
    })
}

/// Frees the table at `addr` if it is empty.
fn reclaim(lock: &MmapScanGuard<'_>, gather: Pin<&mut Gather<'_>>, slot: PmdSlot<'_>, addr: usize) {
    let pmd = slot.lock();
    let Some(table) = pmd.lock_table() else {
        return;
    };

    table.clear_queued();
    // SAFETY: The switch can be read at any time.
    if table.populated() != 0 || !unsafe { bindings::free_user_pte_enabled() } {
        return;
    }
    lock.flush_tlb_batched_pending();
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
