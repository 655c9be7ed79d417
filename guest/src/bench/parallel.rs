// SPDX-License-Identifier: GPL-2.0

//! Loops that several threads run at once on one address space, after the manner of
//! will-it-scale: wall time, and processor cycles where they can be counted.

use crate::cycles::Cycles;
use crate::gup_test::{GupTest, How};
use crate::stats::Summary;
use anyhow::{anyhow, Result};
use glob::Pattern;
use pagetables::map::{Mapping, Of};
use pagetables::{PAGE, TABLE_SPAN};
use serde::Serialize;
use std::fs::File;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

const BASE: usize = 0x3000_0000_0000;
/// Each thread's memory is in another GiB: they share no table but the upper ones
const APART: usize = 1 << 30;
const LEN: usize = 8 * TABLE_SPAN;
const PAGES: usize = LEN / PAGE;

#[derive(clap::Args)]
pub struct Options {
    /// The most threads; page_fault loops run with 1, 2, 4, ... up to it
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: u32,
    /// How long each loop runs, in milliseconds; each runs three times
    #[arg(long, default_value_t = 700)]
    ms: u64,
}

/// What a turn of a loop took, in its measured part.
struct Turn {
    time: Duration,
    cycles: Option<u64>,
    operations: usize,
}

pub struct Loop {
    pub name: &'static str,
    pub what: &'static str,
    /// From one thread on, to see how it scales; others run with all threads only
    scales: bool,
    turn: fn(&Place) -> Result<Turn>,
}

pub const LOOPS: &[Loop] = &[
    Loop {
        name: "page_fault1",
        what: "map anonymous memory, touch each page, unmap",
        scales: true,
        turn: |place| place.whole(Of::Anon),
    },
    Loop {
        name: "page_fault2",
        what: "map a file privately, write to each page, unmap",
        scales: true,
        turn: |place| place.whole(Of::Private(&place.file)),
    },
    Loop {
        name: "page_fault3",
        what: "map a file shared, write to each page, unmap",
        scales: true,
        turn: |place| place.whole(Of::Shared(&place.file)),
    },
    Loop {
        name: "parallel_anon_fault",
        what: "write faults on anonymous memory",
        scales: false,
        turn: |place| {
            let memory = place.map(Of::Anon)?;
            place.measure(PAGES, || touch(&memory))
        },
    },
    Loop {
        name: "parallel_zap",
        what: "MADV_DONTNEED of whole tables",
        scales: false,
        turn: |place| {
            let memory = place.map(Of::Anon)?;
            touch(&memory);
            place.measure(PAGES, || memory.dont_need(0..memory.len()))
        },
    },
    Loop {
        name: "parallel_pin_fast",
        what: "pin_user_pages_fast and unpin, 512 pages a call",
        scales: false,
        turn: |place| {
            let memory = place.map(Of::Anon)?;
            touch(&memory);
            let test = GupTest::open()?;
            place.measure(PAGES, || test.run(How::PinFast, &memory, 512))
        },
    },
];

fn touch(memory: &Mapping) {
    for offset in (0..memory.len()).step_by(PAGE) {
        memory.write(offset);
    }
}

/// A thread's own corner of the address space.
struct Place {
    base: usize,
    file: File,
    cycles: Option<Cycles>,
}

impl Place {
    fn new(number: usize) -> Result<Self> {
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        let file = File::from(rustix::fs::memfd_create("freepte-bench", flags)?);
        file.set_len(LEN as u64)?;
        // The page cache has it all: only the mapping is measured.
        touch(&Mapping::shared(&file, LEN)?);
        Ok(Self {
            base: BASE + number * APART,
            file,
            cycles: Cycles::open(),
        })
    }

    fn map(&self, of: Of) -> Result<Mapping> {
        let memory = Mapping::at(self.base, LEN, of)?;
        memory.no_huge_pages()?;
        Ok(memory)
    }

    fn measure<T: Measured>(&self, operations: usize, work: impl FnOnce() -> T) -> Result<Turn> {
        let cycles = self.cycles.as_ref();
        let before = cycles.and_then(Cycles::read);
        let start = Instant::now();
        let result = work();
        let time = start.elapsed();
        let after = cycles.and_then(Cycles::read);
        result.check()?;
        Ok(Turn {
            time,
            cycles: after.zip(before).map(|(after, before)| after - before),
            operations,
        })
    }

    fn whole(&self, of: Of) -> Result<Turn> {
        self.measure(PAGES, || -> Result<()> {
            touch(&self.map(of)?);
            Ok(())
        })
    }
}

/// What a measured part may return.
trait Measured {
    fn check(self) -> Result<()>;
}

impl Measured for () {
    fn check(self) -> Result<()> {
        Ok(())
    }
}

impl<T> Measured for Result<T> {
    fn check(self) -> Result<()> {
        self.map(|_| ())
    }
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    what: &'static str,
    threads: u32,
    /// Per operation and thread
    ns: f64,
    cycles: Option<f64>,
}

/// Per operation: nanoseconds, and cycles.
fn run_once(turn: fn(&Place) -> Result<Turn>, threads: u32, time: Duration) -> Result<Turn> {
    let gate = Barrier::new(threads as usize);
    let one = |number: usize| -> Result<Turn> {
        let place = Place::new(number);
        gate.wait();
        let place = place?;
        let mut sum = turn(&place)?;
        let start = Instant::now();
        while start.elapsed() < time {
            let next = turn(&place)?;
            sum.time += next.time;
            sum.operations += next.operations;
            sum.cycles = sum.cycles.zip(next.cycles).map(|(a, b)| a + b);
        }
        Ok(sum)
    };
    let all: Vec<Turn> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads as usize)
            .map(|number| scope.spawn(move || one(number)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("a thread is gone"))?)
            .collect::<Result<_>>()
    })?;
    Ok(Turn {
        time: all.iter().map(|turn| turn.time).sum(),
        operations: all.iter().map(|turn| turn.operations).sum(),
        cycles: all.iter().map(|turn| turn.cycles).sum(),
    })
}

fn measure(each: &Loop, threads: u32, time: Duration) -> Result<Row> {
    const TIMES: usize = 3;
    let (mut ns, mut cycles) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let sum = run_once(each.turn, threads, time)?;
        ns.push(sum.time.as_nanos() as f64 / sum.operations as f64);
        cycles.extend(
            sum.cycles
                .map(|cycles| cycles as f64 / sum.operations as f64),
        );
    }
    Ok(Row {
        name: each.name,
        what: each.what,
        threads,
        ns: Summary::of(&ns)?.median,
        cycles: Summary::of(&cycles).ok().map(|summary| summary.median),
    })
}

/// 1, 2, 4, ... and the last one.
fn counts(most: u32) -> Vec<u32> {
    let mut list: Vec<u32> = (0..32).map(|n| 1 << n).take_while(|&n| n < most).collect();
    list.push(most);
    list
}

pub fn run(options: &Options, only: &[Pattern], json: bool) -> Result<()> {
    let time = Duration::from_millis(options.ms);
    let mut rows = Vec::new();
    for each in LOOPS {
        if !only.is_empty() && !only.iter().any(|pattern| pattern.matches(each.name)) {
            continue;
        }
        let list = if each.scales {
            counts(options.threads)
        } else {
            vec![options.threads]
        };
        for threads in list {
            let row = measure(each, threads, time)?;
            eprintln!("{}, {threads} threads: {:.0} ns", row.name, row.ns);
            rows.push(row);
        }
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    for row in &rows {
        let cycles = row.cycles.map(|c| format!(", {c:.0} cycles"));
        println!(
            "{:<22} {:>3} threads {:>10.1} ns a page{}  {}",
            row.name,
            row.threads,
            row.ns,
            cycles.unwrap_or_default(),
            row.what
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_counts() {
        assert_eq!(counts(1), [1]);
        assert_eq!(counts(2), [1, 2]);
        assert_eq!(counts(6), [1, 2, 4, 6]);
    }
}
