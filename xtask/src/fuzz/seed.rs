// SPDX-License-Identifier: GPL-2.0

//! The first seed of a test: another one for each commit, so that what is tested grows with time,
//! and the same for all who test that commit.

use crate::cmd;
use crate::paths::Paths;
use anyhow::{ensure, Context, Result};
use std::fmt;
use std::process::Command;

/// Where there is no commit to ask, as in an unpacked archive.
const WITHOUT_GIT: u64 = 1;

#[derive(Debug, PartialEq, Eq)]
pub struct Seed {
    pub first: u64,
    /// The start of the commit's hash
    commit: Option<String>,
}

impl Seed {
    /// The first 32 bits of the hash of the commit that is checked out.
    pub fn of_commit(paths: &Paths) -> Result<Self> {
        let mut git = Command::new("git");
        git.arg("-C").arg(&paths.root);
        git.args(["rev-parse", "--verify", "HEAD"]);
        cmd::try_output(&mut git).map_or(Ok(Self::without_git()), |hash| Self::parse(&hash))
    }

    fn without_git() -> Self {
        Self {
            first: WITHOUT_GIT,
            commit: None,
        }
    }

    fn parse(hash: &str) -> Result<Self> {
        let start = hash.get(..8).unwrap_or_default();
        let is_hex = start.len() == 8 && start.bytes().all(|byte| byte.is_ascii_hexdigit());
        ensure!(is_hex, "`{}` is no hash of a commit", hash.trim());
        let first = u64::from_str_radix(start, 16).context("reading a commit's hash")?;
        Ok(Self {
            first,
            commit: Some(start.to_owned()),
        })
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.commit {
            Some(commit) => write!(f, "seeds from {}, as of commit {commit}", self.first),
            None => write!(f, "seeds from {}, as there is no commit", self.first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn of_a_hash() -> Result<()> {
        let seed = Seed::parse("729eba09e261b73d101d1dbf4214d1985b9a6376\n")?;
        assert_eq!(seed.first, 0x729e_ba09);
        assert_eq!(
            seed.to_string(),
            "seeds from 1923004937, as of commit 729eba09"
        );
        for bad in ["", "729eba0", "+29eba09e", "HEAD of nothing"] {
            assert!(Seed::parse(bad).is_err(), "{bad}");
        }
        Ok(())
    }

    fn commit(dir: &Path, message: &str) -> Result<Seed> {
        let mut git = Command::new("git");
        git.arg("-C").arg(dir);
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]);
        cmd::output(git.args(["commit", "-q", "--allow-empty", "-m", message]))?;
        Seed::of_commit(&paths(dir))
    }

    fn paths(dir: &Path) -> Paths {
        Paths {
            root: dir.to_owned(),
            cache: dir.to_owned(),
        }
    }

    #[test]
    fn each_commit_has_its_own() -> Result<()> {
        let dir = tempfile::tempdir()?;
        assert_eq!(Seed::of_commit(&paths(dir.path()))?, Seed::without_git());
        cmd::output(Command::new("git").args(["init", "-q"]).arg(dir.path()))?;
        let first = commit(dir.path(), "one")?;
        assert_eq!(first, Seed::of_commit(&paths(dir.path()))?);
        assert_ne!(first, commit(dir.path(), "two")?);
        Ok(())
    }
}
