// SPDX-License-Identifier: GPL-2.0

//! Where temporary files are: in one directory of the cache for each `cargo xtask` that runs.
//!
//! What removes itself when it is dropped is left behind when the process is ended from outside.
//! So the directory is removed as a whole: by us when we are interrupted, by the reaper when we
//! are killed, by the next `cargo xtask` after a power cut. Its owner holds a lock on it, which
//! goes with the owner. A tree that is made here is renamed to its place when it is whole.

use crate::cachedir_tag;
use crate::children::mark::{self, Mark};
use crate::paths::Paths;
use anyhow::{ensure, Context, Result};
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

const PARENT: &str = "tmp";
/// Held while a directory is made and locked, and while others look whether it is locked.
const GATE: &str = "tmp.lock";

/// A directory whose lock is held.
struct Owned {
    dir: PathBuf,
    _lock: File,
}

static OWN: OnceLock<Owned> = OnceLock::new();

/// Make the directory of this process. From now on every temporary file of ours, and of the
/// programs that we run, is in it.
pub fn claim(paths: &Paths) -> Result<&'static Path> {
    if paths.is_a_cache() {
        cachedir_tag::add(&paths.cache)?;
    }
    let parent = paths.cache_subdir(PARENT)?;
    let gate = gate(paths)?;
    let dir = tempfile::Builder::new()
        .prefix("")
        .rand_bytes(8)
        .tempdir_in(&parent)
        .with_context(|| format!("making a directory in {}", parent.display()))?
        .keep();
    let lock = File::open(&dir)?;
    lock.lock()
        .with_context(|| format!("locking {}", dir.display()))?;
    drop(gate);
    if let Some(name) = dir.file_name() {
        mark::set_own(&name.to_string_lossy());
    }
    let own = OWN.get_or_init(|| Owned { dir, _lock: lock });
    // It can be set once, as this can.
    let _ = tempfile::env::override_temp_dir(&own.dir);
    Ok(&own.dir)
}

/// This process's directory, if it claimed one.
pub fn own() -> Option<&'static Path> {
    OWN.get().map(|own| own.dir.as_path())
}

/// A new directory, removed when it is dropped. In a process that claimed nothing, which the tests
/// are, it is where temporary files are by default.
pub fn dir(prefix: &str) -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix(&format!("{prefix}-"))
        .tempdir()
        .context("making a temporary directory")
}

/// Give what was made in a temporary directory its place, whole: also if the power goes just now.
pub fn place(made: &Path, place: &Path) -> Result<()> {
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    rustix::fs::syncfs(File::open(made)?)?;
    fs::rename(made, place).with_context(|| format!("renaming to {}", place.display()))
}

/// Remove this process's directory.
pub fn remove() -> Result<()> {
    own().map_or(Ok(()), remove_dir)
}

/// Take what others left that are gone: their processes, then their files.
pub fn sweep(paths: &Paths) -> Result<()> {
    let (left, _) = others(paths)?;
    for owned in left {
        end(&owned)?;
    }
    Ok(())
}

/// The same for one directory, whose owner is just ending.
pub fn take_over(dir: &Path) -> Result<()> {
    let lock = match File::open(dir) {
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(()),
        file => file.with_context(|| format!("opening {}", dir.display()))?,
    };
    lock.lock()
        .with_context(|| format!("locking {}", dir.display()))?;
    end(&Owned {
        dir: dir.to_owned(),
        _lock: lock,
    })
}

/// Whether other `cargo xtask`s use this cache.
pub fn others_run(paths: &Paths) -> Result<bool> {
    others(paths).map(|(_, running)| running > 0)
}

/// The directories that were left, now locked by us, and how many there are whose owner runs.
fn others(paths: &Paths) -> Result<(Vec<Owned>, usize)> {
    let parent = paths.cached(PARENT)?;
    if !parent.is_dir() {
        return Ok((Vec::new(), 0));
    }
    let _gate = gate(paths)?;
    let mut left = Vec::new();
    let mut running = 0;
    for entry in fs::read_dir(&parent)?.flatten() {
        let dir = entry.path();
        if own() == Some(dir.as_path()) {
            continue;
        }
        let Ok(lock) = File::open(&dir) else { continue };
        match lock.try_lock() {
            Ok(()) => left.push(Owned { dir, _lock: lock }),
            Err(TryLockError::WouldBlock) => running += 1,
            Err(TryLockError::Error(err)) => {
                return Err(err).with_context(|| format!("locking {}", dir.display()));
            }
        }
    }
    Ok((left, running))
}

fn gate(paths: &Paths) -> Result<File> {
    let path = paths.cached(GATE)?;
    let file = File::options().create(true).append(true).open(&path);
    let file = file.with_context(|| format!("opening {}", path.display()))?;
    file.lock()
        .with_context(|| format!("locking {}", path.display()))?;
    Ok(file)
}

fn end(owned: &Owned) -> Result<()> {
    if let Some(owner) = owned.dir.file_name() {
        let owner = owner.to_string_lossy();
        ensure!(
            mark::end(&Mark::all_of(&owner)),
            "processes with {}={owner} in their environment cannot be ended",
            mark::VARIABLE
        );
    }
    remove_dir(&owned.dir)
}

fn remove_dir(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(err) if err.kind() != ErrorKind::NotFound => {
            Err(err).with_context(|| format!("removing {}", dir.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_is_taken() -> Result<()> {
        let cache = tempfile::tempdir()?;
        let paths = Paths {
            root: cache.path().into(),
            cache: cache.path().into(),
        };
        sweep(&paths)?;
        let parent = paths.cache_subdir(PARENT)?;
        for name in ["held", "left"] {
            fs::create_dir_all(parent.join(name).join("linux"))?;
        }
        let held = File::open(parent.join("held"))?;
        held.lock()?;
        sweep(&paths)?;
        assert!(parent.join("held/linux").is_dir() && !parent.join("left").exists());
        assert!(others_run(&paths)?);
        drop(held);
        assert!(!others_run(&paths)?);
        sweep(&paths)?;
        assert!(!parent.join("held").exists());
        Ok(())
    }
}
