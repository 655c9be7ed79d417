// SPDX-License-Identifier: GPL-2.0

//! The ring of hints: some blocks by number, and a span that the rest lie in.

use core::{
    mem::{replace, take},
    ops::RangeInclusive,
};
use kernel::bindings;

const SLOTS: usize = bindings::PTE_TABLE_HINTS as usize;

/// The blocks that one run of the reclaimer is to look at.
pub(super) struct Batch {
    blocks: [usize; SLOTS],
    len: usize,
    span: Option<RangeInclusive<usize>>,
}

impl Batch {
    /// Takes each block that there was a hint for.
    pub(super) fn take_blocks(&mut self) -> impl Iterator<Item = usize> {
        self.blocks.into_iter().take(take(&mut self.len))
    }

    /// Returns each block that there was a hint for, and that was not taken.
    pub(super) fn blocks(&self) -> &[usize] {
        self.blocks.get(..self.len).unwrap_or(&[])
    }

    /// Puts a block back that was taken.
    pub(super) fn keep(&mut self, block: usize) {
        if let Some(slot) = self.blocks.get_mut(self.len) {
            *slot = block;
            self.len += 1;
        }
    }

    /// Returns the span of blocks that hints were lost for.
    pub(super) fn span(&self) -> Option<RangeInclusive<usize>> {
        self.span.clone()
    }

    /// Returns whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0 && self.span.is_none()
    }

    /// Notes that the blocks of the span below this one were looked at; all of them if there is
    /// none.
    pub(super) fn span_done(&mut self, next: Option<usize>) {
        self.span = self.span().zip(next).map(|(span, next)| next..=*span.end());
    }
}

/// The ring of an mm, for as long as its lock is held.
pub(super) struct Ring<'a>(&'a mut bindings::pte_table_ring);

impl<'a> Ring<'a> {
    pub(super) fn new(raw: &'a mut bindings::pte_table_ring) -> Self {
        Self(raw)
    }

    /// Returns how many blocks are in it by number.
    pub(super) fn len(&self) -> usize {
        usize::from(self.0.nr)
    }

    /// Adds a block; returns false if there was no room for it, so that the span had to grow.
    pub(super) fn add(&mut self, block: usize) -> bool {
        let len = self.len();
        let last = len.checked_sub(1).and_then(|i| self.0.slots.get(i));

        if last == Some(&block) {
            return true;
        }
        if let Some(slot) = self.0.slots.get_mut(len) {
            *slot = block;
            self.0.nr += 1;
            return true;
        }
        self.widen(block);
        false
    }

    /// Makes the span reach to a block.
    pub(super) fn widen(&mut self, block: usize) {
        self.0.rescan_first = self.0.rescan_first.min(block);
        self.0.rescan_last = self.0.rescan_last.max(block);
    }

    /// Puts back what was taken and not looked at, as the reclaimer could not lock a VMA. Returns
    /// how often in a row it could lock none.
    pub(super) fn put_back(&mut self, batch: &Batch) -> u8 {
        for &block in batch.blocks() {
            self.add(block);
        }
        if let Some(span) = batch.span() {
            self.widen(*span.start());
            self.widen(*span.end());
        }
        self.0.refused = self.0.refused.saturating_add(1);
        self.0.refused
    }

    /// Notes that the reclaimer could lock a VMA.
    pub(super) fn got_through(&mut self) {
        self.0.refused = 0;
    }

    /// Notes that the reclaimer will come; returns false if that was known.
    pub(super) fn expect_reclaimer(&mut self) -> bool {
        !replace(&mut self.0.scheduled, true)
    }

    /// Returns whether the reclaimer will come.
    pub(super) fn is_reclaimer_expected(&self) -> bool {
        self.0.scheduled
    }

    /// Takes everything out, for a reclaimer that has come.
    pub(super) fn take(&mut self) -> Batch {
        let first = replace(&mut self.0.rescan_first, usize::MAX);
        let last = replace(&mut self.0.rescan_last, 0);

        self.0.scheduled = false;
        Batch {
            blocks: self.0.slots,
            len: usize::from(replace(&mut self.0.nr, 0)),
            span: (first <= last).then_some(first..=last),
        }
    }
}

#[cfg(CONFIG_KUNIT)]
#[kernel::prelude::kunit_tests(free_user_pte_ring)]
mod tests {
    use super::*;

    fn empty() -> bindings::pte_table_ring {
        bindings::pte_table_ring {
            nr: 0,
            scheduled: false,
            refused: 0,
            slots: [0; SLOTS],
            rescan_first: usize::MAX,
            rescan_last: 0,
        }
    }

    #[test]
    fn nothing_comes_out_of_an_empty_ring() {
        let mut raw = empty();
        let batch = Ring::new(&mut raw).take();

        assert!(batch.is_empty());
        assert!(batch.blocks().is_empty());
        assert!(batch.span().is_none());
    }

    #[test]
    fn blocks_come_out_in_order_and_once() {
        let mut raw = empty();
        let mut ring = Ring::new(&mut raw);

        assert!(ring.add(7));
        assert!(ring.add(0));
        assert!(ring.add(0));
        assert!(ring.add(7));
        let batch = ring.take();
        assert_eq!(batch.blocks(), [7, 0, 7].as_slice());
        assert!(batch.span().is_none());
        assert!(ring.take().is_empty());
    }

    #[test]
    fn what_does_not_fit_is_in_the_span() {
        let mut raw = empty();
        let mut ring = Ring::new(&mut raw);

        for block in 0..SLOTS {
            assert!(ring.add(2 * block));
        }
        assert!(!ring.add(1000));
        assert!(!ring.add(500));
        assert!(!ring.add(700));
        let batch = ring.take();
        assert_eq!(batch.blocks().len(), SLOTS);
        assert_eq!(batch.span(), Some(500..=1000));
        assert!(ring.take().is_empty());
    }

    #[test]
    fn a_span_of_one_block_is_one() {
        let mut raw = empty();
        let mut ring = Ring::new(&mut raw);

        ring.widen(0);
        assert_eq!(ring.take().span(), Some(0..=0));
    }

    #[test]
    fn what_was_not_looked_at_comes_again() {
        let mut raw = empty();
        let mut ring = Ring::new(&mut raw);

        for block in 0..=SLOTS {
            ring.add(block);
        }
        ring.widen(SLOTS + 9);
        let mut batch = ring.take();
        let kept = batch.take_blocks().find(|&block| block == 3);
        kept.into_iter().for_each(|block| batch.keep(block));
        batch.span_done(Some(SLOTS + 4));
        assert_eq!(ring.put_back(&batch), 1);
        let mut batch = ring.take();
        assert_eq!(batch.blocks(), [3].as_slice());
        assert_eq!(batch.span(), Some(SLOTS + 4..=SLOTS + 9));
        assert_eq!(ring.put_back(&batch), 2);
        ring.got_through();
        batch.take_blocks().for_each(drop);
        batch.span_done(None);
        assert!(batch.is_empty());
        assert_eq!(ring.put_back(&batch), 1);
    }

    #[test]
    fn the_reclaimer_is_called_once_until_it_comes() {
        let mut raw = empty();
        let mut ring = Ring::new(&mut raw);

        assert!(ring.expect_reclaimer());
        assert!(!ring.expect_reclaimer());
        ring.take();
        assert!(ring.expect_reclaimer());
    }
}
