// SPDX-License-Identifier: GPL-2.0

//! Chromium without a window.

use crate::children;
use crate::cmd;
use anyhow::{bail, ensure, Context, Result};
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const NAMES: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// It takes a second or two, but this machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn find() -> Option<PathBuf> {
    NAMES
        .iter()
        .filter_map(|name| cmd::which(name))
        .find(|file| !is_snap(file))
}

/// A snap sees no files of ours: it has a /tmp of its own.
fn is_snap(file: &Path) -> bool {
    const SCRIPT: u64 = 64 << 10;
    let is_link = file
        .canonicalize()
        .is_ok_and(|file| file.ends_with("bin/snap") || file.starts_with("/snap"));
    let is_script = || {
        let small = fs::metadata(file).is_ok_and(|m| m.len() < SCRIPT);
        small && fs::read(file).is_ok_and(|text| String::from_utf8_lossy(&text).contains("/snap/"))
    };
    is_link || is_script()
}

pub struct Chromium<'a> {
    pub browser: &'a Path,
    /// Where it may leave files
    pub dir: &'a Path,
}

impl Chromium<'_> {
    /// A page's elements after it was loaded.
    pub fn dom(&self, page: &Path, size: (u32, u32)) -> Result<String> {
        self.run(&["--dump-dom".to_owned()], page, size)
    }

    pub fn screenshot(&self, page: &Path, size: (u32, u32), png: &Path) -> Result<()> {
        let said = self.run(&[format!("--screenshot={}", png.display())], page, size)?;
        ensure!(png.is_file(), "Chromium made no picture: {said}");
        Ok(())
    }

    fn run(&self, job: &[String], page: &Path, (width, height): (u32, u32)) -> Result<String> {
        let (out, err) = (self.dir.join("stdout"), self.dir.join("stderr"));
        let mut command = Command::new(self.browser);
        command
            .args([
                "--headless",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-extensions",
                "--disable-background-networking",
                "--no-first-run",
                "--hide-scrollbars",
                "--force-device-scale-factor=1",
                // The probe looks into the page.
                "--allow-file-access-from-files",
            ])
            .arg(format!(
                "--user-data-dir={}",
                self.dir.join("user").display()
            ))
            .arg(format!("--window-size={width},{height}"))
            .args(job)
            .arg(page)
            .env("HOME", self.dir)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            // It makes a socket there, and the path of one must be short.
            .env("TMPDIR", env::temp_dir())
            .stdin(Stdio::null())
            .stdout(File::create(&out)?)
            .stderr(File::create(&err)?);
        if cmd::is_root() {
            command.arg("--no-sandbox");
        }
        let mut child = children::spawn(&mut command)
            .with_context(|| format!("cannot run {}", self.browser.display()))?;
        let status = child.wait_for(PATIENCE)?;
        let said = || fs::read(&err).map(|text| cmd::tail(&String::from_utf8_lossy(&text), 20));
        match status {
            None => bail!("Chromium did not end in {PATIENCE:?}:\n{}", said()?),
            Some(status) if !status.success() => bail!("Chromium: {status}:\n{}", said()?),
            Some(_) => {}
        }
        let text = fs::read(&out)?;
        ensure!(
            !text.is_empty() || job.iter().any(|j| j.starts_with("--screenshot")),
            "Chromium printed nothing:\n{}",
            said()?
        );
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snaps_are_known() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let script = dir.path().join("chromium-browser");
        fs::write(&script, "#!/bin/sh\nexec /snap/bin/chromium \"$@\"\n")?;
        assert!(is_snap(&script));
        fs::write(
            &script,
            "#!/bin/sh\nexec /usr/lib/chromium/chromium \"$@\"\n",
        )?;
        assert!(!is_snap(&script));
        Ok(())
    }
}
