// SPDX-License-Identifier: GPL-2.0

//! herd7, which searches all executions of a litmus test: the machine's own, or Debian's, unpacked
//! into the cache.
//!
//! Only Debian's newest suite has one that understands the kernel's memory model of today. It wants
//! the C library of that suite, which is unpacked beside it: the machine's stays as it is.

use super::Unavailable;
use crate::apt::PrivateApt;
use crate::cmd;
use crate::paths::Paths;
use crate::progress::Progress;
use crate::scratch;
use anyhow::{ensure, Context, Result};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "herdtools7";
const SUITE: &str = "sid";

/// What tools/memory-model/README of Linux 7.3 asks for.
const OLDEST: (u32, u32) = (7, 58);

/// A herd7 that can be run.
pub struct Herd {
    argv: Vec<OsString>,
}

impl Herd {
    /// The one to use, if there is one that is new enough.
    pub fn find(paths: &Paths) -> Result<Self> {
        let own = Self {
            argv: vec!["herd7".into()],
        };
        [own, Self::unpacked(&home(paths))]
            .into_iter()
            .find(Self::is_new_enough)
            .ok_or_else(|| {
                let (major, minor) = OLDEST;
                let text = format!(
                    "herd7 {major}.{minor} or newer is not installed; `opam install {PACKAGE}` \
                     gets it"
                );
                Unavailable(text).into()
            })
    }

    /// The one in a directory that `unpack` made: started by the loader of its own C library.
    fn unpacked(home: &Path) -> Self {
        let argv = [
            home.join("lib/ld-linux-x86-64.so.2").into(),
            "--library-path".into(),
            home.join("lib").into(),
            home.join("herd7").into(),
            "-set-libdir".into(),
            home.join("herd").into(),
        ];
        Self {
            argv: argv.to_vec(),
        }
    }

    pub fn command(&self) -> Command {
        let mut words = self.argv.iter();
        let mut cmd = Command::new(words.next().map_or_else(OsString::new, OsString::clone));
        cmd.args(words).env("LC_ALL", "C");
        cmd
    }

    fn version(&self) -> Option<(u32, u32)> {
        version(&cmd::try_output(self.command().arg("-version"))?)
    }

    fn is_new_enough(&self) -> bool {
        self.version().is_some_and(|version| version >= OLDEST)
    }
}

/// The version of the herd7 that would be used.
pub fn installed(paths: &Paths) -> Option<String> {
    let (major, minor) = Herd::find(paths).ok()?.version()?;
    Some(format!("{major}.{minor}"))
}

/// The version in what `herd7 -version` says.
fn version(text: &str) -> Option<(u32, u32)> {
    let number = |s: &str| s.trim().parse().ok();
    let mut parts = text.split([',', ' ', '\n']).next()?.split(['.', '+', '~']);
    Some((number(parts.next()?)?, number(parts.next()?)?))
}

fn home(paths: &Paths) -> PathBuf {
    paths.cache.join("pkg").join(PACKAGE)
}

/// Make sure that there is a herd7, where Debian's packages can be had.
pub fn setup(paths: &Paths) -> Result<()> {
    if Herd::find(paths).is_ok() {
        return Ok(());
    }
    let Some(apt) = PrivateApt::new(paths, SUITE)? else {
        eprintln!("note: herd7 is not installed; the litmus tests will be skipped");
        return Ok(());
    };
    let progress = Progress::new("fetching herd7 (unpacked into the cache, not installed)");
    apt.update()
        .context("apt-get update (private lists) failed: is there a network?")?;
    let tmp = scratch::dir("herd")?;
    apt.download_all(PACKAGE, tmp.path())
        .with_context(|| format!("Debian's {PACKAGE} could not be fetched"))?;
    unpack(tmp.path(), &home(paths))?;
    Herd::find(paths).with_context(|| format!("{PACKAGE} of {SUITE} was unpacked"))?;
    progress.done();
    Ok(())
}

/// Take what herd7 needs out of the packages in a directory.
fn unpack(debs: &Path, home: &Path) -> Result<()> {
    let root = debs.join("root");
    let made = debs.join("made");
    fs::create_dir_all(&made)?;
    for deb in fs::read_dir(debs)?.flatten().map(|e| e.path()) {
        if deb.extension().is_some_and(|e| e == "deb") {
            cmd::output(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(&root))?;
        }
    }
    let parts = [
        ("usr/bin/herd7", "herd7"),
        ("usr/share/herdtools7/herd", "herd"),
        ("usr/lib/x86_64-linux-gnu", "lib"),
    ];
    for (from, to) in parts {
        let from = root.join(from);
        ensure!(from.exists(), "the packages have no {}", from.display());
        fs::rename(&from, made.join(to))?;
    }
    let _ = fs::remove_dir_all(home);
    scratch::place(&made, home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(version("7.58, Rev: exported\n"), Some((7, 58)));
        assert_eq!(version("7.56+03, Rev: 1\n"), Some((7, 56)));
        assert_eq!(version("7.58.1\n"), Some((7, 58)));
        assert_eq!(version("herd7\n"), None);
        assert_eq!(version(""), None);
        assert!(version("7.58, Rev: exported") >= Some(OLDEST));
        assert!(version("7.56.3") < Some(OLDEST));
    }

    #[test]
    fn one_that_is_not_there_is_not_new_enough() {
        assert!(!Herd::unpacked(Path::new("/nonexistent")).is_new_enough());
    }
}
