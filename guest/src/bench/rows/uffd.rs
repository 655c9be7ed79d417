// SPDX-License-Identifier: GPL-2.0

//! Faults that user space answers: the fault, the way to the thread that answers and back.

use crate::arena::{Arena, PAGES};
use crate::clock::Clock;
use crate::row::{per, Row, Took};
use crate::uffd::{Faults, Uffd};
use anyhow::{anyhow, Result};
use pagetables::PAGE;
use std::thread;

pub fn rows() -> Vec<Row> {
    let row = |name, what, round: fn(&Clock) -> Result<Took>| {
        Row::new("faults", name, what, "page", round)
    };
    vec![
        row(
            "uffd_missing",
            "userfaultfd: a missing page, answered with a copy",
            |clock| measure(clock, &Arena::anon()?, Faults::Missing),
        ),
        row(
            "uffd_minor",
            "userfaultfd: a page of shared memory that is not mapped",
            |clock| {
                measure(
                    clock,
                    &Arena::of_file(&Arena::cached_file()?)?,
                    Faults::Minor,
                )
            },
        ),
    ]
}

fn measure(clock: &Clock, arena: &Arena, faults: Faults) -> Result<Took> {
    let uffd = Uffd::over(&arena.memory, faults)?;
    let ticks = thread::scope(|scope| {
        let answerer = scope.spawn(|| uffd.answer(PAGES));
        let (ticks, ()) = clock.time(|| {
            for offset in (0..arena.memory.len()).step_by(PAGE) {
                arena.memory.read(offset);
            }
        });
        let answered = answerer.join();
        answered.map_err(|_| anyhow!("the thread that answers faults is gone"))??;
        Ok::<_, anyhow::Error>(ticks)
    })?;
    Ok(per(ticks, PAGES))
}
