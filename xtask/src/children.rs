// SPDX-License-Identifier: GPL-2.0

//! The programs that we run. Nothing else starts any (clippy.toml sees to that): each is in a
//! process group of its own, so that a Ctrl-C of the terminal reaches us alone, and none outlives
//! us, nor does what it starts.

pub mod mark;
mod queued;

use crate::interrupt;
use crate::scratch;
use mark::Mark;
use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::process::{self as processes, Pid, PidfdFlags, Signal};
use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{self, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to end that was asked to, before it is killed.
pub const GRACE: Duration = Duration::from_secs(3);

/// A program that runs. It is ended when this is dropped before it ended by itself.
pub struct Child {
    /// Until it was waited for
    running: Option<process::Child>,
    mark: Mark,
    pub stdin: Option<ChildStdin>,
    pub stdout: Option<ChildStdout>,
    pub stderr: Option<ChildStderr>,
}

/// Start a program.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    let mark = Mark::next();
    command.process_group(0).env(mark::VARIABLE, mark.value());
    let has_temp_dir = command
        .get_envs()
        .any(|(name, _)| name == OsStr::new("TMPDIR"));
    if let (Some(dir), false) = (scratch::own(), has_temp_dir) {
        command.env("TMPDIR", dir);
    }
    let gate = interrupt::gate();
    #[allow(clippy::disallowed_methods)]
    let mut running = command.spawn()?;
    drop(gate);
    Ok(Child {
        stdin: running.stdin.take(),
        stdout: running.stdout.take(),
        stderr: running.stderr.take(),
        running: Some(running),
        mark,
    })
}

/// Run a program to its end; what it prints is returned.
pub fn output(command: &mut Command) -> io::Result<Output> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    spawn(command)?.wait_with_output()
}

/// Run a program to its end.
pub fn status(command: &mut Command) -> io::Result<ExitStatus> {
    spawn(command)?.wait()
}

/// Run a program that must not be cut in half: one that changes the machine itself. It is not ended
/// with us, and we wait for it before we end, unless we are asked twice.
pub fn status_whole(command: &mut Command) -> io::Result<ExitStatus> {
    command.process_group(0);
    let gate = interrupt::gate();
    #[allow(clippy::disallowed_methods)]
    let status = command.status();
    drop(gate);
    interrupt::pass();
    status
}

impl Child {
    /// Wait for the end.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        self.reap()
    }

    /// Wait for the end, but no longer than told; nothing when the time ran out.
    pub fn wait_for(&mut self, most: Duration) -> io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        let process = processes::pidfd_open(self.pid()?, PidfdFlags::empty())?;
        loop {
            let left = most.saturating_sub(start.elapsed());
            // A time that is too long for the type is for ever.
            let left = Timespec::try_from(left).ok();
            let mut ended = [PollFd::new(&process, PollFlags::IN)];
            match poll(&mut ended, left.as_ref()) {
                Ok(0) => return Ok(None),
                Ok(_) => return self.reap().map(Some),
                Err(rustix::io::Errno::INTR) => {}
                Err(err) => return Err(err.into()),
            }
        }
    }

    /// The same, but time for which others kept it from the processors does not count.
    pub fn wait_for_own_time(&mut self, most: Duration) -> io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        let mut left = most;
        while !left.is_zero() {
            if let Some(status) = self.wait_for(left)? {
                return Ok(Some(status));
            }
            let own = start.elapsed().saturating_sub(queued::longest(&self.mark));
            left = most.saturating_sub(own);
        }
        Ok(None)
    }

    /// Wait for the end; what it prints meanwhile is returned.
    fn wait_with_output(mut self) -> io::Result<Output> {
        let mut running = self.running.take().ok_or(io::ErrorKind::NotFound)?;
        running.stdout = self.stdout.take();
        running.stderr = self.stderr.take();
        let output = running.wait_with_output();
        interrupt::pass();
        output
    }

    /// End it and all that it started.
    pub fn end(&mut self) {
        let group = self.pid();
        let signal = |signal| {
            if let Ok(group) = group {
                // It was not waited for yet: no other group has its number.
                let _ = processes::kill_process_group(group, signal);
            }
        };
        signal(Signal::TERM);
        mark::end(&self.mark);
        signal(Signal::KILL);
    }

    fn pid(&self) -> io::Result<Pid> {
        let running = self.running.as_ref().ok_or(io::ErrorKind::NotFound)?;
        Ok(Pid::from_child(running))
    }

    fn reap(&mut self) -> io::Result<ExitStatus> {
        let running = self.running.as_mut().ok_or(io::ErrorKind::NotFound)?;
        let status = running.wait()?;
        self.running = None;
        // Whoever learns that it ended would say that it failed.
        interrupt::pass();
        Ok(status)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.end();
            let _ = self.reap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{anyhow, Context, Result};
    use std::io::{BufRead, BufReader};
    use std::thread;

    /// A shell that ignores SIGTERM, and a process that has left its group; its number.
    fn stubborn() -> Result<(Child, Pid)> {
        let script = "trap '' TERM; setsid sleep 600 & echo $!; while :; do sleep 600; done";
        let mut command = Command::new("bash");
        command
            .args(["-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = spawn(&mut command)?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let pid = Pid::from_raw(line.trim().parse()?).context("no number")?;
        Ok((child, pid))
    }

    fn runs(pid: Pid) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // One that nobody waited for yet has ended as well.
        !state.is_empty() && !state.contains(") Z ")
    }

    #[test]
    fn a_child_ends_with_all_that_it_started() -> Result<()> {
        let (mut child, grandchild) = stubborn()?;
        let shell = child.pid()?;
        assert_eq!(processes::getpgid(Some(shell))?, shell);
        assert!(runs(grandchild) && child.wait_for(Duration::ZERO)?.is_none());
        child.end();
        assert!(!runs(grandchild));
        assert!(!child.wait()?.success());
        assert!(!runs(shell));
        Ok(())
    }

    #[test]
    fn one_that_is_dropped_ends_and_the_others_go_on() -> Result<()> {
        let (child, grandchild) = stubborn()?;
        let (other, others_child) = stubborn()?;
        drop(child);
        assert!(!runs(grandchild) && runs(others_child));
        drop(other);
        assert!(!runs(others_child));
        Ok(())
    }

    #[test]
    fn waiting_ends_with_the_child() -> Result<()> {
        let mut child = spawn(Command::new("sh").args(["-c", "exit 3"]))?;
        let status = child.wait_for(Duration::from_secs(60))?;
        assert_eq!(status.and_then(|s| s.code()), Some(3));
        Ok(())
    }

    #[test]
    fn time_in_the_queue_for_a_processor_does_not_count() -> Result<()> {
        let most = Duration::from_millis(300);
        let own_time = |script: &str| -> Result<(bool, Duration)> {
            let start = Instant::now();
            let mut child = spawn(Command::new("sh").args(["-c", script]))?;
            let ended = child.wait_for_own_time(most)?.is_some();
            Ok((ended, start.elapsed()))
        };
        // Nobody keeps it from sleeping.
        let (ended, elapsed) = own_time("exec sleep 600")?;
        assert!(!ended && elapsed >= most);
        // Three for each processor, which have a third of it.
        let crowd = "for i in $(seq $((3 * $(nproc)))); do while :; do :; done & done; wait";
        let (ended, elapsed) = own_time(crowd)?;
        assert!(!ended && elapsed >= 2 * most, "{elapsed:?}");
        Ok(())
    }

    #[test]
    fn what_must_be_whole_is_waited_for() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let script =
            "[ \"$FREEPTE_XTASK\" = \"$1\" ] && touch up && until [ -e on ]; do sleep 0.02; done";
        // It is not among those that are ended: it has no mark but those that we have.
        let ours = std::env::var(mark::VARIABLE).unwrap_or_default();
        let mut command = Command::new("sh");
        command
            .args(["-c", script, "sh", &ours])
            .current_dir(dir.path());
        let runs = thread::spawn(move || status_whole(&mut command));
        while !dir.path().join("up").exists() && !runs.is_finished() {
            thread::sleep(Duration::from_millis(20));
        }
        assert!(interrupt::would_wait());
        std::fs::write(dir.path().join("on"), "")?;
        let status = runs.join().map_err(|_| anyhow!("the thread is gone"))??;
        assert!(status.success());
        Ok(())
    }

    #[test]
    fn output_is_returned() -> Result<()> {
        let out = output(Command::new("sh").args(["-c", "echo a; echo b >&2; exit 1"]))?;
        assert_eq!((out.stdout, out.stderr), (b"a\n".to_vec(), b"b\n".to_vec()));
        assert_eq!(out.status.code(), Some(1));
        Ok(())
    }
}
