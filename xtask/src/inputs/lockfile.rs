// SPDX-License-Identifier: GPL-2.0

//! The crates that the guest's programs are built from, of all that Cargo.lock names.

use anyhow::{Context, Result};
use cargo_lock::{Lockfile, Package};
use std::collections::BTreeMap;

/// A line for each package that `root` is built from, sorted.
pub fn packages(lock: &str, root: &str) -> Result<String> {
    let lock: Lockfile = lock.parse().context("reading Cargo.lock")?;
    let first = lock
        .packages
        .iter()
        .find(|package| package.name.as_str() == root)
        .with_context(|| format!("Cargo.lock has no package {root}"))?;
    let mut found: BTreeMap<String, &Package> = BTreeMap::new();
    let mut todo = vec![first];
    while let Some(package) = todo.pop() {
        if found.insert(line(package), package).is_some() {
            continue;
        }
        for dependency in &package.dependencies {
            todo.push(
                lock.packages
                    .iter()
                    .find(|package| dependency.matches(package))
                    .with_context(|| format!("Cargo.lock does not have {dependency}"))?,
            );
        }
    }
    Ok(found.into_keys().collect())
}

fn line(package: &Package) -> String {
    let checksum = package.checksum.as_ref().map(ToString::to_string);
    format!(
        "{} {} {}\n",
        package.name,
        package.version,
        checksum.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4

[[package]]
name = "guest"
version = "0.1.0"
dependencies = ["libc", "serde"]

[[package]]
name = "libc"
version = "0.2.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "serde"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = ["libc"]

[[package]]
name = "xtask"
version = "0.1.0"
dependencies = ["regex"]

[[package]]
name = "regex"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
"#;

    #[test]
    fn only_what_it_is_built_from() -> Result<()> {
        let text = packages(LOCK, "guest")?;
        assert_eq!(text, "guest 0.1.0 \nlibc 0.2.0 \nserde 1.0.0 \n");
        let other = LOCK.replace(
            "name = \"regex\"\nversion = \"1.0.0\"",
            "name = \"regex\"\nversion = \"1.1.0\"",
        );
        assert_ne!(other, LOCK);
        assert_eq!(packages(&other, "guest")?, text);
        let other = LOCK.replace("0.2.0", "0.2.1");
        assert_ne!(packages(&other, "guest")?, text);
        assert!(packages(LOCK, "host").is_err());
        Ok(())
    }
}
