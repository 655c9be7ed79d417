// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask clean`.

use crate::cachedir_tag;
use crate::paths::Paths;
use crate::scratch;
use anyhow::{ensure, Context, Result};
use std::fs;
use std::path::Path;

/// Remove this clone's trees and builds; with `all`, everything in the cache.
pub fn run(paths: &Paths, all: bool) -> Result<()> {
    if !all {
        return remove(&paths.clone_dir()?);
    }
    // FREEPTE_CACHE may be set to anything, and what is removed is gone. A cache that is older
    // than the tag has nothing in it but what we put there.
    ensure!(
        cachedir_tag::is_ours(&paths.cache) || paths.is_a_cache(),
        "{} does not look like freepte's cache; nothing was removed",
        paths.cache.display()
    );
    ensure!(
        !scratch::others_run(paths)?,
        "another cargo xtask uses {}; end it first",
        paths.cache.display()
    );
    for entry in fs::read_dir(&paths.cache)?.flatten() {
        remove(&entry.path())?;
    }
    Ok(())
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
    use std::path::PathBuf;
    use tempfile::TempDir;

    /// A directory in which each of these is a directory, as a cache.
    fn cache(names: &[&str]) -> Result<(TempDir, Paths)> {
        let dir = tempfile::tempdir()?;
        for name in names {
            fs::create_dir(dir.path().join(name))?;
        }
        let cache = PathBuf::from(dir.path());
        let root = cache.clone();
        Ok((dir, Paths { root, cache }))
    }

    fn is_empty(paths: &Paths) -> Result<bool> {
        Ok(fs::read_dir(&paths.cache)?.next().is_none())
    }

    #[test]
    fn what_is_not_tagged_stays() -> Result<()> {
        let (_dir, paths) = cache(&["clones", "src", "photos"])?;
        assert!(run(&paths, true).is_err());
        assert!(paths.cache.join("src").exists() && paths.cache.join("photos").exists());
        // A directory that Cargo tagged is not ours.
        fs::write(
            paths.cache.join(cachedir_tag::NAME),
            "Signature: 8a477f597d28d172789f06886806bc55\n# by cargo.\n",
        )?;
        assert!(run(&paths, true).is_err());
        assert!(paths.cache.join("src").exists());
        Ok(())
    }

    #[test]
    fn what_is_tagged_goes() -> Result<()> {
        let (_dir, paths) = cache(&["src", "left-by-a-later-version"])?;
        cachedir_tag::add(&paths.cache)?;
        run(&paths, true)?;
        assert!(is_empty(&paths)?);
        Ok(())
    }

    #[test]
    fn a_cache_from_before_the_tag_goes() -> Result<()> {
        let (_dir, paths) = cache(&["clones", "fuzz", "report"])?;
        run(&paths, true)?;
        assert!(is_empty(&paths)?);
        Ok(())
    }
}
