// SPDX-License-Identifier: GPL-2.0

//! Processes that begin and end: what an entry of their parent's adds.

use crate::arena::Arena;
use crate::arena::{Folios, TABLES as HUGE_PAGES};
use crate::clock::Clock;
use crate::fork;
use crate::row::{per, Row, Took};
use crate::swap;
use anyhow::{Context, Result};
use pagetables::{PAGE, TABLE_SPAN};
use std::ffi::CString;
use std::fs;
use tempfile::TempDir;

/// So many that the rest of a process's life, which varies, does not matter.
const TABLES: usize = 64;

pub fn rows() -> Vec<Row> {
    let row = |name, what, round: fn(&Clock) -> Result<Took>| {
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
            "posix_spawn, exec and exit of a static program",
            "process",
            executing,
        ),
    ]
}

/// What a full arena adds to the time that something takes.
fn added(what: impl Fn() -> Result<u64>) -> Result<Took> {
    let arena = Arena::anon_tables(TABLES)?;
    let without = what()?;
    arena.fill();
    let with = what()?;
    Ok(per(
        with.saturating_sub(without),
        TABLES * TABLE_SPAN / PAGE,
    ))
}

fn forking(clock: &Clock) -> Result<Took> {
    added(|| fork::time(clock))
}

fn exiting(clock: &Clock) -> Result<Took> {
    added(|| fork::time_exit(clock))
}

/// So many, for the mean of what else a process leaves behind.
const EXITS: usize = 16;

fn exits(clock: &Clock) -> Result<u64> {
    (0..EXITS).map(|_| fork::time_exit(clock)).sum()
}

fn exiting_swapped(clock: &Clock) -> Result<Took> {
    const TABLES: usize = 4;
    let arena = Arena::anon_tables(TABLES)?;
    let _swap = swap::on()?;
    let without = exits(clock)?;
    arena.fill();
    swap::out(&arena.memory)?;
    let with = exits(clock)?;
    Ok(per(
        with.saturating_sub(without),
        EXITS * TABLES * TABLE_SPAN / PAGE,
    ))
}

fn exiting_huge(clock: &Clock) -> Result<Took> {
    let arena = Arena::of_folios(Folios::Pmd)?;
    let without = exits(clock)?;
    arena.fill_folios()?;
    let with = exits(clock)?;
    Ok(per(with.saturating_sub(without), EXITS * HUGE_PAGES))
}

/// A program that does nothing, on a tmpfs and linked statically: it waits for no file system of the
/// host's, and maps no libraries.
struct Nothing {
    file: CString,
    _dir: TempDir,
}

impl Nothing {
    fn new() -> Result<Self> {
        const BUSYBOX: &str = "/bin/busybox";
        let dir = tempfile::tempdir_in("/dev/shm")?;
        // It is what it is called.
        let file = dir.path().join("true");
        fs::copy(BUSYBOX, &file).with_context(|| format!("copying {BUSYBOX}"))?;
        Ok(Self {
            file: CString::new(file.into_os_string().into_encoded_bytes())?,
            _dir: dir,
        })
    }

    fn run(&self) -> Result<()> {
        fork::run(&self.file)
    }
}

fn executing(clock: &Clock) -> Result<Took> {
    const PROCESSES: usize = 50;
    let program = Nothing::new()?;
    program.run()?;
    let (ticks, done) = clock.time(|| (0..PROCESSES).try_for_each(|_| program.run()));
    done?;
    Ok(per(ticks, PROCESSES))
}
