// SPDX-License-Identifier: GPL-2.0

//! The operations. A round sets the scene, does one of them many times, and returns the ticks of
//! each.

use crate::arena::{Arena, PAGES, REST};
use crate::clock::Clock;
use crate::fork;
use anyhow::Result;
use pagetables::{PAGE, TABLE_SPAN};

pub struct Op {
    pub name: &'static str,
    pub what: &'static str,
    pub round: fn(&Clock) -> Result<f64>,
}

const fn op(name: &'static str, what: &'static str, round: fn(&Clock) -> Result<f64>) -> Op {
    Op { name, what, round }
}

pub const ALL: &[Op] = &[
    op("anon_fault", "write fault on anonymous memory", anon_fault),
    op(
        "zero_fault",
        "read fault that maps the zero page",
        zero_fault,
    ),
    op(
        "shmem_fault",
        "write fault on a fresh page of shared memory",
        shmem_fault,
    ),
    op(
        "shmem_map",
        "write fault on a page that the shared memory has already",
        shmem_map,
    ),
    op(
        "table_fault",
        "read fault that needs a new table",
        table_fault,
    ),
    op(
        "wp_fault",
        "write-protect fault on a page that is reused",
        wp_fault,
    ),
    op("fork", "fork, per anonymous entry", fork_entry),
    op("munmap", "munmap, per page", munmap),
    op("mprotect", "mprotect, per page", mprotect),
    op(
        "dontneed_table",
        "MADV_DONTNEED over whole tables, per page",
        dontneed_table,
    ),
    op(
        "dontneed_64k",
        "MADV_DONTNEED in 64 KiB pieces, per page",
        dontneed_64k,
    ),
    op(
        "touch_dontneed",
        "touch a page and give it back, alone in its 2 MiB, per cycle",
        touch_dontneed,
    ),
];

fn per(ticks: u64, count: usize) -> f64 {
    ticks as f64 / count as f64
}

fn anon_fault(clock: &Clock) -> Result<f64> {
    let arena = Arena::anon()?;
    arena.first_pages();
    let (ticks, ()) = clock.time(|| arena.each_other(|memory, offset| memory.write(offset)));
    Ok(per(ticks, REST))
}

fn zero_fault(clock: &Clock) -> Result<f64> {
    let arena = Arena::anon()?;
    arena.first_pages();
    let (ticks, ()) = clock.time(|| {
        arena.each_other(|memory, offset| {
            memory.read(offset);
        });
    });
    Ok(per(ticks, REST))
}

fn shmem_fault(clock: &Clock) -> Result<f64> {
    let arena = Arena::shmem()?;
    arena.first_pages();
    let (ticks, ()) = clock.time(|| arena.each_other(|memory, offset| memory.write(offset)));
    Ok(per(ticks, REST))
}

fn shmem_map(clock: &Clock) -> Result<f64> {
    let arena = Arena::shmem()?;
    arena.fill();
    arena.memory.dont_need(0..arena.memory.len())?;
    arena.first_pages();
    let (ticks, ()) = clock.time(|| arena.each_other(|memory, offset| memory.write(offset)));
    Ok(per(ticks, REST))
}

fn table_fault(clock: &Clock) -> Result<f64> {
    const TABLES: usize = 256;
    let arena = Arena::anon_tables(TABLES)?;
    let (ticks, ()) = clock.time(|| {
        for table in 0..TABLES {
            arena.memory.read(table * TABLE_SPAN);
        }
    });
    Ok(per(ticks, TABLES))
}

fn wp_fault(clock: &Clock) -> Result<f64> {
    let arena = Arena::anon()?;
    arena.fill();
    // It protects every page; the child's end makes them all the parent's own again.
    fork::time(clock)?;
    let (ticks, ()) = clock.time(|| arena.each_other(|memory, offset| memory.write(offset)));
    Ok(per(ticks, REST))
}

fn fork_entry(clock: &Clock) -> Result<f64> {
    let arena = Arena::anon()?;
    let without = fork::time(clock)?;
    arena.fill();
    let with = fork::time(clock)?;
    Ok(per(with.saturating_sub(without), PAGES))
}

fn munmap(clock: &Clock) -> Result<f64> {
    let arena = Arena::anon()?;
    arena.fill();
    let Arena { memory, anchor } = arena;
    let (ticks, ()) = clock.time(|| drop(memory));
    drop(anchor);
    Ok(per(ticks, PAGES))
}

fn mprotect(clock: &Clock) -> Result<f64> {
    let arena = Arena::anon()?;
    arena.fill();
    let (ticks, done) = clock.time(|| {
        arena.memory.protect(false)?;
        arena.memory.protect(true)
    });
    done?;
    Ok(per(ticks, 2 * PAGES))
}

fn dontneed_table(clock: &Clock) -> Result<f64> {
    let arena = Arena::anon()?;
    arena.fill();
    let (ticks, done) = clock.time(|| arena.memory.dont_need(0..arena.memory.len()));
    done?;
    Ok(per(ticks, PAGES))
}

fn dontneed_64k(clock: &Clock) -> Result<f64> {
    const PIECE: usize = 64 << 10;
    let arena = Arena::anon()?;
    arena.fill();
    let (ticks, done) = clock.time(|| {
        (0..arena.memory.len())
            .step_by(PIECE)
            .try_for_each(|offset| arena.memory.dont_need(offset..offset + PIECE))
    });
    done?;
    Ok(per(ticks, PAGES))
}

fn touch_dontneed(clock: &Clock) -> Result<f64> {
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
