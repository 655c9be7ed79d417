// SPDX-License-Identifier: GPL-2.0

//! Running a command, or a shell, in a virtual machine: virtme-ng on a copy-on-write view of the
//! host's files.
//!
//! The command's standard output, standard error and exit status travel over virtio ports of our
//! own; what virtme-ng, QEMU and the kernel have to say goes to the console log, which is scanned
//! afterwards.

mod cli;
mod disk;
mod escape;
mod gdb;
mod machine;
mod outcome;
mod ports;
mod programs;
mod run_dir;
mod script;
mod shell;
mod vng;
pub mod xen;

use crate::build::{self, Kernel};
use crate::children::{self, Child};
use crate::kvm;
use crate::paths::Paths;
use crate::scratch;
use crate::splat::Scanner;
use anyhow::{ensure, Context, Result};
use gdb::Gdb;
use ports::{Ports, Told};
use run_dir::RunDir;
use shell::Console;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;

pub use cli::{command, Options};
pub use machine::Machine;
pub use outcome::{Outcome, EXIT_NO_STATUS};
pub use ports::Sink;

/// Boot a variant's image, or another one, and run a command as root.
pub fn run(
    paths: &Paths,
    kernel: impl Into<Kernel>,
    image: Option<&Path>,
    machine: &Machine,
    sink: Sink,
    command: &[String],
) -> Result<Outcome> {
    Guest::new(paths, kernel.into(), image, machine)?.run(sink, command)
}

/// What is to be booted.
struct Guest<'a> {
    paths: &'a Paths,
    kernel: Kernel,
    image: PathBuf,
    machine: &'a Machine,
    /// Have it wait for a debugger, and give it all the time that takes
    gdb: Option<Gdb>,
}

impl<'a> Guest<'a> {
    fn new(
        paths: &'a Paths,
        kernel: Kernel,
        image: Option<&Path>,
        machine: &'a Machine,
    ) -> Result<Self> {
        let image = match image {
            Some(image) => image.to_owned(),
            None => build::image(paths, kernel.clone())?,
        };
        ensure!(
            image.is_file(),
            "{} does not exist; run `cargo xtask build --kernel {}` first",
            image.display(),
            kernel.variant.name()
        );
        Ok(Self {
            paths,
            kernel,
            image,
            machine,
            gdb: None,
        })
    }

    /// Run a command.
    fn run(&self, sink: Sink, command: &[String]) -> Result<Outcome> {
        let place = Place::new(self.paths)?;
        let ports = Ports::new(place.scratch.path())?;
        let script = script::for_command(self.paths, &self.modules()?, command)?;
        let mut child = self.boot(&place, &script, ports.qemu_opts())?;
        let readers = ports.read(sink)?;
        let timed_out = match &self.gdb {
            Some(_) => child.wait().map(|_| false)?,
            None => {
                let most = Duration::from_secs(self.machine.timeout);
                child.wait_for_own_time(most)?.is_none()
            }
        };
        drop(child);
        self.outcome(&place, readers.finish()?, timed_out)
    }

    /// Run a shell on our terminal.
    fn shell(&self) -> Result<Outcome> {
        let place = Place::new(self.paths)?;
        let console = Console::new(place.scratch.path())?;
        let name = self.kernel.variant.name();
        let script = script::for_shell(self.paths, &self.modules()?, name)?;
        let mut child = self.boot(&place, &script, console.qemu_opts())?;
        console.attend(&mut child)?;
        let told = Told {
            status: console.status.read(),
            stdout: String::new(),
            stderr: String::new(),
        };
        self.outcome(&place, told, false)
    }

    fn modules(&self) -> Result<PathBuf> {
        let out = build::build_dir(self.paths, self.kernel.clone())?;
        Ok(build::modules_dir(&out))
    }

    /// Start the guest; it runs a script and ends.
    fn boot(&self, place: &Place, script: &str, ports: String) -> Result<Child> {
        let mut opts = Vec::new();
        if let Some(size) = &self.machine.disk {
            // It comes first, and is /dev/vda.
            opts.push(disk::make(place.scratch.path(), size)?);
        }
        opts.extend(self.machine.qemu_opts.iter().cloned());
        opts.extend(self.gdb.as_ref().map(Gdb::qemu_opts));
        opts.push(ports);

        let file = place.kept.path().join("script");
        fs::write(&file, script)?;
        let mut qemu = kvm::qemu()?;
        if self.machine.xen {
            qemu = place.kept.path().join("qemu");
            xen::qemu(self.paths, &qemu, &place.kept.path().join("xen.log"))?;
        }
        let mut command = vng::command(self, &qemu, &file, &opts)?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(place.console())?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        children::spawn(&mut command)
            .with_context(|| format!("running {}", self.paths.vng().display()))
    }

    fn outcome(&self, place: &Place, told: Told, timed_out: bool) -> Result<Outcome> {
        let console = place.console();
        let text = fs::read(&console)?;
        let splats = Scanner::new()?.scan(&String::from_utf8_lossy(&text));
        let latest = format!("vm-{}.log", self.kernel.variant.name());
        let _ = fs::copy(&console, self.paths.log_dir()?.join(latest));
        Ok(Outcome {
            status: told.status,
            timed_out,
            splats,
            stdout: told.stdout,
            stderr: told.stderr,
            console,
        })
    }
}

/// Where the files of a run are: those that are kept for some time, and those that are not.
struct Place {
    kept: RunDir,
    scratch: TempDir,
}

impl Place {
    fn new(paths: &Paths) -> Result<Self> {
        Ok(Self {
            kept: RunDir::new(paths)?,
            scratch: scratch::dir("vm")?,
        })
    }

    fn console(&self) -> PathBuf {
        self.kept.path().join("console.log")
    }
}
