// SPDX-License-Identifier: GPL-2.0

//! What a kernel is made of, as hashes: whether an image is of this tree, and what has changed since.

mod figures;
mod lockfile;

use crate::build::{self, Kernel, Variant};
use crate::kconfig;
use crate::paths::{short_hash, Paths};
use crate::source;
use crate::toolchain::{self, Toolchain};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is linked into the kernel tree, or applied to it.
const OVERLAY: &[&str] = &[
    "patches", "mm", "fs", "include", "rust", "Kbuild", "Kconfig",
];

/// Parts by name, each with a hash of its content. Paths are relative to the repository: two clones
/// of one commit have the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs(BTreeMap<String, String>);

impl Inputs {
    /// All that goes into a kernel's image.
    pub fn of(paths: &Paths, kernel: &Kernel) -> Result<Self> {
        let mut parts = Self::default();
        parts.toolchain(paths, &toolchain::require()?);
        parts.set("kernel source", &source::identity(paths));
        let config = kconfig::render(&build::wanted_config(paths, kernel.clone())?);
        parts.set("configuration", &config);
        if kernel.variant != Variant::Stock {
            parts.add_files(&paths.root, OVERLAY)?;
        }
        Ok(parts)
    }

    fn set(&mut self, part: &str, content: &str) {
        self.0.insert(part.to_owned(), short_hash(content));
    }

    fn toolchain(&mut self, paths: &Paths, toolchain: &Toolchain) {
        self.set("rustc", &toolchain.rustc.release);
        let version = |program: &Path| {
            let text = crate::cmd::try_output(Command::new(program).arg("--version"));
            text.unwrap_or_default()
        };
        self.set("clang", &version(Path::new(&toolchain.clang())));
        self.set("bindgen", &version(&toolchain::bindgen(paths)));
    }

    /// A part for each of some files and directories of the repository.
    pub fn add_files(&mut self, root: &Path, names: &[&str]) -> Result<()> {
        for name in names {
            let mut hasher = Sha256::new();
            for file in files(&root.join(name))? {
                let content =
                    fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
                let shown = file.strip_prefix(root).unwrap_or(&file);
                hasher.update(format!("{}\0{}\0", shown.display(), content.len()));
                hasher.update(content);
            }
            self.set(name, &crate::paths::hex(&hasher.finalize()));
        }
        Ok(())
    }

    /// The parts that differ, or that only one has.
    pub fn changed<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        let mut names: Vec<&str> = self
            .0
            .keys()
            .chain(other.0.keys())
            .map(String::as_str)
            .filter(|name| self.0.get(*name) != other.0.get(*name))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// All files below a path, in order.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut todo = vec![path.to_owned()];
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            let entries =
                fs::read_dir(&path).with_context(|| format!("reading {}", path.display()))?;
            for entry in entries {
                todo.push(entry?.path());
            }
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(content: &str) -> Result<(tempfile::TempDir, Inputs)> {
        let dir = tempfile::tempdir()?;
        fs::create_dir(dir.path().join("mm"))?;
        fs::write(dir.path().join("mm/a.rs"), content)?;
        fs::write(dir.path().join("Kconfig"), "x")?;
        let mut inputs = Inputs::default();
        inputs.add_files(dir.path(), &["mm", "Kconfig"])?;
        Ok((dir, inputs))
    }

    #[test]
    fn it_is_the_content_that_counts() -> Result<()> {
        let ((_a, one), (_b, same), (_c, other)) = (tree("1")?, tree("1")?, tree("2")?);
        assert_eq!(one, same);
        assert_eq!(one.changed(&other), ["mm"]);
        assert!(one.changed(&same).is_empty());
        Ok(())
    }

    #[test]
    fn a_file_more_counts() -> Result<()> {
        let (dir, before) = tree("1")?;
        fs::write(dir.path().join("mm/b.rs"), "")?;
        let mut after = Inputs::default();
        after.add_files(dir.path(), &["mm", "Kconfig"])?;
        assert_eq!(before.changed(&after), ["mm"]);
        Ok(())
    }

    #[test]
    fn a_part_that_went_counts() {
        let mut one = Inputs::default();
        one.set("mm", "1");
        assert_eq!(one.changed(&Inputs::default()), ["mm"]);
    }
}
