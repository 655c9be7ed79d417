// SPDX-License-Identifier: GPL-2.0

//! Whole mappings: unmapped, protected, moved.

use crate::arena::{Arena, PAGES};
use crate::clock::Clock;
use crate::row::{per, Row, Took};
use crate::swap;
use anyhow::Result;
use pagetables::map::{Mapping, Of};
use pagetables::{PAGE, TABLE_SPAN};

pub fn rows() -> Vec<Row> {
    let row = |name, what, round: fn(&Clock) -> Result<Took>| {
        Row::new("mappings", name, what, "page", round)
    };
    vec![
        row("munmap", "munmap", munmap),
        Row::new(
            "mappings",
            "munmap_edges",
            "munmap that begins and ends inside a table, whose only pages these are",
            "call",
            munmap_edges,
        ),
        row(
            "munmap_swapped",
            "munmap of what is in zram",
            munmap_swapped,
        ),
        row("mprotect", "mprotect", mprotect),
        row("mremap", "mremap that moves entry by entry", |c| {
            mremap(c, PAGE)
        }),
        row("mremap_tables", "mremap that moves whole tables", |c| {
            mremap(c, 0)
        }),
    ]
}

fn munmap(clock: &Clock) -> Result<Took> {
    let arena = Arena::full()?;
    let Arena { memory, anchor, .. } = arena;
    let (ticks, ()) = clock.time(|| drop(memory));
    drop(anchor);
    Ok(per(ticks, PAGES))
}

fn munmap_edges(clock: &Clock) -> Result<Took> {
    const CALLS: usize = 64;
    const EDGE: usize = 200 * PAGE;
    // What it frees and takes goes through pages in bulk now and then: many times, for the mean of it.
    const TIMES: usize = 32;
    let _anchor = Arena::bare()?;
    let mut sum = 0;
    for _ in 0..TIMES {
        let pieces = (0..CALLS)
            .map(|n| {
                let whole = Mapping::at(Arena::base() + n * TABLE_SPAN, TABLE_SPAN, Of::Anon)?;
                whole.no_huge_pages()?;
                let piece = whole.cut(EDGE..TABLE_SPAN - EDGE)?;
                piece.write(0);
                Ok(piece)
            })
            .collect::<Result<Vec<_>>>()?;
        let (ticks, ()) = clock.time(|| drop(pieces));
        sum += ticks;
    }
    Ok(per(sum, TIMES * CALLS))
}

fn munmap_swapped(clock: &Clock) -> Result<Took> {
    const TABLES: usize = 4;
    let arena = Arena::anon_tables(TABLES)?;
    let swap = swap::on()?;
    arena.fill();
    swap::out(&arena.memory)?;
    let Arena { memory, anchor, .. } = arena;
    let (ticks, ()) = clock.time(|| drop(memory));
    drop((anchor, swap));
    Ok(per(ticks, TABLES * TABLE_SPAN / PAGE))
}

fn mprotect(clock: &Clock) -> Result<Took> {
    let arena = Arena::full()?;
    let (ticks, done) = clock.time(|| {
        arena.memory.protect(false)?;
        arena.memory.protect(true)
    });
    done?;
    Ok(per(ticks, 2 * PAGES))
}

fn mremap(clock: &Clock, shift: usize) -> Result<Took> {
    let mut arena = Arena::full()?;
    let place = Arena::elsewhere()?;
    let (ticks, done) = clock.time(|| arena.memory.move_into(place, shift));
    done?;
    Ok(per(ticks, PAGES))
}
