// SPDX-License-Identifier: GPL-2.0

//! Where things are: the repository, and the cache outside of it.
//!
//! Shared by every clone: downloads, the pristine kernel tree, the tools, ccache and the stock
//! kernel. Each clone has its own patched tree, since that tree links back to the clone.

use crate::cachedir_tag;
use crate::versions::VIRTME_NG;
use anyhow::{ensure, Context, Result};
use sha2::{Digest, Sha256};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// All that is ever at the top of a cache. A name that is not here is refused, so that
/// `clean --all` can tell a cache from a directory that holds something else.
const ENTRIES: &[&str] = &[
    cachedir_tag::NAME,
    "apt",
    "ccache",
    "clones",
    "dl",
    "fuzz",
    "ksft",
    "log",
    "pkg",
    "report",
    "run",
    "setup.lock",
    "src",
    "src.lock",
    "state",
    "stock",
    "tmp",
    "tmp.lock",
    "tools",
];

/// Those of them that nobody else has, one of which every cache soon gets.
const OURS_ALONE: &[&str] = &["clones", "setup.lock", "src.lock"];

/// The repository and the cache directory.
#[derive(Clone, Debug)]
pub struct Paths {
    pub root: PathBuf,
    pub cache: PathBuf,
}

impl Paths {
    pub fn discover() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .parent()
            .context("xtask has no parent directory")?
            .canonicalize()
            .context("the repository cannot be found; run this as `cargo xtask` from the clone")?;
        let cache = cache_dir(|name| env::var_os(name).map(PathBuf::from))
            .context("neither FREEPTE_CACHE, XDG_CACHE_HOME nor HOME is set")?;
        fs::create_dir_all(&cache).with_context(|| format!("creating {}", cache.display()))?;
        let cache = cache.canonicalize()?;
        Ok(Self { root, cache })
    }

    /// What has this path in the cache (it may not exist yet).
    pub fn cached(&self, path: &str) -> Result<PathBuf> {
        let top = path.split('/').next().unwrap_or_default();
        ensure!(
            ENTRIES.contains(&top),
            "{top} is not among the entries of a cache that paths.rs lists"
        );
        Ok(self.cache.join(path))
    }

    /// Whether the cache directory is empty, or has what we put there and nothing else.
    pub fn is_a_cache(&self) -> bool {
        let Ok(entries) = fs::read_dir(&self.cache) else {
            return false;
        };
        let names: Vec<_> = entries.flatten().map(|e| e.file_name()).collect();
        let among = |list: &[&str], name| list.iter().any(|known| name == *known);
        let only_entries = names.iter().all(|name| among(ENTRIES, name));
        only_entries && (names.is_empty() || names.iter().any(|name| among(OURS_ALONE, name)))
    }

    /// A directory of the cache, created on first use.
    pub fn cache_subdir(&self, path: &str) -> Result<PathBuf> {
        let dir = self.cached(path)?;
        fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
        Ok(dir)
    }

    /// What belongs to this clone alone: its patched trees, builds and logs.
    pub fn clone_dir(&self) -> Result<PathBuf> {
        self.cache_subdir(&format!(
            "clones/{}",
            short_hash(&self.root.to_string_lossy())
        ))
    }

    pub fn log_dir(&self) -> Result<PathBuf> {
        let dir = self.clone_dir()?.join("log");
        fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    pub fn bindgen(&self) -> PathBuf {
        self.cache.join("tools/bin/bindgen")
    }

    /// virtme-ng, of the version that this tree was tried with.
    pub fn vng(&self) -> PathBuf {
        self.venv().join("bin/vng")
    }

    /// Each version has an environment of its own: clones of other ages share the cache.
    pub fn venv(&self) -> PathBuf {
        self.cache.join(format!("tools/virtme-ng-{VIRTME_NG}"))
    }
}

/// The cache directory that the environment asks for.
fn cache_dir(var: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    var("FREEPTE_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("freepte")))
        .or_else(|| var("HOME").map(|dir| dir.join(".cache/freepte")))
}

/// The first 48 bits of the SHA-256 of a text, in hexadecimal.
pub fn short_hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))[..12].to_owned()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The SHA-256 of a file, in hexadecimal.
pub fn sha256_file(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut hasher).with_context(|| format!("reading {}", path.display()))?;
    Ok(hex(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(vars: &[(&str, &str)]) -> Option<PathBuf> {
        cache_dir(|name| {
            vars.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| PathBuf::from(v))
        })
    }

    #[test]
    fn cache_dir_order() {
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[("HOME", "/h")]), Some("/h/.cache/freepte".into()));
        assert_eq!(
            with(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")]),
            Some("/x/freepte".into())
        );
        assert_eq!(
            with(&[("HOME", "/h"), ("FREEPTE_CACHE", "/f")]),
            Some("/f".into())
        );
    }

    #[test]
    fn entries_of_a_cache_are_listed() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let paths = Paths {
            root: dir.path().into(),
            cache: dir.path().into(),
        };
        assert_eq!(paths.cache_subdir("apt/sid")?, dir.path().join("apt/sid"));
        assert!(paths.cache_subdir("no-entry").is_err());
        Ok(())
    }

    #[test]
    fn what_a_cache_looks_like() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let paths = Paths {
            root: dir.path().into(),
            cache: dir.path().into(),
        };
        assert!(paths.is_a_cache());
        paths.cache_subdir("src")?;
        assert!(!paths.is_a_cache(), "others have such a directory, too");
        paths.cache_subdir("clones")?;
        assert!(paths.is_a_cache());
        fs::write(dir.path().join("thesis.tex"), "")?;
        assert!(!paths.is_a_cache());
        Ok(())
    }

    #[test]
    fn hash_is_sha256() {
        assert_eq!(short_hash("abc"), "ba7816bf8f01");
    }
}
