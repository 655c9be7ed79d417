// SPDX-License-Identifier: GPL-2.0

//! Processes that begin and end: what an entry of their parent's adds.

use crate::arena::Arena;
use crate::arena::{Folios, TABLES as HUGE_PAGES};
use crate::clock::Clock;
use crate::fork;
use crate::row::{per, Row};
use crate::swap;
use anyhow::Result;
use pagetables::{PAGE, TABLE_SPAN};

/// So many that the rest of a process's life, which varies, does not matter.
const TABLES: usize = 64;

pub fn rows() -> Vec<Row> {
    let row = |name, what, round: fn(&Clock) -> Result<f64>| {
        Row::new("processes", name, what, "entry", round)
    };
    vec![
        row("fork", "fork, an anonymous entry", forking),
        row(
            "exit",
            "exit, an anonymous entry shared with the parent",
            exiting,
        ),
        row(
            "exit_swapped",
            "exit, an entry of what is in zram, shared with the parent",
            exiting_swapped,
        ),
        Row::new(
            "processes",
            "exit_thp",
            "exit, a huge page shared with the parent",
            "huge page",
            exiting_huge,
        ),
        Row::new(
            "processes",
            "exec",
            "posix_spawn and exit of /bin/true",
            "process",
            executing,
        ),
    ]
}

/// What a full arena adds to the time that something takes.
fn added(what: impl Fn() -> Result<u64>) -> Result<f64> {
    let arena = Arena::anon_tables(TABLES)?;
    let without = what()?;
    arena.fill();
    let with = what()?;
    Ok(per(
        with.saturating_sub(without),
        TABLES * TABLE_SPAN / PAGE,
    ))
}

fn forking(clock: &Clock) -> Result<f64> {
    added(|| fork::time(clock))
}

fn exiting(clock: &Clock) -> Result<f64> {
    added(|| fork::time_exit(clock))
}

fn exiting_swapped(clock: &Clock) -> Result<f64> {
    const TABLES: usize = 4;
    let arena = Arena::anon_tables(TABLES)?;
    let _swap = swap::on()?;
    let without = fork::time_exit(clock)?;
    arena.fill();
    swap::out(&arena.memory)?;
    let with = fork::time_exit(clock)?;
    Ok(per(
        with.saturating_sub(without),
        TABLES * TABLE_SPAN / PAGE,
    ))
}

fn exiting_huge(clock: &Clock) -> Result<f64> {
    let arena = Arena::of_folios(Folios::Pmd)?;
    let without = fork::time_exit(clock)?;
    arena.fill_folios()?;
    let with = fork::time_exit(clock)?;
    Ok(per(with.saturating_sub(without), HUGE_PAGES))
}

fn executing(clock: &Clock) -> Result<f64> {
    const PROCESSES: usize = 20;
    // Once before, so that all of it is in the page cache.
    fork::run(c"/bin/true")?;
    let (ticks, done) = clock.time(|| (0..PROCESSES).try_for_each(|_| fork::run(c"/bin/true")));
    done?;
    Ok(per(ticks, PROCESSES))
}
