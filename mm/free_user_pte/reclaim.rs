// SPDX-License-Identifier: GPL-2.0

//! The reclaimer: looks at the tables that hints name, and frees those that are empty.
//!
//! Its cost is proportional to what was emptied: a table that has entries is left without taking a
//! lock of it, and TLBs are flushed only for tables that were unhooked. It touches only tables
//! whose block intersects a VMA that it locked for reading: those of a range that is being unmapped
//! belong to the one who unmaps it, who frees them without a lock.
//!
//! It waits for nobody's VMA, and does not need the mmap lock. Who maps and unmaps memory all the
//! time, or has the mmap lock for long, keeps only hints of what he changes waiting, and no worker.
//!
//! It is no user of the address space: a process ends when its last user leaves, not when the
//! reclaimer is done with it. If no user is left there is nothing to do: the tables go with the
//! address space.

use super::{
    hints::{self, NotLocked},
    ring::Batch,
    stats::{self, Event},
};
use core::{
    cell::Cell,
    iter::{from_fn, once},
    ops::RangeInclusive,
    pin::Pin,
};
use kernel::{
    bindings,
    mm::{
        pgtable::{
            Block, Busy, Found, Gather, PmdSlot, VmaScanGuard, VmaStabilised, TABLE_SHIFT,
            TABLE_SPAN,
        },
        Mm,
    },
    time::{Delta, Instant, Monotonic},
};

/// Tables to look at before others get a chance at the VMA.
const TABLES_AT_ONCE: usize = 64;

/// Does what the hints of `mm` ask for, or as much of it as can be done without waiting.
pub(super) fn run(mm: &Mm) {
    let mut batch = hints::take(mm);

    if batch.is_empty() {
        return;
    }
    let mut run = Run {
        mm,
        made_progress: false,
    };
    if run.work_off(&mut batch).is_ok() {
        hints::done(mm, &batch, run.made_progress);
    }
}

/// There is no user left.
struct Unused;

struct Run<'a> {
    mm: &'a Mm,
    made_progress: bool,
}

impl<'a> Run<'a> {
    /// Leaves in `batch` what somebody has locked.
    fn work_off(&mut self, batch: &mut Batch) -> Result<(), Unused> {
        self.look_at_blocks(batch)?;
        if batch.span().is_some() {
            stats::rescan();
        }
        while let Some(span) = batch.span() {
            match self.lock_next(*span.start() << TABLE_SHIFT)? {
                Next::Locked(hold) => {
                    let mut search = Search::new(&hold, span);

                    hold.free_empty(&mut search);
                    batch.span_done(search.rest());
                }
                Next::Contended => break,
                Next::None => batch.span_done(None),
            }
            // SAFETY: We hold no lock.
            unsafe { bindings::cond_resched() };
        }
        Ok(())
    }

    /// Those that follow each other in the ring are looked at together if they are of one VMA.
    fn look_at_blocks(&mut self, batch: &mut Batch) -> Result<(), Unused> {
        let mut blocks = batch.take_blocks().peekable();

        while let Some(first) = blocks.next() {
            match self.lock_next(first << TABLE_SHIFT)? {
                Next::Locked(hold) => {
                    let block = |number| hold.lock.block(number << TABLE_SHIFT);
                    let others = from_fn(|| blocks.next_if(|&number| block(number).is_some()));

                    hold.free_empty(&mut once(first).chain(others).filter_map(block));
                }
                Next::Contended => batch.keep(first),
                Next::None => {}
            }
        }
        Ok(())
    }

    /// Locks the first VMA that ends above `addr`.
    fn lock_next(&mut self, addr: usize) -> Result<Next<'a>, Unused> {
        let next = match hints::next_vma_trylock(self.mm, addr) {
            Ok(Some(lock)) => Next::Locked(Hold::start(lock)),
            Ok(None) => Next::None,
            Err(NotLocked::Contended) => return Ok(Next::Contended),
            Err(NotLocked::Unused) => return Err(Unused),
        };

        self.made_progress = true;
        Ok(next)
    }
}

/// The next VMA
enum Next<'a> {
    Locked(Hold<'a>),
    Contended,
    None,
}

/// A time for which a VMA is locked, and what others have to suffer for it.
struct Hold<'a> {
    lock: VmaScanGuard<'a>,
    since: Instant<Monotonic>,
    /// When somebody was first seen to wait
    awaited: Cell<Option<Instant<Monotonic>>>,
    tables: Cell<u32>,
}

impl<'a> Hold<'a> {
    fn start(lock: VmaScanGuard<'a>) -> Self {
        Self {
            lock,
            since: Instant::now(),
            awaited: Cell::new(None),
            tables: Cell::new(0),
        }
    }

    /// Returns whether somebody waits for the VMA.
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

/// The blocks of a span that the locked VMA has a part of, until others should get a chance at it.
struct Search<'a> {
    hold: &'a Hold<'a>,
    /// Where to go on; not below `limit` when the VMA was searched
    next: usize,
    /// Where the VMA or the span ends, whichever is first
    limit: usize,
    /// Where the span ends
    end: usize,
    left: usize,
}

impl<'a> Search<'a> {
    fn new(hold: &'a Hold<'a>, span: RangeInclusive<usize>) -> Self {
        let end = span.end().saturating_add(1) << TABLE_SHIFT;
        let behind = hold.lock.end().checked_next_multiple_of(TABLE_SPAN);

        Self {
            hold,
            next: *span.start() << TABLE_SHIFT,
            limit: behind.unwrap_or(end).min(end),
            end,
            left: TABLES_AT_ONCE,
        }
    }

    /// Returns the number of the block where to go on.
    fn rest(&self) -> Option<usize> {
        (self.next < self.end).then_some(self.next >> TABLE_SHIFT)
    }

    /// Goes to where there is a PMD table.
    fn advance(&mut self) -> Option<Block<'a>> {
        while self.next < self.limit {
            let Some(block) = self.hold.lock.next_block(self.next) else {
                break;
            };

            match block.find() {
                Found::Slot(_) => {
                    self.next = block.start().saturating_add(TABLE_SPAN);
                    return (block.start() < self.limit).then_some(block);
                }
                Found::Hole { end } => self.next = end,
            };
            if self.hold.is_awaited() {
                return None;
            }
        }
        self.next = self.next.max(self.limit);
        None
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

/// Looks at the table at `addr` without a lock. One that has entries again has no hint any more:
/// the next time that it is empty, it gets another one.
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
fn reclaim(lock: &VmaScanGuard<'_>, gather: Pin<&mut Gather<'_>>, slot: PmdSlot<'_>, addr: usize) {
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
    let result = pmd.unhook(&table);

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
