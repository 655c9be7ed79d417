// SPDX-License-Identifier: GPL-2.0

//! References of a table: taken, dropped, frozen and given up at the same time.

use crate::memory::Memory;
use crate::refs::{Put, Refs};
use loom::sync::Arc;
use loom::thread;

/// Explores all executions in which threads are preempted up to three times.
///
/// Without a bound there are as many as one likes, as a thread may find again and again that somebody
/// was faster.
fn explore(test: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();

    model.preemption_bound = Some(3);
    model.check(test);
}

struct Table {
    refs: Refs,
    memory: Memory,
}

impl Table {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            refs: Refs::new(),
            memory: Memory::new(),
        })
    }

    /// One who keeps it for a while, if it can be had. Returns whether the reclaimer is to look at
    /// the table again.
    fn keep(&self) -> Option<bool> {
        self.refs.try_get().then(|| {
            self.memory.look();
            self.put()
        })
    }

    fn put(&self) -> bool {
        match self.refs.put() {
            Put::Shared => false,
            Put::Unused { wanted } => wanted,
            Put::Last => {
                self.memory.free();
                false
            }
        }
    }

    /// One who unhooks it if it is not in use. Returns whether it was.
    fn reclaim(&self) -> bool {
        let frozen = self.refs.freeze();

        if frozen {
            self.release();
        }
        frozen
    }

    /// The end of its life in the tree.
    fn release(&self) {
        if self.refs.give_up() {
            self.memory.free();
        }
    }
}

#[test]
fn a_table_in_use_is_not_freed_and_not_forgotten() {
    explore(|| {
        let table = Table::new();
        let other = table.clone();
        let user = thread::spawn(move || other.keep());
        let freed = table.reclaim();
        let wanted = user.join().unwrap();

        assert_eq!(freed, table.memory.is_free());
        // Who could not free it relies on being told.
        assert_eq!(wanted == Some(true), !freed);
    });
}

#[test]
fn of_many_users_one_is_told() {
    explore(|| {
        let table = Table::new();
        let users: Vec<_> = (0..2)
            .map(|_| {
                let table = table.clone();
                thread::spawn(move || table.keep())
            })
            .collect();
        let freed = table.reclaim();
        let told: Vec<_> = users.into_iter().map(|user| user.join().unwrap()).collect();
        let count = told.iter().filter(|wanted| **wanted == Some(true)).count();

        assert_eq!(freed, table.memory.is_free());
        assert_eq!(count, usize::from(!freed));
    });
}

#[test]
fn a_table_that_is_kept_outlives_its_place_in_the_tree() {
    explore(|| {
        let table = Table::new();
        assert!(table.refs.try_get());
        let other = table.clone();
        let user = thread::spawn(move || {
            other.memory.look();
            other.put()
        });
        table.release();
        user.join().unwrap();

        assert!(table.memory.is_free());
    });
}

#[test]
fn the_last_of_all_frees() {
    explore(|| {
        let table = Table::new();
        assert!(table.refs.try_get());
        assert!(table.refs.try_get());
        let users: Vec<_> = (0..2)
            .map(|_| {
                let table = table.clone();
                thread::spawn(move || {
                    table.memory.look();
                    table.put()
                })
            })
            .collect();
        table.release();
        for user in users {
            user.join().unwrap();
        }

        assert!(table.memory.is_free());
    });
}

#[test]
fn a_table_that_was_wanted_and_is_unmapped_is_freed_once() {
    explore(|| {
        let table = Table::new();
        assert!(table.refs.try_get());
        assert!(!table.refs.freeze());
        let other = table.clone();
        let user = thread::spawn(move || {
            other.memory.look();
            other.put()
        });
        table.release();
        user.join().unwrap();

        assert!(table.memory.is_free());
    });
}

#[test]
fn a_frozen_table_cannot_be_had() {
    explore(|| {
        let table = Table::new();

        assert!(table.refs.freeze());
        assert!(!table.refs.try_get());
        assert!(!table.refs.freeze());
        assert!(!table.refs.is_shared());
        table.release();
        assert!(table.memory.is_free());
    });
}

/// The model is able to see what it is to rule out.
#[test]
#[should_panic]
fn who_looks_after_dropping_is_caught() {
    explore(|| {
        let table = Table::new();
        assert!(table.refs.try_get());
        let other = table.clone();
        let user = thread::spawn(move || {
            other.put();
            other.memory.look();
        });
        table.reclaim();
        user.join().unwrap();
    });
}
