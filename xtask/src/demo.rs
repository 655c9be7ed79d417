// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask run`: the main job. Builds freepte's kernel, boots it, and shows the page tables
//! of real programs with the freeing off and on.

pub mod figures;

use crate::build::{self, Kernel, Variant};
use crate::guest;
use crate::inputs::Inputs;
use crate::paths::Paths;
use crate::provenance::Provenance;
use crate::vm::{self, Machine, Sink};
use anyhow::{anyhow, bail, ensure, Context, Result};
use figures::MainJob;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

/// The figures that the README shows.
pub const FILE: &str = "Documentation/bench/main-job.json";
/// How to make them again
pub const AGAIN: &str = "Measure the main job again, from a commit:\n  \
    cargo xtask run --json Documentation/bench/main-job.json\n  \
    cargo xtask figures --write";

/// The program of the guest crate that compares
const PROGRAM: &str = "freepte-demo";

/// How it is called.
#[derive(clap::Args)]
pub struct Options {
    /// Write the figures to this file as well, if they are as they must be
    #[arg(long, value_name = "FILE", conflicts_with = "args")]
    json: Option<PathBuf>,
    /// Arguments for freepte-demo instead of `compare`
    #[arg(last = true)]
    args: Vec<String>,
}

/// The guest in which the comparison runs.
pub fn machine() -> Machine {
    Machine {
        memory: Some("3G".to_owned()),
        timeout: 900,
        ..Machine::default()
    }
}

/// Run the comparison; what it prints goes to our standard output.
pub fn run(paths: &Paths, options: &Options) -> Result<()> {
    // What runs in the guest is compiled while one processor waits for the kernel's Rust.
    thread::scope(|scope| {
        let program = scope.spawn(|| guest::program(paths, PROGRAM));
        build::build(paths, Variant::Freepte)?;
        match program.join() {
            Ok(program) => program.map(drop),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })?;
    match &options.json {
        Some(file) => record(paths, file),
        None => compare(paths, &options.args),
    }
}

/// The same with a kernel that was built before.
pub fn compare(paths: &Paths, args: &[String]) -> Result<()> {
    let compare = ["compare".to_owned()];
    let args = if args.is_empty() { &compare } else { args };
    boot(paths, args, Sink::Inherit).map(drop)
}

/// The same once more, its figures going to a file; what is to be read goes to standard error.
fn record(paths: &Paths, file: &Path) -> Result<()> {
    // As of now: while it is measured, files may change.
    let provenance = Provenance::now(paths, &kernels())?;
    // What a program in the guest writes to a file stays there.
    let args = ["compare", "--strict", "--json", "-"].map(str::to_owned);
    let outcome = boot(paths, &args, Sink::CaptureOut)?;
    let job = MainJob {
        provenance,
        cpus: machine().cpus,
        report: serde_json::from_str(&outcome.stdout).context("freepte-demo wrote no figures")?,
    };
    fs::write(file, serde_json::to_string_pretty(&job)? + "\n")
        .with_context(|| format!("writing {}", file.display()))?;
    eprintln!("written: {}", file.display());
    Ok(())
}

fn boot(paths: &Paths, args: &[String], sink: Sink) -> Result<vm::Outcome> {
    let program = guest::program(paths, PROGRAM)?;
    let mut command = vec![program.to_string_lossy().into_owned()];
    command.extend(args.iter().cloned());
    let outcome = vm::run(paths, Variant::Freepte, None, &machine(), sink, &command)?;
    if let Some(trouble) = outcome.trouble() {
        bail!("{trouble}");
    }
    let status = outcome.exit_code();
    ensure!(
        status == 0,
        "freepte-demo ended with {status}: not every row is as it must be"
    );
    Ok(outcome)
}

fn kernels() -> [Kernel; 1] {
    [Kernel::from(Variant::Freepte)]
}

/// What was committed of an earlier run.
pub fn committed(paths: &Paths) -> Result<MainJob> {
    let file = paths.root.join(FILE);
    let text = fs::read_to_string(&file)
        .map_err(|err| anyhow!("{FILE} cannot be read: {err}\n{AGAIN}"))?;
    serde_json::from_str(&text).map_err(|err| anyhow!("{FILE} is no main job's: {err}\n{AGAIN}"))
}

/// The figures are of the kernel and the programs that this tree gives.
pub fn of_this_tree(paths: &Paths, job: &MainJob) -> Result<()> {
    let now = Inputs::of_figures(paths, &kernels())?;
    let same = job.provenance.check(FILE, &now);
    same.map_err(|err| anyhow!("{err}\n{AGAIN}"))
}
