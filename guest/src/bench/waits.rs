// SPDX-License-Identifier: GPL-2.0

//! How long a thread waits that maps and unmaps memory, while all pages of many tables of the same
//! process are reclaimed, and the tables are freed. It is shared memory: what is swapped out of it
//! leaves nothing in a table.

use crate::arena::memfd;
use anyhow::{anyhow, ensure, Result};
use pagetables::cgroup::Cgroup;
use pagetables::map::{Mapping, Of};
use pagetables::status::Status;
use pagetables::zram::Zram;
use pagetables::{PAGE, TABLE_SPAN};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const BASE: usize = 0x2000_0000_0000;
const BESIDE: usize = BASE - TABLE_SPAN;
/// What is freed late is waited for, too: longer than an empty table is spared.
const AFTER: Duration = Duration::from_millis(500);

#[derive(clap::Args)]
pub struct Options {
    /// Tables, a page in each
    #[arg(long, default_value_t = 131_072)]
    tables: usize,
    /// Of which the median is taken
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

/// Maps and unmaps until it is over; the longest time that took.
fn come_and_go(is_over: &AtomicBool) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    while !is_over.load(Ordering::Relaxed) {
        let start = Instant::now();
        drop(Mapping::at(BESIDE, TABLE_SPAN, Of::Anon)?);
        longest = longest.max(start.elapsed());
    }
    Ok(longest)
}

fn vmpte_kb() -> Result<u64> {
    Ok(Status::read(std::process::id())?.vmpte_kb)
}

fn once(cgroup: &Cgroup, tables: usize) -> Result<Duration> {
    let file = memfd(tables * TABLE_SPAN)?;
    let base_kb = Status::read(std::process::id())?.rss_kb;
    let memory = Mapping::at(BASE, tables * TABLE_SPAN, Of::Shared(&file))?;
    memory.no_huge_pages()?;
    (0..tables).for_each(|table| memory.write(table * TABLE_SPAN));
    let before = vmpte_kb()?;
    let is_over = AtomicBool::new(false);
    let longest = thread::scope(|scope| {
        let waits = scope.spawn(|| come_and_go(&is_over));
        let reclaimed = cgroup.reclaim(|| {
            let kb = Status::read(std::process::id())?.rss_kb;
            Ok(kb.saturating_sub(base_kb + 1024))
        });
        thread::sleep(AFTER);
        is_over.store(true, Ordering::Relaxed);
        let longest = waits.join().map_err(|_| anyhow!("the thread is gone"))??;
        reclaimed.map(|()| longest)
    })?;
    let left = Status::read(std::process::id())?
        .rss_kb
        .saturating_sub(base_kb)
        * 1024;
    ensure!(
        left < (tables * PAGE / 8) as u64,
        "{left} bytes of {} were not reclaimed",
        tables * PAGE
    );
    let after = vmpte_kb()?;
    eprintln!(
        "longest wait {} us; {before} kB of tables became {after} kB",
        longest.as_micros()
    );
    // Else nothing was waited for.
    ensure!(
        !Path::new("/sys/kernel/mm/free_user_pte").exists() || after < before / 8,
        "{after} kB of tables are left of {before} kB"
    );
    Ok(longest)
}

/// Prints the median of the longest waits, in ns.
pub fn run(options: &Options) -> Result<()> {
    ensure!(options.runs > 0, "no runs have no median");
    let _swap = Zram::new("2G")?;
    let cgroup = Cgroup::new("waits")?;
    let _member = cgroup.join()?;
    let mut waits = (0..options.runs)
        .map(|_| once(&cgroup, options.tables))
        .collect::<Result<Vec<_>>>()?;
    waits.sort_unstable();
    let median = waits
        .get(waits.len() / 2)
        .ok_or_else(|| anyhow!("there is no median"))?;
    println!("{}", median.as_nanos());
    Ok(())
}
