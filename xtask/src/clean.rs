// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask clean`.

use crate::paths::Paths;
use anyhow::{ensure, Context, Result};
use std::fs;
use std::path::Path;

/// Remove this clone's trees and builds; with `all`, everything in the cache.
pub fn run(paths: &Paths, all: bool) -> Result<()> {
    if !all {
        return remove(&paths.clone_dir()?);
    }
    ensure!(
        looks_like_ours(&paths.cache),
        "{} does not look like freepte's cache; nothing was removed",
        paths.cache.display()
    );
    for entry in fs::read_dir(&paths.cache)?.flatten() {
        remove(&entry.path())?;
    }
    Ok(())
}

/// FREEPTE_CACHE may be set to anything, and what is removed is gone.
fn looks_like_ours(cache: &Path) -> bool {
    const KNOWN: [&str; 14] = [
        "apt",
        "ccache",
        "clones",
        "dl",
        "ksft",
        "log",
        "pkg",
        "run",
        "setup.lock",
        "src",
        "src.lock",
        "state",
        "stock",
        "tools",
    ];
    fs::read_dir(cache).is_ok_and(|entries| {
        entries.flatten().all(|e| {
            let name = e.file_name();
            KNOWN.iter().any(|k| name == *k)
        })
    })
}

fn remove(path: &Path) -> Result<()> {
    println!("removing {}", path.display());
    let gone = if path.is_dir() && !path.is_symlink() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    gone.with_context(|| format!("removing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_cache_is_removed() -> Result<()> {
        let dir = tempfile::tempdir()?;
        fs::create_dir(dir.path().join("src"))?;
        assert!(looks_like_ours(dir.path()));
        let paths = Paths {
            root: dir.path().into(),
            cache: dir.path().into(),
        };
        fs::write(dir.path().join("thesis.tex"), "")?;
        assert!(run(&paths, true).is_err());
        assert!(dir.path().join("src").exists());
        Ok(())
    }
}
