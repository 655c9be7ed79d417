// SPDX-License-Identifier: GPL-2.0

//! The project's own programs, which every guest has in its PATH: what the guest crate makes, the
//! kselftests, and what was unpacked into the cache.

use crate::guest;
use crate::ksft;
use crate::paths::Paths;
use crate::source;
use anyhow::Result;
use std::path::PathBuf;

/// The directories that hold them.
pub fn dirs(paths: &Paths) -> Result<Vec<PathBuf>> {
    let kselftests = ksft::own_dir(paths)?;
    let storm = kselftests.join("storm");
    let unpacked = paths.cached("pkg/bin")?;
    Ok(vec![guest::dir(paths), kselftests, storm, unpacked])
}

/// Bring them up to date, where that does not mean to fetch a kernel's source first; one that
/// cannot be built is missed when it is called, not before.
pub fn build(paths: &Paths, kselftests: bool) {
    let note = |what: &str, err: anyhow::Error| {
        eprintln!("note: the guest has no {what}, or old ones: {err:#}");
    };
    if let Err(err) = guest::build(paths) {
        note("freepte-* programs", err);
    }
    if kselftests && source::is_there(paths) {
        if let Err(err) = ksft::build_own(paths) {
            note("kselftests", err);
        }
    }
}
