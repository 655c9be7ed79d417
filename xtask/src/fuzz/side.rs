// SPDX-License-Identifier: GPL-2.0

//! One of the kernels that are compared, and running the guest's program on it.

use super::log::{self, Log};
use crate::build::Variant;
use crate::paths::Paths;
use crate::vm::{self, Machine, Sink};
use anyhow::{bail, ensure, Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::{self, ScopedJoinHandle};
use tempfile::TempDir;

#[derive(Clone, Debug)]
pub struct Side {
    pub variant: Variant,
    /// Instead of the variant's own
    pub image: Option<PathBuf>,
    /// The store that writes another value: to see that it is found
    pub distorted: Option<u32>,
}

/// What is to be run, in one boot.
pub enum Work<'a> {
    Seeds { first: u64, count: u64, ops: usize },
    Lists(&'a [(String, Vec<String>)]),
}

impl Work<'_> {
    fn lists(&self) -> u64 {
        match self {
            Self::Seeds { count, .. } => *count,
            Self::Lists(lists) => lists.len() as u64,
        }
    }

    fn operations(&self) -> u64 {
        match self {
            Self::Seeds { count, ops, .. } => count * *ops as u64,
            Self::Lists(lists) => lists.iter().map(|(_, list)| list.len() as u64).sum(),
        }
    }
}

/// How lists are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Digests,
    /// At everything after each operation, as text
    Text,
}

/// The program, and where files may be put: those that are to be kept, and those for the guest.
pub struct Runner<'a> {
    pub paths: &'a Paths,
    pub program: PathBuf,
    pub dir: PathBuf,
    pub scratch: TempDir,
}

impl Runner<'_> {
    /// What each kernel makes of it, side by side: a guest keeps one CPU of the host busy.
    pub fn run_all(&self, sides: &[Side], work: &Work, look: Look) -> Result<Vec<Vec<Log>>> {
        thread::scope(|scope| {
            let run = |side| scope.spawn(move || self.run(side, work, look));
            let running: Vec<_> = sides.iter().map(run).collect();
            let end = |thread: ScopedJoinHandle<Result<_>>| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            running.into_iter().map(end).collect()
        })
    }

    /// What one kernel makes of it. That it complains, or ends, is an error.
    pub fn run(&self, side: &Side, work: &Work, look: Look) -> Result<Vec<Log>> {
        let mut command = vec![text(&self.program)?];
        // It is removed when this is dropped, and another guest may read another one meanwhile.
        let file = tempfile::Builder::new()
            .prefix("lists-")
            .tempfile_in(self.scratch.path())?
            .into_temp_path();
        match work {
            Work::Seeds { first, count, ops } => {
                let numbers = ["seeds".to_owned(), first.to_string(), count.to_string()];
                command.extend(numbers);
                command.extend(["--ops".to_owned(), ops.to_string()]);
            }
            Work::Lists(lists) => {
                write_lists(&file, lists)?;
                command.extend(["lists".to_owned(), text(&file)?]);
            }
        }
        if look == Look::Text {
            command.extend(["--verbose", "--every", "1"].map(str::to_owned));
        }
        if let Some(id) = side.distorted {
            command.extend(["--distort".to_owned(), id.to_string()]);
        }
        // Ten times what it takes where nothing helps.
        let timeout = 600 + work.operations() / 20;
        let image = side.image.as_deref();
        let machine = machine(timeout);
        let kernel = side.variant;
        let boot = || vm::run(self.paths, kernel, image, &machine, Sink::Capture, &command);
        let mut out = boot()?;
        if !out.ok() && out.stdout.is_empty() {
            // Where the host is busy, the guest may not get to run in the time that the kernel
            // gives its timer to tick; what has not begun may be begun again.
            eprintln!("{} did not boot; trying again", kernel.name());
            out = boot()?;
        }
        let logs = log::parse(&out.stdout);
        let last = || -> String {
            let lines = logs.last().map(|log| (&log.name, log.lines.last()));
            lines.map_or("no list".to_owned(), |(name, line)| {
                format!("{name}, {}", line.map_or("no operation", |l| l))
            })
        };
        if let Some(trouble) = out.trouble() {
            bail!("{}, last: {}: {trouble}", kernel.name(), last());
        }
        let all = logs.len() as u64 == work.lists() && logs.iter().all(|log| log.complete);
        ensure!(
            out.status == Some(0) && all,
            "freepte-fuzz ended with {:?} on {}, last: {}: {}",
            out.status,
            kernel.name(),
            last(),
            out.stderr.trim_end()
        );
        Ok(logs)
    }
}

/// One CPU: which pages reclaim finds is then no matter of chance. Two nodes, to migrate between.
fn machine(timeout: u64) -> Machine {
    Machine {
        cpus: 1,
        append: vec!["numa=fake=2".to_owned()],
        timeout,
        ..Machine::default()
    }
}

fn text(path: &Path) -> Result<String> {
    let text = path.to_str().context("a path that is not UTF-8")?;
    Ok(text.to_owned())
}

pub fn write_lists(file: &Path, lists: &[(String, Vec<String>)]) -> Result<()> {
    let mut text = String::new();
    for (name, list) in lists {
        text.push_str(&format!("list {name}\n"));
        for op in list {
            text.push_str(op);
            text.push('\n');
        }
    }
    fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}
