// SPDX-License-Identifier: GPL-2.0

//! Hints that are left and taken at the same time: each is seen by a reclaimer that comes later, also
//! if one that came before could not lock the VMA.

use crate::bindings::pte_table_ring;
use crate::ring::Ring;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

/// As `struct pte_table_hints`: a ring, its lock, and work that is run as often as it is queued.
struct Hints {
    ring: Mutex<pte_table_ring>,
    queued: AtomicUsize,
    /// That of the VMA
    vma_lock: Mutex<()>,
}

impl Hints {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            ring: Mutex::new(pte_table_ring {
                nr: 0,
                scheduled: false,
                refused: 0,
                slots: [0; 2],
                rescan_first: usize::MAX,
                rescan_last: 0,
            }),
            queued: AtomicUsize::new(0),
            vma_lock: Mutex::new(()),
        })
    }

    fn push(&self, block: usize) {
        let mut raw = self.ring.lock().unwrap();
        let mut ring = Ring::new(&mut raw);

        ring.add(block);
        if ring.expect_reclaimer() {
            self.queued.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Looks at all that is in the ring, or puts it back if somebody has the VMA locked.
    fn take(&self, seen: &mut Vec<usize>) {
        let mut batch = Ring::new(&mut self.ring.lock().unwrap()).take();
        let Ok(_vma_lock) = self.vma_lock.try_lock() else {
            let mut raw = self.ring.lock().unwrap();
            let mut ring = Ring::new(&mut raw);

            ring.put_back(&batch);
            if ring.expect_reclaimer() {
                self.queued.fetch_add(1, Ordering::Relaxed);
            }
            return;
        };

        seen.extend(batch.take_blocks());
        seen.extend(batch.span().into_iter().flatten());
    }

    /// Runs the work if it is queued.
    fn work(&self, seen: &mut Vec<usize>) {
        while self.queued.load(Ordering::Relaxed) > 0 {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            self.take(seen);
        }
    }
}

fn all_are_seen(blocks: &'static [&'static [usize]], has_writer: bool) {
    let mut model = loom::model::Builder::new();

    model.preemption_bound = Some(3);
    model.check(move || {
        let hints = Hints::new();
        let pushers: Vec<_> = blocks
            .iter()
            .map(|mine| {
                let hints = hints.clone();
                thread::spawn(move || mine.iter().for_each(|&block| hints.push(block)))
            })
            .collect();
        let writer = has_writer.then(|| {
            let hints = hints.clone();
            thread::spawn(move || {
                let _vma_lock = hints.vma_lock.lock().unwrap();

                // Others may run while it has the lock.
                hints.queued.load(Ordering::Relaxed);
            })
        });
        let mut seen = Vec::new();

        // Once: a try that comes again at once would go on for ever where nobody else has a turn.
        if hints.queued.load(Ordering::Relaxed) > 0 {
            hints.queued.fetch_sub(1, Ordering::Relaxed);
            hints.take(&mut seen);
        }
        for pusher in pushers.into_iter().chain(writer) {
            pusher.join().unwrap();
        }
        // What is queued now runs some time.
        hints.work(&mut seen);
        for block in blocks.iter().copied().flatten() {
            assert!(seen.contains(block), "{block} was lost: {seen:?}");
        }
    });
}

#[test]
fn no_hint_is_lost() {
    all_are_seen(&[&[7], &[9]], false);
}

#[test]
fn no_hint_is_lost_when_there_is_no_room() {
    all_are_seen(&[&[7, 3], &[9, 5]], false);
}

#[test]
fn the_same_hint_twice_is_seen() {
    all_are_seen(&[&[7], &[7]], false);
}

#[test]
fn no_hint_is_lost_when_a_writer_has_the_lock() {
    all_are_seen(&[&[7, 3, 5]], true);
}
