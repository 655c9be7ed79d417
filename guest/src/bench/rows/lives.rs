// SPDX-License-Identifier: GPL-2.0

//! Processes that begin and end: what an entry of their parent's adds.

use crate::arena::Arena;
use crate::clock::Clock;
use crate::fork;
use crate::row::{per, Row};
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
