// SPDX-License-Identifier: GPL-2.0

//! The patch series: its order, the files it touches, and a stamp of its content.

use crate::paths::hex;
use anyhow::{bail, Context, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, Default)]
pub struct Series {
    pub patches: Vec<Patch>,
}

#[derive(Clone, Debug)]
pub struct Patch {
    pub path: PathBuf,
    pub text: Vec<u8>,
}

impl Patch {
    pub fn name(&self) -> String {
        self.path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}

impl Series {
    /// Read `patches/series`; no such file means no patches.
    pub fn load(dir: &Path) -> Result<Self> {
        let list = dir.join("series");
        let text = match fs::read_to_string(&list) {
            Ok(text) => text,
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(err) => bail!("reading {}: {err}", list.display()),
        };
        let mut patches = Vec::new();
        for name in names(&text) {
            let path = dir.join(&name);
            let text = fs::read(&path).with_context(|| {
                format!("{} names {name}, which cannot be read", list.display())
            })?;
            patches.push(Patch { path, text });
        }
        Ok(Self { patches })
    }

    /// Changes whenever a patch, its name or the order does.
    pub fn stamp(&self) -> String {
        let mut hasher = Sha256::new();
        for patch in &self.patches {
            hasher.update(patch.name().as_bytes());
            hasher.update([0]);
            hasher.update((patch.text.len() as u64).to_le_bytes());
            hasher.update(&patch.text);
        }
        hex(&hasher.finalize())
    }

    /// Every file that a patch changes, makes, renames or removes.
    pub fn touched(&self) -> BTreeSet<String> {
        self.patches
            .iter()
            .flat_map(|p| touched(&String::from_utf8_lossy(&p.text)))
            .collect()
    }
}

/// The patches that a series file lists: one a line, `#` starts a comment.
fn names(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or("").trim())
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The files of one patch.
fn touched(patch: &str) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut hunk = (0u64, 0u64);
    for line in patch.lines() {
        // Inside a hunk, a removed line "-- x" reads like a header.
        if hunk != (0, 0) {
            match line.as_bytes().first() {
                Some(b'-') => hunk.0 = hunk.0.saturating_sub(1),
                Some(b'+') => hunk.1 = hunk.1.saturating_sub(1),
                Some(b'\\') => {}
                _ => hunk = (hunk.0.saturating_sub(1), hunk.1.saturating_sub(1)),
            }
            continue;
        }
        if line.starts_with("@@ ") {
            hunk = hunk_size(line).unwrap_or((0, 0));
            continue;
        }
        let name = line
            .strip_prefix("--- ")
            .or_else(|| line.strip_prefix("+++ "))
            .and_then(|name| name.split('\t').next())
            .and_then(|name| name.split_once('/'))
            .filter(|(first, _)| !first.is_empty())
            .map(|(_, rest)| rest)
            .or_else(|| line.strip_prefix("rename from "))
            .or_else(|| line.strip_prefix("rename to "));
        files.extend(name.map(|n| n.trim().to_owned()));
    }
    files
}

/// Old and new line counts of `@@ -a,b +c,d @@`.
fn hunk_size(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split_whitespace().skip(1);
    let count = |word: &str| -> Option<u64> {
        match word.split_once(',') {
            Some((_, n)) => n.parse().ok(),
            None => Some(1),
        }
    };
    Some((count(words.next()?)?, count(words.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str =
        "From: A\nSubject: [PATCH] mm: x\n\n--- a note, no file\n---\n mm/a.c | 2 +-\n\n\
        diff --git a/mm/a.c b/mm/a.c\n--- a/mm/a.c\n+++ b/mm/a.c\n@@ -1,3 +1,3 @@ f()\n one\n\
        --- old/line\n++++ new/line\n three\n\
        diff --git a/mm/n.c b/mm/n.c\nnew file mode 100644\n--- /dev/null\n+++ b/mm/n.c\n\
        @@ -0,0 +1 @@\n+x\n-- \n2.39\n";

    #[test]
    fn files_of_a_patch() {
        let files: Vec<String> = touched(PATCH).into_iter().collect();
        assert_eq!(files, ["mm/a.c", "mm/n.c"]);
    }

    #[test]
    fn series_file() {
        assert_eq!(
            names("# all\n0001-a.patch\n\n 0002-b.patch # why\n"),
            ["0001-a.patch", "0002-b.patch"]
        );
    }

    #[test]
    fn stamp_sees_order_name_and_content() {
        let patch = |name: &str, text: &str| Patch {
            path: name.into(),
            text: text.into(),
        };
        let stamp = |p: &[&Patch]| {
            Series {
                patches: p.iter().map(|&p| p.clone()).collect(),
            }
            .stamp()
        };
        let (a, b) = (patch("a", "x"), patch("b", "y"));
        assert_eq!(stamp(&[&a, &b]), stamp(&[&a, &b]));
        assert_ne!(stamp(&[&a, &b]), stamp(&[&b, &a]));
        assert_ne!(stamp(&[&a]), stamp(&[&patch("a", "z")]));
        assert_ne!(stamp(&[&a]), stamp(&[&patch("c", "x")]));
        assert_ne!(stamp(&[]), stamp(&[&a]));
    }

    #[test]
    fn no_series_is_an_empty_one() -> Result<()> {
        let dir = tempfile::tempdir()?;
        assert!(Series::load(dir.path())?.patches.is_empty());
        fs::write(dir.path().join("series"), "missing.patch\n")?;
        assert!(Series::load(dir.path()).is_err());
        Ok(())
    }
}
