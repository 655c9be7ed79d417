// SPDX-License-Identifier: GPL-2.0

//! Memory that is mapped ahead of its use.

use crate::arena::{Arena, LEN, PAGES};
use crate::clock::Clock;
use crate::row::{per, Row, Took};
use anyhow::Result;
use pagetables::map::{Mapping, Of};

pub fn rows() -> Vec<Row> {
    let row = |name, what, round: fn(&Clock) -> Result<Took>| {
        Row::new("populating", name, what, "page", round)
    };
    vec![
        row("populate_anon", "MAP_POPULATE of anonymous memory", anon),
        row(
            "populate_shmem",
            "MAP_POPULATE of shared memory that has every page",
            shmem,
        ),
        row("mlock", "mlock of resident memory", mlock),
        row("mlock_fill", "mlock that brings the memory in", mlock_fill),
    ]
}

fn populate(clock: &Clock, of: Of) -> Result<Took> {
    let _anchor = Arena::bare()?;
    let (ticks, memory) = clock.time(|| Mapping::populated_at(Arena::base(), LEN, of));
    drop(memory?);
    Ok(per(ticks, PAGES))
}

fn anon(clock: &Clock) -> Result<Took> {
    populate(clock, Of::Anon)
}

fn shmem(clock: &Clock) -> Result<Took> {
    populate(clock, Of::Shared(&Arena::cached_file()?))
}

fn mlock(clock: &Clock) -> Result<Took> {
    let arena = Arena::full()?;
    let (ticks, done) = clock.time(|| arena.memory.lock());
    done?;
    Ok(per(ticks, PAGES))
}

fn mlock_fill(clock: &Clock) -> Result<Took> {
    let arena = Arena::anon()?;
    let (ticks, done) = clock.time(|| arena.memory.lock());
    done?;
    Ok(per(ticks, PAGES))
}
