// SPDX-License-Identifier: GPL-2.0

//! A control group of our own: what a workload's processes touch is charged to it, and reclaimed
//! from it.

use crate::tools;
use anyhow::{ensure, Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{fs, io, thread};

const ROOT: &str = "/sys/fs/cgroup";

#[derive(Debug)]
pub struct Cgroup {
    dir: PathBuf,
}

impl Cgroup {
    pub fn new(name: &str) -> Result<Self> {
        let root = Path::new(ROOT);
        if !root.join("cgroup.controllers").exists() {
            // Whatever else is mounted there is not ours to cover.
            ensure!(
                fs::read_dir(root).is_ok_and(|mut dir| dir.next().is_none()),
                "{ROOT} is in use, and not by cgroup v2"
            );
            tools::run(Command::new("mount").args(["-t", "cgroup2", "none", ROOT]))?;
        }
        tools::set(root.join("cgroup.subtree_control"), "+memory")
            .context("the memory controller of cgroup v2 is needed")?;
        let dir = root.join(format!("freepte-{name}"));
        fs::create_dir(&dir).with_context(|| format!("creating {}", dir.display()))?;
        Ok(Self { dir })
    }

    pub fn add(&self, pid: u32) -> Result<()> {
        tools::set(self.dir.join("cgroup.procs"), &pid.to_string())
    }

    /// Makes this process a member, for as long as what is returned lives.
    pub fn join(&self) -> Result<Member<'_>> {
        self.add(std::process::id())?;
        Ok(Member { _of: self })
    }

    /// Reclaim until `left` says that nothing is left; gives up, which the figures will show, when
    /// that number stops falling.
    pub fn reclaim(&self, left: impl Fn() -> Result<u64>) -> Result<()> {
        const STUCK: u32 = 8;
        let file = self.dir.join("memory.reclaim");
        let mut least = left()?;
        let mut stuck = 0;
        while least > 0 && stuck < STUCK {
            match fs::write(&file, "128M") {
                // Less than asked for was reclaimed.
                Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {}
                result => result.with_context(|| format!("writing {}", file.display()))?,
            }
            let now = left()?;
            stuck = if now < least { 0 } else { stuck + 1 };
            if stuck == STUCK / 2 {
                // Pages that wait in the CPUs' batches are not reclaimed; this drains them.
                tools::set("/proc/sys/vm/drop_caches", "1")?;
            }
            least = least.min(now);
        }
        Ok(())
    }
}

/// That this process is in a control group, which can't be removed before it left.
#[derive(Debug)]
pub struct Member<'a> {
    _of: &'a Cgroup,
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        // Otherwise the group stays behind; there is no one to tell.
        let _ = tools::set(
            Path::new(ROOT).join("cgroup.procs"),
            &std::process::id().to_string(),
        );
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A process that was just killed may take a moment to leave.
        for _ in 0..50 {
            match fs::remove_dir(&self.dir) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    thread::sleep(Duration::from_millis(20));
                }
                _ => return,
            }
        }
    }
}
