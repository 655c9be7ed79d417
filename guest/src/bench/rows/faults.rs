// SPDX-License-Identifier: GPL-2.0

//! Page faults.

use crate::arena::{Arena, Folios, PAGES, REST};
use crate::clock::Clock;
use crate::fork;
use crate::row::{per, Row, Took};
use crate::swap;
use anyhow::Result;
use pagetables::{PAGE, TABLE_SPAN};

pub fn rows() -> Vec<Row> {
    let row = |name, what, unit, round: fn(&Clock) -> Result<Took>| {
        Row::new("faults", name, what, unit, round)
    };
    vec![
        row("anon_fault", "write to new anonymous memory", "page", anon),
        row("zero_fault", "read that maps the zero page", "page", zero),
        row(
            "shmem_fault",
            "write to a fresh page of shared memory",
            "page",
            shmem,
        ),
        row(
            "shmem_map",
            "write to a page that the shared memory has",
            "page",
            shmem_map,
        ),
        row(
            "shmem_read",
            "read of pages that the shared memory has, 16 a fault",
            "page",
            shmem_read,
        ),
        row(
            "cow_fault",
            "write to a private mapping of a file",
            "page",
            cow,
        ),
        row(
            "wp_fault",
            "write after a fork whose child is gone",
            "page",
            reuse,
        ),
        row("table_fault", "read that needs a new table", "fault", table),
        row(
            "mthp_fault",
            "write that gets a 64 KiB folio",
            "fault",
            mthp,
        ),
        row("swapin_fault", "read of a page in zram", "page", swapin),
    ]
}

fn write_each_other(clock: &Clock, arena: &Arena) -> Took {
    let (ticks, ()) = clock.time(|| arena.each_other(|memory, offset| memory.write(offset)));
    per(ticks, REST)
}

fn read_each_other(clock: &Clock, arena: &Arena) -> Took {
    let (ticks, ()) = clock.time(|| {
        arena.each_other(|memory, offset| {
            memory.read(offset);
        });
    });
    per(ticks, REST)
}

fn anon(clock: &Clock) -> Result<Took> {
    let arena = Arena::anon()?;
    arena.first_pages();
    Ok(write_each_other(clock, &arena))
}

fn zero(clock: &Clock) -> Result<Took> {
    let arena = Arena::anon()?;
    arena.first_pages();
    Ok(read_each_other(clock, &arena))
}

fn shmem(clock: &Clock) -> Result<Took> {
    let arena = Arena::shmem()?;
    arena.first_pages();
    Ok(write_each_other(clock, &arena))
}

/// Shared memory that has every page, of which only the first of each table is mapped.
fn cached() -> Result<Arena> {
    let arena = Arena::shmem()?;
    arena.fill();
    arena.memory.dont_need(0..arena.memory.len())?;
    arena.first_pages();
    Ok(arena)
}

fn shmem_map(clock: &Clock) -> Result<Took> {
    Ok(write_each_other(clock, &cached()?))
}

fn shmem_read(clock: &Clock) -> Result<Took> {
    Ok(read_each_other(clock, &cached()?))
}

fn cow(clock: &Clock) -> Result<Took> {
    let arena = Arena::private_file()?;
    arena.first_pages();
    Ok(write_each_other(clock, &arena))
}

fn reuse(clock: &Clock) -> Result<Took> {
    let arena = Arena::full()?;
    // It protects every page; the child's end makes them all the parent's own again.
    fork::time(clock)?;
    Ok(write_each_other(clock, &arena))
}

fn table(clock: &Clock) -> Result<Took> {
    const TABLES: usize = 256;
    // What was freed before comes back in bulk now and then: many times, for the mean of it.
    const TIMES: usize = 64;
    let mut sum = 0;
    for _ in 0..TIMES {
        let arena = Arena::anon_tables(TABLES)?;
        let (ticks, ()) = clock.time(|| {
            for table in 0..TABLES {
                arena.memory.read(table * TABLE_SPAN);
            }
        });
        sum += ticks;
    }
    Ok(per(sum, TIMES * TABLES))
}

fn mthp(clock: &Clock) -> Result<Took> {
    const FOLIO: usize = 64 << 10;
    const FOLIOS: usize = PAGES * PAGE / FOLIO;
    let arena = Arena::of_folios(Folios::Kib64)?;
    let (ticks, ()) = clock.time(|| {
        for offset in (0..arena.memory.len()).step_by(FOLIO) {
            arena.memory.write(offset);
        }
    });
    arena.check_folios()?;
    Ok(per(ticks, FOLIOS))
}

fn swapin(clock: &Clock) -> Result<Took> {
    const TABLES: usize = 4;
    let arena = Arena::anon_tables(TABLES)?;
    let _swap = swap::on()?;
    arena.fill();
    swap::out(&arena.memory)?;
    let (ticks, ()) = clock.time(|| {
        for offset in (0..arena.memory.len()).step_by(PAGE) {
            arena.memory.read(offset);
        }
    });
    Ok(per(ticks, TABLES * TABLE_SPAN / PAGE))
}
