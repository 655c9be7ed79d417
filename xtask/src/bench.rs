// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask bench`: a kernel against another one.

mod bars;
pub mod committed;
mod drift;
mod functions;
pub mod gate;
mod judge;
mod look;
mod measure;
mod report;
pub mod result;
mod stale;
pub mod sweep;
mod table;
pub mod waits;

use crate::build::{self, Kernel, Variant};
use crate::paths::Paths;
use crate::provenance::Provenance;
use anyhow::{Context, Result};
use bars::Bars;
use glob::Pattern;
use measure::Plan;
use result::{Bench, Setting};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(clap::Args)]
pub struct Options {
    /// Only what is called so, of all that --list names
    #[arg(long, value_name = "GLOB")]
    only: Vec<Pattern>,
    /// What stands at 1
    #[arg(long, value_enum, default_value_t = Variant::Stock)]
    baseline: Variant,
    /// What is judged
    #[arg(long, value_enum, default_value_t = Variant::Freepte)]
    candidate: Variant,
    /// Build the candidate with this Kconfig symbol off (such as RUST_GUP)
    #[arg(long, value_name = "SYMBOL")]
    without: Vec<String>,
    /// Write what was found to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a report to this file: one page, with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Make the report of what --json wrote earlier; measure nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "json", "without"])]
    from: Option<PathBuf>,
    /// Tell in which functions of either kernel the instructions of the chosen rows are
    #[arg(long, requires = "only", conflicts_with_all = ["json", "html", "from"])]
    functions: bool,
    /// Name what can be measured
    #[arg(long)]
    pub list: bool,
}

impl Options {
    /// Whether kernels are built and guests run.
    pub fn measures(&self) -> bool {
        self.from.is_none() && !self.list
    }
}

pub fn list(paths: &Paths) -> Result<()> {
    let plan = Plan::new(paths, &[])?;
    for (title, names) in [
        ("instructions", plan.rows),
        ("locks and atomic operations", plan.counts),
        ("memory", plan.memory),
    ] {
        println!("{title}: {}", names.join(" "));
    }
    Ok(())
}

/// Both kernels, built.
fn kernels(paths: &Paths, options: &Options) -> Result<[Kernel; 2]> {
    let baseline = Kernel::from(options.baseline);
    let candidate = Kernel {
        variant: options.candidate,
        without: options.without.clone(),
    };
    for kernel in [&baseline, &candidate] {
        build::build(paths, kernel.clone())?;
    }
    Ok([baseline, candidate])
}

fn measure(paths: &Paths, options: &Options) -> Result<Bench> {
    let start = Instant::now();
    let plan = Plan::new(paths, &options.only)?;
    let both = kernels(paths, options)?;
    let [theirs, ours] = &both;
    // As of now: while it is measured, files may change.
    let mut setting = Setting {
        provenance: Provenance::now(paths, &both)?,
        baseline: result::Kernel::built(paths, theirs)?,
        candidate: result::Kernel::built(paths, ours)?,
        seconds: 0,
    };
    let figures = measure::all(paths, &both, &plan, &Bars::load(paths)?)?;
    setting.seconds = start.elapsed().as_secs();
    Ok(Bench {
        setting,
        rows: figures.rows,
        wall: figures.wall,
        counts: figures.counts,
        memory: figures.memory,
    })
}

/// Whether everything holds.
pub fn run(paths: &Paths, options: &Options) -> Result<bool> {
    if options.functions {
        let plan = Plan::new(paths, &options.only)?;
        return functions::show(paths, &kernels(paths, options)?, &plan.rows).map(|()| true);
    }
    let bench = match &options.from {
        Some(file) => read(file)?,
        None => measure(paths, options)?,
    };
    print!("{}", table::render(&bench));
    if let Some(file) = &options.json {
        write(file, &(serde_json::to_string_pretty(&bench)? + "\n"))?;
    }
    if let Some(file) = &options.html {
        write(file, &report::html(&bench)?)?;
    }
    Ok(judge::holds(&bench))
}

fn read(file: &Path) -> Result<Bench> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no bench's", file.display()))
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("writing {}", file.display()))?;
    eprintln!("written: {}", file.display());
    Ok(())
}
