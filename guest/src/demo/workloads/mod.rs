// SPDX-License-Identifier: GPL-2.0

//! The workloads: real programs and two kinds of synthetic ones, each grown, then emptied.

mod churn;
mod java;
pub mod lmdb;
mod redis;
mod shm;
mod sparse;

use crate::allocator::Allocator;
use crate::subject::Subject;
use crate::workers::Way;
use anyhow::{ensure, Result};
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

/// Is told which process it is that fills its memory from now on.
pub type Starts<'a> = &'a mut dyn FnMut(u32) -> Result<()>;

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

    /// Start it, call `starts`, and let it grow.
    fn grow(&mut self, size: Size, starts: Starts) -> Result<Box<dyn Grown>>;

    /// Undo `prepare`.
    fn finish(&mut self) {}
}

/// A workload at its peak; it ends when dropped.
pub trait Grown {
    fn pid(&self) -> u32;

    /// Make its memory go; returns when it has gone.
    fn shrink(&mut self) -> Result<()>;
}

/// The rows of the main job.
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

/// What is shown over time only: allocators.
pub fn churns() -> Vec<Box<dyn Workload>> {
    [
        Allocator::Glibc,
        Allocator::Jemalloc,
        Allocator::Tcmalloc,
        Allocator::Mimalloc,
    ]
    .into_iter()
    .map(|allocator| Box::new(churn::Churn(allocator)) as _)
    .collect()
}

/// Those of `workloads` that have these names; all if there are none.
pub fn choose(
    mut workloads: Vec<Box<dyn Workload>>,
    names: &[String],
) -> Result<Vec<Box<dyn Workload>>> {
    for name in names {
        ensure!(
            workloads.iter().any(|workload| workload.name() == name),
            "there is no such workload here as `{name}`; `freepte-demo list` names them"
        );
    }
    workloads.retain(|workload| names.is_empty() || names.iter().any(|n| n == workload.name()));
    Ok(workloads)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[Box<dyn Workload>]) -> Vec<&'static str> {
        list.iter().map(|workload| workload.name()).collect()
    }

    #[test]
    fn chosen_by_name() -> Result<()> {
        let wanted = ["shm", "lmdb"].map(str::to_owned);
        assert_eq!(names(&choose(all(), &wanted)?), ["lmdb", "shm"]);
        assert_eq!(choose(all(), &[])?.len(), all().len());
        assert!(choose(all(), &["malloc-glibc".to_owned()]).is_err());
        assert!(choose(churns(), &["malloc-glibc".to_owned()]).is_ok());
        Ok(())
    }

    #[test]
    fn each_has_its_own_name() {
        let mut list = names(&all());
        list.extend(names(&churns()));
        let count = list.len();
        list.sort_unstable();
        list.dedup();
        assert_eq!(list.len(), count);
    }
}
