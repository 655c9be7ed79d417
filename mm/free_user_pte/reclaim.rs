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
use core::{cell::Cell, ops::RangeInclusive, pin::Pin};
use kernel::{
    bindings,
    mm::{
        pgtable::{
            Block, Busy, Found, Gather, MmapLocked, MmapScanGuard, NotLocked, PmdSlot, TABLE_SHIFT,
            TABLE_SPAN,
        },
        Mm,
    },
    time::{Delta, Instant, Monotonic},
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
        let hold = Hold::try_start(mm)?;
        let blocks = batch.blocks().iter();

        hold.free_empty(&mut blocks.filter_map(|&block| hold.lock.block(block << TABLE_SHIFT)));
    }
    batch.blocks_done();

    if batch.span().is_some() {
        stats::rescan();
    }
    while let Some(span) = batch.span() {
        let hold = Hold::try_start(mm)?;
        let mut search = Search::new(&hold, span);

        hold.free_empty(&mut search);
        batch.span_done(search.rest());
        drop(hold);
        // SAFETY: We hold no lock.
        unsafe { bindings::cond_resched() };
    }
    Ok(())
}

/// A time for which the mmap lock is held, and what others have to suffer for it.
struct Hold<'a> {
    lock: MmapScanGuard<'a>,
    since: Instant<Monotonic>,
    /// When somebody was first seen to wait
    awaited: Cell<Option<Instant<Monotonic>>>,
    tables: Cell<u32>,
}

impl<'a> Hold<'a> {
    fn try_start(mm: &'a Mm) -> Result<Self, NotLocked> {
        Ok(Self {
            lock: mm.mmap_scan_trylock()?,
            since: Instant::now(),
            awaited: Cell::new(None),
            tables: Cell::new(0),
        })
    }

    /// Returns whether somebody waits for the lock.
    fn is_awaited(&self) -> bool {
        if self.awaited.get().is_none() && self.lock.is_contended() {
            self.awaited.set(Some(Instant::now()));
        }
        self.awaited.get().is_some()
    }

    /// Frees those tables of these blocks that are empty. Nothing is gathered, nor flushed, before
    /// there is one that seems to be.
    fn free_empty<'b>(&'b self, blocks: &mut dyn Iterator<Item = Block<'b>>) {
        let mut tables = blocks
            .filter_map(|block| Some((block.slot()?, block.start())))
            .inspect(|_| {
                self.tables.set(self.tables.get().saturating_add(1));
                self.is_awaited();
            })
            .filter(|&(slot, addr)| seems_empty(slot, addr))
            .peekable();

        if tables.peek().is_none() {
            return;
        }
        pin_init::stack_pin_init!(let gather = Gather::new(&self.lock));
        for (slot, addr) in tables {
            reclaim(&self.lock, gather.as_mut(), slot, addr);
        }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.is_awaited();
        let waited = self
            .awaited
            .get()
            .map_or(Delta::ZERO, |since| since.elapsed());

        stats::scanned(
            self.lock.mm(),
            self.tables.get(),
            self.since.elapsed(),
            waited,
        );
    }
}

/// The blocks of a span, until others should get a chance at the mmap lock.
struct Search<'a> {
    hold: &'a Hold<'a>,
    next: Option<usize>,
    limit: usize,
    left: usize,
}

impl<'a> Search<'a> {
    fn new(hold: &'a Hold<'a>, span: RangeInclusive<usize>) -> Self {
        Self {
            hold,
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
                .hold
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
            if self.hold.is_awaited() {
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
        if self.left < TABLES_AT_ONCE && (self.left == 0 || self.hold.is_awaited()) {
            return None;
        }
        self.left -= 1;
        self.advance()
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
