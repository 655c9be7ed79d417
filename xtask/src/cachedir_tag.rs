// SPDX-License-Identifier: GPL-2.0

//! The tag of a cache directory (<https://bford.info/cachedir/>): programs that make backups leave
//! such a directory out, and `clean --all` knows by it that all of the directory may go.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// The name of the tag's file.
pub const NAME: &str = "CACHEDIR.TAG";

/// The specification asks for the first line. Cargo tags its own directories, too: the second line
/// says whose this one is.
const HEAD: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# The cache of freepte";

const REST: &str = ": `cargo xtask clean --all` removes everything in this directory.
# See https://bford.info/cachedir/
";

/// Tag a directory that was made for the cache.
pub fn add(dir: &Path) -> Result<()> {
    if is_ours(dir) {
        return Ok(());
    }
    let file = dir.join(NAME);
    fs::write(&file, format!("{HEAD}{REST}")).with_context(|| format!("writing {}", file.display()))
}

/// Whether a directory has our tag.
pub fn is_ours(dir: &Path) -> bool {
    fs::read_to_string(dir.join(NAME)).is_ok_and(|text| text.starts_with(HEAD))
}
