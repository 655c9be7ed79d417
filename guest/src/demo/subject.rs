// SPDX-License-Identifier: GPL-2.0

//! The process that is looked at, and the talk with it: it does a step when told so by a line on
//! its standard input, and says on its standard output that it is done.

use anyhow::{bail, Context, Result};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Subject {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Subject {
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let input = child.stdin.take().context("no pipe to the process")?;
        let output = child.stdout.take().context("no pipe from the process")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    /// One of our own processes: `freepte-demo worker ...`
    pub fn worker(args: &[&str]) -> Result<Self> {
        Self::spawn(Command::new("/proc/self/exe").arg("worker").args(args))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Let it do its next step.
    pub fn go(&mut self) -> Result<()> {
        writeln!(self.input, "go").context("the process has gone")
    }

    /// Wait until it says `word`; returns what else stands in that line.
    pub fn expect(&mut self, word: &str) -> Result<String> {
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                bail!("the process ended instead of saying `{word}`");
            }
            let (first, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            if first == word {
                return Ok(rest.to_owned());
            }
        }
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
