// SPDX-License-Identifier: GPL-2.0

//! Whole mappings: unmapped, protected, moved.

use crate::arena::{Arena, PAGES};
use crate::clock::Clock;
use crate::row::{per, Row};
use anyhow::Result;
use pagetables::PAGE;

pub fn rows() -> Vec<Row> {
    let row = |name, what, round: fn(&Clock) -> Result<f64>| {
        Row::new("mappings", name, what, "page", round)
    };
    vec![
        row("munmap", "munmap", munmap),
        row("mprotect", "mprotect", mprotect),
        row("mremap", "mremap that moves entry by entry", |c| {
            mremap(c, PAGE)
        }),
        row("mremap_tables", "mremap that moves whole tables", |c| {
            mremap(c, 0)
        }),
    ]
}

fn munmap(clock: &Clock) -> Result<f64> {
    let arena = Arena::full()?;
    let Arena { memory, anchor, .. } = arena;
    let (ticks, ()) = clock.time(|| drop(memory));
    drop(anchor);
    Ok(per(ticks, PAGES))
}

fn mprotect(clock: &Clock) -> Result<f64> {
    let arena = Arena::full()?;
    let (ticks, done) = clock.time(|| {
        arena.memory.protect(false)?;
        arena.memory.protect(true)
    });
    done?;
    Ok(per(ticks, 2 * PAGES))
}

fn mremap(clock: &Clock, shift: usize) -> Result<f64> {
    let mut arena = Arena::full()?;
    let place = Arena::elsewhere()?;
    let (ticks, done) = clock.time(|| arena.memory.move_into(place, shift));
    done?;
    Ok(per(ticks, PAGES))
}
