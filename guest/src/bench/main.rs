// SPDX-License-Identifier: GPL-2.0

//! What operations on page tables cost, in guest instructions; and how many empty tables a sweep
//! over a large address space ever leaves.

mod arena;
mod clock;
mod fork;
mod ops;
mod stats;
mod sweep;

use anyhow::{ensure, Result};
use clap::{Parser, Subcommand};
use clock::Clock;
use stats::Summary;
use std::collections::BTreeMap;
use std::process::ExitCode;

const EXIT_BAR: u8 = 1;
const EXIT_ERROR: u8 = 2;

#[derive(Parser)]
#[command(
    version,
    about = "Instructions per operation, under QEMU's -icount shift=0",
    args_conflicts_with_subcommands = true
)]
struct Cli {
    /// Print {"name": value, ...}
    #[arg(long)]
    json: bool,
    /// Rounds that count; the median is taken (one more, before them, warms up)
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(5..))]
    rounds: u32,
    /// Measure only these
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Measure even where the time stamp counter does not count instructions
    #[arg(long)]
    any_clock: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Touch and empty 64 KiB of each 2 MiB of a large address space, watching VmPTE
    Sweep(sweep::Options),
}

fn measure(cli: &Cli) -> Result<BTreeMap<&'static str, Summary>> {
    let clock = Clock::new()?;
    ensure!(
        clock.counts_instructions() || cli.any_clock,
        "a loop of known length does not take its number of ticks: boot with -icount shift=0 and \
         one CPU (`cargo xtask vm --icount`), or give --any-clock"
    );
    for name in &cli.only {
        ensure!(
            ops::ALL.iter().any(|op| op.name == name),
            "nothing is called `{name}`"
        );
    }
    // The program's own pages stay: a fault of its own would be counted.
    let _ = rustix::mm::mlockall(rustix::mm::MlockAllFlags::CURRENT);
    let mut figures = BTreeMap::new();
    for op in ops::ALL {
        if !cli.only.is_empty() && !cli.only.iter().any(|name| name == op.name) {
            continue;
        }
        (op.round)(&clock)?;
        let mut values = Vec::with_capacity(cli.rounds as usize);
        for _ in 0..cli.rounds {
            values.push((op.round)(&clock)?);
        }
        figures.insert(op.name, Summary::of(&values)?);
        eprintln!("{} measured", op.name);
    }
    Ok(figures)
}

fn print(cli: &Cli, figures: &BTreeMap<&str, Summary>) -> Result<()> {
    if cli.json {
        let medians: BTreeMap<_, _> = figures.iter().map(|(n, s)| (n, s.median)).collect();
        println!("{}", serde_json::to_string_pretty(&medians)?);
        return Ok(());
    }
    for op in ops::ALL {
        if let Some(summary) = figures.get(op.name) {
            println!(
                "{:<16} {:>10.1}  (all rounds within {:.2} %)  {}",
                op.name,
                summary.median,
                summary.spread_percent(),
                op.what
            );
        }
    }
    Ok(())
}

fn run() -> Result<bool> {
    let cli = Cli::parse();
    if let Some(Command::Sweep(options)) = &cli.command {
        return sweep::run(options);
    }
    print(&cli, &measure(&cli)?)?;
    Ok(true)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EXIT_BAR),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(EXIT_ERROR)
        }
    }
}
