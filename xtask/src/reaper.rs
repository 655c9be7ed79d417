// SPDX-License-Identifier: GPL-2.0

//! The reaper: a process of ours that does nothing until we are gone. When we were killed it ends
//! what runs for us and removes what is half-made, which a killed process can't do itself.

use crate::scratch;
use anyhow::{ensure, Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::Arc;

/// The name of the hidden subcommand.
pub const COMMAND: &str = "__reaper";

/// What the reaper reads when there is nothing to do for it.
const DISMISSED: &[u8] = b"dismissed";

/// The arguments of the hidden subcommand.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The directory of temporary files
    dir: PathBuf,
}

/// The reaper, seen from the process that it is for.
pub struct Reaper {
    process: Child,
    /// It learns from the end of this pipe that we are gone, whatever ended us.
    pipe: ChildStdin,
}

impl Reaper {
    /// Start one for this process, whose temporary files are in `dir`.
    pub fn start(dir: &Path) -> Result<Self> {
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("xtask")
            .arg(COMMAND)
            .arg(dir)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Without a mark: it is not one of those that it ends.
        #[allow(clippy::disallowed_methods)]
        let mut process = command.spawn().context("starting the reaper")?;
        let pipe = process.stdin.take().context("the reaper has no input")?;
        Ok(Self { process, pipe })
    }

    /// Nothing is left to do.
    pub fn dismiss(mut self) {
        let _ = self.pipe.write_all(DISMISSED);
        drop(self.pipe);
        let _ = self.process.wait();
    }
}

/// The reaper itself.
pub fn run(options: &Options) -> Result<()> {
    // What ends our owner is not for us: neither the terminal's signals, nor `pkill xtask`.
    rustix::process::setsid().context("leaving the terminal")?;
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    let mut said = Vec::new();
    std::io::stdin().lock().read_to_end(&mut said)?;
    if said == DISMISSED {
        return Ok(());
    }
    ensure!(said.is_empty(), "nobody said that");
    scratch::take_over(&options.dir)
}
