// SPDX-License-Identifier: GPL-2.0

//! What a run leaves to be read: its console log and its script, until so many runs later.

use crate::paths::Paths;
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// So many are kept.
const KEEP: usize = 20;

/// The directory of a run, locked while this is there.
pub struct RunDir {
    path: PathBuf,
    _lock: File,
}

impl RunDir {
    /// A new one; those of the oldest runs are removed.
    pub fn new(paths: &Paths) -> Result<Self> {
        let parent = paths.cache_subdir("run")?;
        prune(&parent)?;
        let path = tempfile::Builder::new()
            .prefix("vm-")
            .tempdir_in(&parent)?
            .keep();
        let lock = File::open(&path)?;
        lock.lock()
            .with_context(|| format!("locking {}", path.display()))?;
        Ok(Self { path, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn prune(parent: &Path) -> Result<()> {
    let mut old: Vec<_> = fs::read_dir(parent)?
        .flatten()
        .filter_map(|e| Some((e.metadata().ok()?.modified().ok()?, e.path())))
        .collect();
    old.sort();
    for (_, dir) in old.iter().take(old.len().saturating_sub(KEEP)) {
        // Its guest may still run.
        let in_use = File::open(dir).is_ok_and(|lock| lock.try_lock().is_err());
        if !in_use {
            let _ = fs::remove_dir_all(dir);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_but_not_one_in_use() -> Result<()> {
        let cache = tempfile::tempdir()?;
        let paths = Paths {
            root: cache.path().into(),
            cache: cache.path().into(),
        };
        let first = RunDir::new(&paths)?;
        for _ in 0..KEEP + 5 {
            RunDir::new(&paths)?;
        }
        assert!(first.path().is_dir());
        let left = fs::read_dir(cache.path().join("run"))?.count();
        assert!(left <= KEEP + 2, "{left}");
        Ok(())
    }
}
