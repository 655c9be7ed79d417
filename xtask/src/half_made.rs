// SPDX-License-Identifier: GPL-2.0

//! What can't be made elsewhere and renamed, since it knows where it is: it is marked while it is
//! being made.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Remove a directory if whoever made it did not get to the end.
pub fn discard(dir: &Path) -> Result<()> {
    let marker = marker(dir);
    if !marker.exists() {
        return Ok(());
    }
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("removing {}", dir.display()))?;
    }
    fs::remove_file(&marker).with_context(|| format!("removing {}", marker.display()))
}

/// Make a directory, or bring it up to date. One that fails leaves the directory as it sees fit.
pub fn make<T>(dir: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    discard(dir)?;
    let marker = marker(dir);
    if let Some(parent) = marker.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&marker, "").with_context(|| format!("writing {}", marker.display()))?;
    let made = work();
    fs::remove_file(&marker).with_context(|| format!("removing {}", marker.display()))?;
    made
}

fn marker(dir: &Path) -> PathBuf {
    let mut name = dir.to_owned().into_os_string();
    name.push(".half-made");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{catch_unwind, AssertUnwindSafe};

    #[test]
    fn half_of_it_goes() -> Result<()> {
        let tmp = tempfile::tempdir()?;
        let dir = tmp.path().join("venv-1.2");
        make(&dir, || Ok(fs::create_dir(&dir)?))?;
        discard(&dir)?;
        assert!(dir.is_dir());
        // As when the process ends in the midst of it.
        let cut_short = || make(&dir, || -> Result<()> { panic!("cut short") });
        assert!(catch_unwind(AssertUnwindSafe(cut_short)).is_err());
        assert!(dir.is_dir());
        discard(&dir)?;
        assert_eq!(fs::read_dir(tmp.path())?.count(), 0);
        Ok(())
    }
}
