// SPDX-License-Identifier: GPL-2.0

//! What reads page tables for user space.

use crate::arena::{Arena, PAGES};
use crate::clock::Clock;
use crate::row::{per, Row, Took};
use crate::sys;
use anyhow::{ensure, Context, Result};
use pagetables::pagemap::Pagemap;
use pagetables::{tools, PAGE, TABLE_SPAN};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;

/// Tables that a range of nothing but holes would have
const SPARSE: usize = 256;

pub fn rows() -> Vec<Row> {
    let row = |name, what, round: fn(&Clock) -> Result<Took>| {
        Row::new("walks", name, what, "page", round)
    };
    vec![
        row("mincore", "mincore of resident memory", mincore),
        Row::new(
            "walks",
            "mincore_hole",
            "mincore where no table is",
            "table",
            mincore_hole,
        ),
        row("pagemap_read", "read of /proc/PID/pagemap", pagemap_read),
        row(
            "pagemap_scan",
            "PAGEMAP_SCAN of present memory",
            pagemap_scan,
        ),
        row("smaps", "read of /proc/PID/smaps", |c| {
            proc_read(c, "/proc/self/smaps")
        }),
        row("smaps_rollup", "read of /proc/PID/smaps_rollup", |c| {
            proc_read(c, "/proc/self/smaps_rollup")
        }),
        row("numa_maps", "read of /proc/PID/numa_maps", |c| {
            proc_read(c, "/proc/self/numa_maps")
        }),
        row(
            "clear_refs",
            "1 to /proc/PID/clear_refs: referenced bits",
            |c| clear(c, "1"),
        ),
        row(
            "clear_soft_dirty",
            "4 to /proc/PID/clear_refs: soft-dirty bits",
            |c| clear(c, "4"),
        ),
    ]
}

fn mincore(clock: &Clock) -> Result<Took> {
    let arena = Arena::full()?;
    let mut residency = vec![1; PAGES];
    let (ticks, done) = clock.time(|| sys::mincore(&arena.memory, &mut residency));
    done?;
    ensure!(
        residency.iter().all(|byte| byte & 1 == 1),
        "not all is resident"
    );
    Ok(per(ticks, PAGES))
}

fn mincore_hole(clock: &Clock) -> Result<Took> {
    let arena = Arena::anon_tables(SPARSE)?;
    let mut residency = vec![1; SPARSE * TABLE_SPAN / PAGE];
    let (ticks, done) = clock.time(|| sys::mincore(&arena.memory, &mut residency));
    done?;
    ensure!(
        residency.iter().all(|byte| byte & 1 == 0),
        "what is resident?"
    );
    Ok(per(ticks, SPARSE))
}

fn pagemap_read(clock: &Clock) -> Result<Took> {
    const WORD: usize = 8;
    let arena = Arena::full()?;
    let file = File::open("/proc/self/pagemap")?;
    let mut words = vec![1; PAGES * WORD];
    let at = arena.memory.range().start / PAGE as u64 * WORD as u64;
    let (ticks, done) = clock.time(|| file.read_exact_at(&mut words, at));
    done.context("reading the pagemap")?;
    Ok(per(ticks, PAGES))
}

fn pagemap_scan(clock: &Clock) -> Result<Took> {
    let arena = Arena::full()?;
    let pagemap = Pagemap::open(std::process::id())?;
    let (ticks, found) = clock.time(|| pagemap.entries(arena.memory.range()));
    ensure!(found? == PAGES as u64, "PAGEMAP_SCAN missed pages");
    Ok(per(ticks, PAGES))
}

/// The whole address space is read; the arena is nearly all of it.
fn proc_read(clock: &Clock, path: &str) -> Result<Took> {
    let _arena = Arena::full()?;
    let mut file = File::open(path).with_context(|| format!("opening {path}"))?;
    let mut buffer = vec![1; 64 << 10];
    let (ticks, done) = clock.time(|| -> Result<usize> {
        let mut total = 0;
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(total),
                n => total += n,
            }
        }
    });
    ensure!(done? > 0, "{path} is empty");
    Ok(per(ticks, PAGES))
}

fn clear(clock: &Clock, what: &str) -> Result<Took> {
    let _arena = Arena::full()?;
    let (ticks, done) = clock.time(|| tools::set("/proc/self/clear_refs", what));
    done?;
    Ok(per(ticks, PAGES))
}
