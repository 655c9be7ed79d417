// SPDX-License-Identifier: GPL-2.0

//! Running other programs, with errors that say which and why.

use crate::children;
use anyhow::{bail, Context, Result};
use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// The command as one could type it.
pub fn show(cmd: &Command) -> String {
    let words = std::iter::once(cmd.get_program())
        .chain(cmd.get_args())
        .map(|w| w.to_string_lossy().into_owned())
        .collect::<Vec<_>>();
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

/// Standard output of a command that must succeed.
pub fn output(cmd: &mut Command) -> Result<String> {
    let line = show(cmd);
    let out = children::output(cmd).with_context(|| format!("cannot run `{line}`"))?;
    if !out.status.success() {
        bail!(
            "`{line}` failed ({}):\n{}",
            out.status,
            tail(&String::from_utf8_lossy(&out.stderr), 20)
        );
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Standard output if the command exists and succeeds.
pub fn try_output(cmd: &mut Command) -> Option<String> {
    let out = children::output(cmd).ok()?;
    out.status
        .success()
        .then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Run a command that must succeed, its output going to a log file; the end of the log is
/// part of the error.
pub fn run_logged(cmd: &mut Command, log: &Path) -> Result<()> {
    logged(cmd, log, children::status)
}

/// The same for a command that must not be cut in half.
pub fn run_logged_whole(cmd: &mut Command, log: &Path) -> Result<()> {
    logged(cmd, log, children::status_whole)
}

fn logged(
    cmd: &mut Command,
    log: &Path,
    run: fn(&mut Command) -> io::Result<ExitStatus>,
) -> Result<()> {
    let line = show(cmd);
    if let Some(dir) = log.parent() {
        fs::create_dir_all(dir)?;
    }
    let file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
    cmd.stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file);
    let status = run(cmd).with_context(|| format!("cannot run `{line}`"))?;
    if !status.success() {
        let text = fs::read(log).unwrap_or_default();
        bail!(
            "`{line}` failed ({status}); the end of {}:\n{}",
            log.display(),
            tail(&String::from_utf8_lossy(&text), 30)
        );
    }
    Ok(())
}

/// The last lines of a text.
pub fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Where a program is, looking in PATH and in the system's directories.
pub fn which(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Processors of this machine.
pub fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_takes_the_end() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a", 5), "a");
    }

    #[test]
    fn show_quotes() {
        let mut cmd = Command::new("make");
        cmd.arg("CC=ccache clang");
        assert_eq!(show(&cmd), "make 'CC=ccache clang'");
    }

    #[test]
    fn failure_names_the_command() {
        let err = output(&mut Command::new("false")).unwrap_err().to_string();
        assert!(err.contains("`false` failed"), "{err}");
        let err = output(&mut Command::new("/nonexistent/x"))
            .unwrap_err()
            .to_string();
        assert!(err.contains("cannot run"), "{err}");
    }
}
