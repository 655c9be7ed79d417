// SPDX-License-Identifier: GPL-2.0

//! The page tables of every workload over time, on the kernel as it is.

use crate::sampler::{Moment, Sampler};
use crate::workloads::{self, Size, Workload};
use anyhow::{Context, Result};
use comfy_table::{presets, CellAlignment, Table};
use pagetables::guard;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long a workload stays at its peak.
const PEAK: Duration = Duration::from_millis(500);

#[derive(clap::Args)]
pub struct Options {
    /// About an eighth of the memory: to try things out
    #[arg(long)]
    quick: bool,
    /// Write the curves to this file, or `-` for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Curve {
    name: &'static str,
    title: String,
    /// Why it was not run
    skipped: Option<String>,
    /// What went wrong while it ran
    error: Option<String>,
    samples: Vec<Moment>,
}

fn follow(workload: &mut dyn Workload, size: Size) -> Result<Vec<Moment>> {
    workload.prepare(size)?;
    let mut sampler = None;
    let mut grown = workload.grow(size, &mut |pid| {
        sampler = Some(Sampler::start(pid)?);
        Ok(())
    })?;
    thread::sleep(PEAK);
    grown.shrink()?;
    sampler.context("it did not say when it started")?.finish()
}

fn run_one(workload: &mut dyn Workload, size: Size) -> Curve {
    let mut curve = Curve {
        name: workload.name(),
        title: workload.title(size),
        skipped: workload.missing().map(|what| format!("{what} is missing")),
        error: None,
        samples: Vec::new(),
    };
    if curve.skipped.is_none() {
        match follow(workload, size) {
            Ok(samples) => curve.samples = samples,
            Err(error) => curve.error = Some(format!("{error:#}")),
        }
        workload.finish();
    }
    curve
}

/// Of each curve how high it went and where it ended.
fn render(curves: &[Curve]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(["what happened", "samples", "RSS", "VmPTE", "needed"]);
    for curve in curves {
        let change = |of: fn(&Moment) -> u64| {
            let most = curve.samples.iter().map(of).max();
            let last = curve.samples.last().map(of);
            most.zip(last).map_or_else(
                || "-".to_owned(),
                |(most, last)| format!("{most} → {last} kB"),
            )
        };
        table.add_row([
            curve.title.clone(),
            curve.samples.len().to_string(),
            change(|moment| moment.rss_kb),
            change(|moment| moment.vmpte_kb),
            change(|moment| moment.ideal_kb),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// Run the workloads of these names, or all; returns whether nothing went wrong.
pub fn run(names: &[String], options: &Options) -> Result<bool> {
    guard::check()?;
    let size = Size {
        quick: options.quick,
    };
    let mut every = workloads::all();
    every.extend(workloads::churns());
    let mut chosen = workloads::choose(every, names)?;
    let total = chosen.len();
    let mut curves = Vec::new();
    for (number, workload) in chosen.iter_mut().enumerate() {
        eprintln!("[{}/{}] {}", number + 1, total, workload.title(size));
        let start = Instant::now();
        let curve = run_one(workload.as_mut(), size);
        if let Some(why) = &curve.skipped {
            eprintln!("    SKIPPED: {why}");
        } else if let Some(what) = &curve.error {
            eprintln!("    FAILED: {what}");
        } else {
            eprintln!("    in {:.1} s", start.elapsed().as_secs_f32());
        }
        curves.push(curve);
    }
    let text = || serde_json::to_string(&curves).map(|text| text + "\n");
    match options.json.as_deref() {
        Some(file) if file == Path::new("-") => {
            eprintln!("{}", render(&curves));
            print!("{}", text()?);
        }
        file => {
            println!("{}", render(&curves));
            if let Some(file) = file {
                fs::write(file, text()?).with_context(|| format!("writing {}", file.display()))?;
            }
        }
    }
    let measured = curves.iter().any(|curve| !curve.samples.is_empty());
    Ok(measured && curves.iter().all(|curve| curve.error.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_the_highest_to_the_last() {
        let moment = |vmpte_kb| Moment {
            vmpte_kb,
            ..Moment::default()
        };
        let curve = |samples| Curve {
            name: "a",
            title: "a heap".to_owned(),
            skipped: None,
            error: None,
            samples,
        };
        let text = render(&[
            curve(vec![moment(8), moment(800), moment(64)]),
            curve(Vec::new()),
        ]);
        let cells = |line: &str| -> Vec<String> {
            line.split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        let rows: Vec<_> = text.lines().skip(2).map(cells).collect();
        assert_eq!(rows[0][2..5], ["3", "0 → 0 kB", "800 → 64 kB"]);
        assert_eq!(rows[1][2..5], ["0", "-", "-"]);
    }
}
