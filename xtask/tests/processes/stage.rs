// SPDX-License-Identifier: GPL-2.0

//! A cache, and programs that stand in for the real ones.

use crate::versions;
use anyhow::{ensure, Context, Result};
use rustix::process::{kill_process, Pid, Signal};
use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// The variable that every process of a stage has.
const STAGE: &str = "FREEPTE_TEST_STAGE";

/// virtme-ng as it should not be: it ignores whoever asks it to end, and so does what it starts;
/// some of that leaves its group, some its parent as well.
pub const STUBBORN: &str = r#"
trap '' HUP INT TERM
sleep 3600 &
setsid sleep 3600 &
(setsid sleep 3600 &)
touch "$FREEPTE_TEST_STAGE/up/$$"
while :; do sleep 3600; done
"#;
/// So many processes each of them is.
pub const STUBBORN_PROCESSES: usize = 5;

pub struct Stage {
    dir: TempDir,
}

impl Stage {
    /// A stage on which a guest does what the script says.
    pub fn new(vng: &str) -> Result<Self> {
        let stage = Self {
            dir: tempfile::tempdir()?,
        };
        for dir in ["up", "temp"] {
            fs::create_dir_all(stage.path(dir))?;
        }
        let place = format!("cache/tools/virtme-ng-{}/bin/vng", versions::VIRTME_NG);
        stage.program(&place, vng)?;
        fs::write(stage.cache().join("setup.lock"), "")?;
        stage.program(
            "bin/qemu-system-x86_64",
            "echo QEMU emulator version 10.0.0",
        )?;
        stage.program("bin/cargo", "exit 0")?;
        // There is room enough.
        stage.program("bin/df", "echo; echo disk 1 1 999999999 1 /")?;
        stage.program("target/release/freepte-fuzz", "exit 1")?;
        fs::write(stage.path("image"), "")?;
        Ok(stage)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn cache(&self) -> PathBuf {
        self.path("cache")
    }

    /// Put a program there, which is a shell script.
    pub fn program(&self, name: &str, script: &str) -> Result<()> {
        let file = self.path(name);
        fs::create_dir_all(file.parent().context("no directory")?)?;
        fs::write(&file, format!("#!/bin/bash\n{script}\n"))?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    /// Any program, in the environment of this stage.
    pub fn command(&self, program: &str) -> Result<Command> {
        let path = std::env::var("PATH").context("no PATH")?;
        // Whoever runs the tests in the background may have them ignore Ctrl-C, and what they start.
        let mut command = Command::new("env");
        command
            .args(["--default-signal=HUP,INT,TERM", program])
            .env(STAGE, self.dir.path())
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("FREEPTE_CACHE", self.cache())
            .env("TMPDIR", self.path("temp"))
            .env("CARGO", self.path("bin/cargo"))
            .env("CARGO_TARGET_DIR", self.path("target"))
            .env_remove("KERNEL_SRC")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(command)
    }

    pub fn xtask(&self, args: &[&str]) -> Result<Command> {
        let mut command = self.command(env!("CARGO_BIN_EXE_xtask"))?;
        command.args(args);
        Ok(command)
    }

    /// The arguments for a command that runs two guests at once.
    pub fn two_guests(&self) -> Vec<String> {
        let image = self.path("image").display().to_string();
        let images = format!("--image={image},{image}");
        ["fuzz", "--no-build", "--count=1", "--ops=1", &images]
            .map(str::to_owned)
            .to_vec()
    }

    /// The arguments for a command that runs one.
    pub fn one_guest(&self, more: &[&str]) -> Vec<String> {
        let image = format!("--image={}", self.path("image").display());
        let mut args = vec!["vm".to_owned(), image];
        args.extend(more.iter().map(|&word| word.to_owned()));
        args
    }

    /// Run to the end.
    pub fn run<S: AsRef<str>>(&self, args: &[S]) -> Result<Output> {
        let args: Vec<&str> = args.iter().map(S::as_ref).collect();
        Ok(self.xtask(&args)?.stderr(Stdio::piped()).output()?)
    }

    /// Start, and wait until so many guests are up.
    pub fn start<S: AsRef<str>>(&self, args: &[S], guests: usize) -> Result<Child> {
        let args: Vec<&str> = args.iter().map(S::as_ref).collect();
        let child = self.xtask(&args)?.stderr(self.stderr()?).spawn()?;
        self.wait_for_guests(guests)?;
        Ok(child)
    }

    /// Where the standard error of what was started goes.
    pub fn stderr(&self) -> Result<File> {
        let file = self.path("stderr");
        Ok(File::options().create(true).append(true).open(file)?)
    }

    /// What it has.
    pub fn said(&self) -> Result<String> {
        Ok(fs::read_to_string(self.path("stderr"))?)
    }

    pub fn wait_for_guests(&self, guests: usize) -> Result<()> {
        let up = || Ok(fs::read_dir(self.path("up"))?.count() >= guests);
        until("the guests are up", up)
    }

    /// The processes of this stage.
    pub fn processes(&self) -> Result<Vec<Pid>> {
        let variable = format!("{STAGE}={}\0", self.dir.path().display());
        let is_ours = |pid: &Pid| {
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                environment
                    .windows(variable.len())
                    .any(|bytes| bytes == variable.as_bytes())
            })
        };
        Ok(fs::read_dir("/proc")?
            .flatten()
            .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
            .filter(is_ours)
            .collect())
    }

    /// Nothing runs, and nothing temporary is left.
    pub fn nothing_is_left(&self) -> Result<()> {
        until("every process has ended", || {
            Ok(self.processes()?.is_empty())
        })?;
        self.nothing_temporary_is_left()
    }

    pub fn nothing_temporary_is_left(&self) -> Result<()> {
        for dir in [self.path("temp"), self.cache().join("tmp")] {
            let left = names(&dir)?;
            ensure!(left.is_empty(), "{} has {left:?}", dir.display());
        }
        let left: Vec<PathBuf> = everything_below(&self.cache())?
            .into_iter()
            .filter(|path| {
                let is_fifo = fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_fifo());
                is_fifo || path.ends_with("disk")
            })
            .collect();
        ensure!(left.is_empty(), "{left:?} are left");
        Ok(())
    }
}

impl Drop for Stage {
    /// A test that fails leaves nothing, either.
    fn drop(&mut self) {
        for pid in self.processes().unwrap_or_default() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

pub fn names(dir: &Path) -> Result<Vec<String>> {
    Ok(fs::read_dir(dir)
        .with_context(|| format!("reading {}", dir.display()))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect())
}

fn everything_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)?.flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(everything_below(&path)?);
        }
        found.push(path);
    }
    Ok(found)
}

/// Wait for something that comes soon.
pub fn until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !is_so()? {
        ensure!(start.elapsed() < PATIENCE, "not so in {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Wait for the end.
pub fn end_of(child: &mut Child) -> Result<ExitStatus> {
    let mut status = None;
    until("the process has ended", || {
        status = child.try_wait()?;
        Ok(status.is_some())
    })?;
    status.context("no status")
}
