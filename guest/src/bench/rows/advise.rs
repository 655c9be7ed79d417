// SPDX-License-Identifier: GPL-2.0

//! Memory that is given back.

use crate::arena::{Arena, Folios, PAGES, TABLES};
use crate::clock::Clock;
use crate::row::{per, Row, Took};
use crate::swap;
use anyhow::Result;
use pagetables::{PAGE, TABLE_SPAN};
use std::thread;
use std::time::Duration;

pub fn rows() -> Vec<Row> {
    let row = |name, what, unit, round: fn(&Clock) -> Result<Took>| {
        Row::new("giving back", name, what, unit, round)
    };
    vec![
        row(
            "dontneed_table",
            "MADV_DONTNEED over whole tables",
            "page",
            dontneed_table,
        ),
        row(
            "dontneed_64k",
            "MADV_DONTNEED in 64 KiB pieces",
            "page",
            dontneed_64k,
        ),
        row(
            "dontneed_thp",
            "MADV_DONTNEED of huge pages",
            "huge page",
            dontneed_thp,
        ),
        row(
            "refill",
            "write to the only page of a table, some time after that was given back",
            "table",
            refill,
        ),
        row(
            "touch_dontneed",
            "a page alone in its 2 MiB, touched and given back",
            "cycle",
            touch_dontneed,
        ),
        row("madv_free", "MADV_FREE", "page", free),
        row("pageout", "MADV_PAGEOUT to zram", "page", pageout),
    ]
}

fn dontneed_table(clock: &Clock) -> Result<Took> {
    let arena = Arena::full()?;
    let (ticks, done) = clock.time(|| arena.memory.dont_need(0..arena.memory.len()));
    done?;
    Ok(per(ticks, PAGES))
}

fn dontneed_64k(clock: &Clock) -> Result<Took> {
    const PIECE: usize = 64 << 10;
    let arena = Arena::full()?;
    let (ticks, done) = clock.time(|| {
        (0..arena.memory.len())
            .step_by(PIECE)
            .try_for_each(|offset| arena.memory.dont_need(offset..offset + PIECE))
    });
    done?;
    Ok(per(ticks, PAGES))
}

fn dontneed_thp(clock: &Clock) -> Result<Took> {
    // What is freed goes through the zone in bulk now and then: many times, for the mean of it.
    const TIMES: usize = 16;
    let arena = Arena::of_folios(Folios::Pmd)?;
    let mut sum = 0;
    for _ in 0..TIMES {
        arena.fill_folios()?;
        let (ticks, done) = clock.time(|| arena.memory.dont_need(0..arena.memory.len()));
        done?;
        sum += ticks;
    }
    Ok(per(sum, TIMES * TABLES))
}

fn refill(clock: &Clock) -> Result<Took> {
    const TABLES: usize = 256;
    let arena = Arena::anon_tables(TABLES)?;
    arena.first_pages();
    (0..arena.memory.len())
        .step_by(TABLE_SPAN)
        .try_for_each(|table| arena.memory.dont_need(table..table + PAGE))?;
    // Longer than an empty table is spared; not in one piece, as an idle processor defers that work.
    (0..20).for_each(|_| thread::sleep(Duration::from_millis(20)));
    let (ticks, ()) = clock.time(|| arena.first_pages());
    Ok(per(ticks, TABLES))
}

fn touch_dontneed(clock: &Clock) -> Result<Took> {
    // Long enough for the reclaimer to come by several times.
    const CYCLES: usize = 40_000;
    const AT: usize = 100 * PAGE;
    let arena = Arena::anon_tables(1)?;
    let (ticks, done) = clock.time(|| {
        (0..CYCLES).try_for_each(|_| {
            arena.memory.write(AT);
            arena.memory.dont_need(AT..AT + PAGE)
        })
    });
    done?;
    Ok(per(ticks, CYCLES))
}

fn free(clock: &Clock) -> Result<Took> {
    let arena = Arena::full()?;
    let (ticks, done) = clock.time(|| arena.memory.free(0..arena.memory.len()));
    done?;
    Ok(per(ticks, PAGES))
}

fn pageout(clock: &Clock) -> Result<Took> {
    const TABLES: usize = 4;
    let arena = Arena::anon_tables(TABLES)?;
    let _swap = swap::on()?;
    arena.fill();
    let (ticks, done) = clock.time(|| swap::out(&arena.memory));
    done?;
    Ok(per(ticks, TABLES * TABLE_SPAN / PAGE))
}
