// SPDX-License-Identifier: GPL-2.0

//! A device's page table that follows ours (HMM).

use crate::arena::{Arena, PAGES};
use crate::clock::Clock;
use crate::hmm_test::Mirror;
use crate::row::{per, Row, Took};
use anyhow::Result;
use pagetables::map::Mapping;
use pagetables::{PAGE, TABLE_SPAN};

/// The device's read copies what it reads: less of it.
const READ_TABLES: usize = 8;

pub fn rows() -> Vec<Row> {
    let row = |name, what, round: fn(&Clock) -> Result<Took>| {
        Row::new("device memory", name, what, "page", round)
    };
    vec![
        row(
            "hmm_snapshot",
            "hmm_range_fault that faults nothing, resident memory",
            |clock| {
                let arena = Arena::anon()?;
                arena.fill();
                snapshot(clock, &arena.memory)
            },
        ),
        row(
            "hmm_snapshot_cold",
            "the same where nothing is mapped",
            |clock| snapshot(clock, &Arena::anon()?.memory),
        ),
        row(
            "hmm_fault",
            "a device's first read of resident memory, with the copy",
            |clock| {
                let arena = Arena::anon_tables(READ_TABLES)?;
                arena.fill();
                read(clock, &arena.memory)
            },
        ),
        row(
            "hmm_fault_cold",
            "the same where nothing is mapped",
            |clock| read(clock, &Arena::anon_tables(READ_TABLES)?.memory),
        ),
    ]
}

fn snapshot(clock: &Clock, memory: &Mapping) -> Result<Took> {
    let mirror = Mirror::open()?;
    let mut bytes = vec![1; PAGES];
    let (ticks, done) = clock.time(|| mirror.snapshot(memory, &mut bytes));
    done?;
    Ok(per(ticks, PAGES))
}

fn read(clock: &Clock, memory: &Mapping) -> Result<Took> {
    let mirror = Mirror::open()?;
    let mut bytes = vec![1; memory.len()];
    let (ticks, done) = clock.time(|| mirror.read(memory, &mut bytes));
    done?;
    Ok(per(ticks, READ_TABLES * TABLE_SPAN / PAGE))
}
