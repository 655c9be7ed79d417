// SPDX-License-Identifier: GPL-2.0

//! Would the kernel link? A function can be declared in every configuration and be defined in some.
//!
//! To link a kernel for each configuration would take hours. What is touched is compiled; of the rest,
//! the kernel as we build it tells what there is. A symbol that objects want is there if one of them
//! defines it, or something of that kernel that is not compiled again.

use crate::build::{self, Variant};
use crate::cmd;
use crate::paths::Paths;
use crate::toolchain::Toolchain;
use anyhow::{ensure, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Global symbols of some objects.
#[derive(Debug, Default, PartialEq, Eq)]
struct Symbols {
    defined: BTreeSet<String>,
    wanted: BTreeSet<String>,
}

impl Symbols {
    /// Takes what `nm --format=posix --extern-only` prints. What may stay undefined is not wanted.
    fn parse(text: &str) -> Self {
        let mut symbols = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (Some(name), Some(kind)) = (words.next(), words.next()) else {
                continue;
            };
            match kind {
                "U" => symbols.wanted.insert(name.to_owned()),
                "w" | "v" => false,
                kind if kind.len() == 1 => symbols.defined.insert(name.to_owned()),
                // The name of a member of an archive.
                _ => false,
            };
        }
        symbols
    }

    fn of(nm: &str, files: &[PathBuf]) -> Result<Self> {
        let text = cmd::output(
            Command::new(nm)
                .args(["--format=posix", "--extern-only", "--quiet"])
                .args(files),
        )?;
        Ok(Self::parse(&text))
    }
}

/// What nobody defines.
fn missing<'a>(touched: &'a Symbols, before: &Symbols, kernel: &Symbols) -> Vec<&'a str> {
    touched
        .wanted
        .iter()
        .filter(|name| !touched.defined.contains(*name))
        .filter(|name| before.defined.contains(*name) || !kernel.defined.contains(*name))
        .map(String::as_str)
        .collect()
}

/// What is made of a target in a build directory: the archive of a folder, or an object.
pub fn made_of(out: &Path, target: &str) -> PathBuf {
    match target.strip_suffix('/') {
        Some(folder) => out.join(folder).join("built-in.a"),
        None => out.join(target),
    }
}

fn objects(out: &Path, targets: &BTreeSet<String>) -> Result<Vec<PathBuf>> {
    let list: Vec<PathBuf> = targets.iter().map(|target| made_of(out, target)).collect();
    for file in &list {
        ensure!(file.exists(), "there is no {}", file.display());
    }
    Ok(list)
}

/// Fails if the objects in `out` want what nobody defines.
pub fn check(
    paths: &Paths,
    toolchain: &Toolchain,
    out: &Path,
    targets: &BTreeSet<String>,
) -> Result<()> {
    let nm = format!("llvm-nm{}", toolchain.suffix);
    let kernel = build::build_dir(paths, Variant::Freepte)?;
    let touched = Symbols::of(&nm, &objects(out, targets)?)?;
    // Our own kernel may have nothing of a target that the list names.
    let before: Vec<PathBuf> = targets
        .iter()
        .map(|target| made_of(&kernel, target))
        .filter(|file| file.exists())
        .collect();
    let before = Symbols::of(&nm, &before)?;
    let kernel = Symbols::of(&nm, &[kernel.join("vmlinux")])?;
    let missing = missing(&touched, &before, &kernel);
    ensure!(missing.is_empty(), "nobody defines {}", missing.join(", "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUP: &str = "mm/built-in.a[gup.o]:\nfollow T 0 10\nfind_vma U\nperhaps w\npmd_off U\n";

    #[test]
    fn wanted_and_defined() {
        let symbols = Symbols::parse(GUP);
        assert_eq!(symbols.defined, ["follow".to_owned()].into());
        assert_eq!(
            symbols.wanted,
            ["find_vma".to_owned(), "pmd_off".to_owned()].into()
        );
    }

    #[test]
    fn declared_and_not_there() {
        let touched = Symbols::parse(GUP);
        let kernel = Symbols::parse("find_vma T 0\npmd_off T 8\n");
        // Both are of what was not compiled again.
        let nothing = Symbols::default();
        assert!(missing(&touched, &nothing, &kernel).is_empty());
        // In this configuration mm/ has no pmd_off() any more.
        let before = Symbols::parse("pmd_off T 8\nfollow T 0\n");
        assert_eq!(missing(&touched, &before, &kernel), ["pmd_off"]);
        assert_eq!(missing(&touched, &nothing, &nothing).len(), 2);
    }
}
