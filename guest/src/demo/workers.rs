// SPDX-License-Identifier: GPL-2.0

//! Our own processes, seen from inside: each fills its memory, says so, and goes on when told.

use crate::allocator::Allocator;
use crate::churn::Heap;
use crate::workloads::lmdb;
use anyhow::{bail, Context, Result};
use pagetables::map::Mapping;
use pagetables::random::Random;
use pagetables::{maps, PAGE, TABLE_SPAN};
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::ops::Range;
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub enum Worker {
    /// Scan an LMDB database through its map
    Lmdb { dir: PathBuf },
    /// Fill a shared memory segment
    Shm { mib: usize },
    /// Fill the heap of an allocator, free most, fill it again, free nearly all
    Churn { allocator: Allocator, mib: usize },
    /// A page in each of so many tables, then give it all back
    Sparse { tables: usize, way: Way },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    /// One MADV_DONTNEED
    Whole,
    /// MADV_DONTNEED, 64 KiB at a time
    Pieces,
    /// MADV_FREE; the pages go when they are reclaimed
    Free,
}

impl Way {
    pub fn word(self) -> &'static str {
        match self {
            Way::Whole => "whole",
            Way::Pieces => "pieces",
            Way::Free => "free",
        }
    }
}

fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush().context("nobody listens")
}

fn told() -> Result<()> {
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        bail!("nobody tells what to do");
    }
    Ok(())
}

fn say_range(word: &str, range: &Range<u64>) -> Result<()> {
    say(&format!("{word} {} {}", range.start, range.end))
}

impl Worker {
    pub fn run(self) -> Result<()> {
        // Whoever started us puts us into a control group first.
        say("ready")?;
        told()?;
        match self {
            Worker::Lmdb { dir } => scan(&dir),
            Worker::Shm { mib } => shm(mib),
            Worker::Churn { allocator, mib } => churn(allocator, mib << 20),
            Worker::Sparse { tables, way } => sparse(tables, way),
        }
    }
}

fn scan(dir: &std::path::Path) -> Result<()> {
    lmdb::scan(dir, || {
        let map = maps::areas(std::process::id())?
            .into_iter()
            .find(|area| area.name.ends_with("/data.mdb"))
            .context("the database is not mapped")?;
        say_range("full", &map.range)?;
        told()
    })
}

fn shm(mib: usize) -> Result<()> {
    let segment = File::from(rustix::fs::memfd_create(
        "freepte-shm",
        rustix::fs::MemfdFlags::CLOEXEC,
    )?);
    segment.set_len((mib << 20) as u64)?;
    let mapping = Mapping::shared(&segment, mib << 20)?;
    // Something that compresses as data does: an eighth of each page is noise.
    let mut noise = [0; PAGE / 8];
    let mut random = Random::default();
    for offset in (0..mapping.len()).step_by(PAGE) {
        for word in noise.chunks_exact_mut(8) {
            word.copy_from_slice(&random.word().to_ne_bytes());
        }
        mapping.store(offset, &noise);
    }
    say_range("full", &mapping.range())?;
    told()
}

fn churn(allocator: Allocator, bytes: usize) -> Result<()> {
    allocator.check()?;
    let mut heap = Heap::default();
    heap.fill(bytes);
    say("full")?;
    told()?;
    heap.free_most();
    allocator.release()?;
    say("less")?;
    told()?;
    heap.fill(bytes / 2);
    say("again")?;
    told()?;
    heap.free_nearly_all();
    allocator.release()?;
    say("empty")?;
    told()
}

fn sparse(tables: usize, way: Way) -> Result<()> {
    let mapping = Mapping::anon(tables * TABLE_SPAN)?;
    mapping.no_huge_pages()?;
    for offset in (0..mapping.len()).step_by(TABLE_SPAN) {
        mapping.write(offset + 17 * PAGE);
    }
    say_range("full", &mapping.range())?;
    told()?;
    match way {
        Way::Whole => mapping.dont_need(0..mapping.len())?,
        Way::Pieces => {
            for offset in (0..mapping.len()).step_by(64 << 10) {
                mapping.dont_need(offset..offset + (64 << 10))?;
            }
        }
        Way::Free => mapping.free(0..mapping.len())?,
    }
    say("empty")?;
    told()
}
