// SPDX-License-Identifier: GPL-2.0

//! The workloads: real programs and two kinds of synthetic ones, each grown, then emptied.

mod java;
pub mod lmdb;
mod redis;
mod shm;
mod sparse;

use crate::subject::Subject;
use crate::workers::Way;
use anyhow::Result;
use pagetables::pagemap::Pagemap;

/// How much memory the workloads take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub quick: bool,
}

impl Size {
    pub fn of(self, full: usize) -> usize {
        if self.quick {
            full / 8
        } else {
            full
        }
    }
}

pub trait Workload {
    /// A short name for the command line.
    fn name(&self) -> &'static str;

    fn title(&self, size: Size) -> String;

    /// What it needs and the machine lacks, if anything.
    fn missing(&self) -> Option<String> {
        None
    }

    /// What both runs share.
    fn prepare(&mut self, _size: Size) -> Result<()> {
        Ok(())
    }

    /// Start it, and let it grow.
    fn grow(&mut self, size: Size) -> Result<Box<dyn Grown>>;

    /// Undo `prepare`.
    fn finish(&mut self) {}
}

/// A workload at its peak; it ends when dropped.
pub trait Grown {
    fn pid(&self) -> u32;

    /// Make its memory go; returns when it has gone.
    fn shrink(&mut self) -> Result<()>;
}

pub fn all() -> Vec<Box<dyn Workload>> {
    vec![
        Box::new(lmdb::Lmdb::default()),
        Box::new(shm::Shm),
        Box::new(redis::Redis),
        Box::new(java::Java::default()),
        Box::new(sparse::Sparse(Way::Pieces)),
        Box::new(sparse::Sparse(Way::Free)),
        Box::new(sparse::Sparse(Way::Whole)),
    ]
}

/// Number of entries left in the range that a worker named when it said `full`.
fn entries_left(subject: &Subject, full: &str) -> impl Fn() -> Result<u64> {
    let pid = subject.pid();
    let words: Vec<u64> = full
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    move || {
        let [start, end] = words[..] else {
            anyhow::bail!("a worker did not say where its memory is");
        };
        Pagemap::open(pid)?.entries(start..end)
    }
}
