// SPDX-License-Identifier: GPL-2.0

//! What operations on page tables cost, in guest instructions; and how many empty tables a sweep
//! over a large address space ever leaves.

mod arena;
mod clock;
mod cycles;
mod fork;
mod gup_test;
mod hmm_test;
mod marker;
mod row;
mod rows;
mod setting;
mod stats;
mod swap;
mod sweep;
mod sys;
mod uffd;
mod waits;

use anyhow::{ensure, Context, Result};
use clap::{Parser, Subcommand};
use clock::{Clock, Unit};
use glob::Pattern;
use pagetables::end;
use row::{Row, Took};
use serde::Serialize;
use stats::Summary;
use std::process::ExitCode;
use std::time::Instant;

#[derive(Parser)]
#[command(
    version,
    about = "Instructions per operation, under QEMU's -icount shift=0"
)]
struct Cli {
    /// Print [{"name", "group", "what", "unit", "rounds": [...], "operations"}, ...]
    #[arg(long, global = true)]
    json: bool,
    /// Rounds that count; the median is taken (one more, before them, warms up)
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(5..))]
    rounds: u32,
    /// Measure only what is called so
    #[arg(long, value_name = "GLOB", global = true)]
    only: Vec<Pattern>,
    /// What to count
    #[arg(long, value_enum, default_value_t = Unit::Instructions)]
    unit: Unit,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Name what can be measured
    List,
    /// Touch and empty 64 KiB of each 2 MiB of a large address space, watching VmPTE
    Sweep(sweep::Options),
    /// How long mapping and unmapping takes at most, in ns, while all pages of many tables are
    /// reclaimed
    Waits(waits::Options),
}

#[derive(Serialize)]
struct Measured {
    #[serde(flatten)]
    row: Row,
    rounds: Vec<f64>,
    /// Of a round
    operations: usize,
}

fn chosen(only: &[Pattern]) -> Result<Vec<Row>> {
    let mut rows = rows::all();
    for pattern in only {
        ensure!(
            rows.iter().any(|row| pattern.matches(&row.name)),
            "nothing is called `{pattern}`"
        );
    }
    rows.retain(|row| only.is_empty() || only.iter().any(|p| p.matches(&row.name)));
    Ok(rows)
}

fn measure(cli: &Cli) -> Result<Vec<Measured>> {
    let clock = Clock::new(cli.unit)?;
    // The program's own pages stay: a fault of its own would be counted.
    let _ = rustix::mm::mlockall(rustix::mm::MlockAllFlags::CURRENT);
    let mut measured = Vec::new();
    let mut rows = chosen(&cli.only)?;
    rows.retain(|row| cli.unit != Unit::Cycles || !row.kernel_clock);
    for row in rows {
        let start = Instant::now();
        let round = || {
            let took = (row.round)(&clock).with_context(|| row.name.clone());
            marker::round();
            took
        };
        // It warms up.
        let operations = round()?.operations;
        let values: Vec<f64> = (0..cli.rounds)
            .map(|_| round().map(Took::each))
            .collect::<Result<_>>()?;
        let summary = Summary::of(&values)?;
        eprintln!(
            "{}: {:.1}, all within {:.2} %, took {:.1} s",
            row.name,
            summary.median,
            summary.spread_percent(),
            start.elapsed().as_secs_f32()
        );
        measured.push(Measured {
            row,
            rounds: values,
            operations,
        });
    }
    Ok(measured)
}

fn print(cli: &Cli, measured: &[Measured]) -> Result<()> {
    if cli.json {
        println!("{}", serde_json::to_string_pretty(measured)?);
        return Ok(());
    }
    for Measured { row, rounds, .. } in measured {
        let summary = Summary::of(rounds)?;
        println!(
            "{:<22} {:>10.1} a {:<6} (all rounds within {:.2} %)  {}",
            row.name,
            summary.median,
            row.unit,
            summary.spread_percent(),
            row.what
        );
    }
    Ok(())
}

fn run() -> Result<bool> {
    let cli = Cli::parse();
    match &cli.command {
        Some(Command::Sweep(options)) => return sweep::run(options),
        Some(Command::Waits(options)) => waits::run(options)?,
        Some(Command::List) => {
            for row in rows::all() {
                println!("{:<22} {}", row.name, row.what);
            }
        }
        None => print(&cli, &measure(&cli)?)?,
    }
    Ok(true)
}

fn main() -> ExitCode {
    end::with(run())
}
