// SPDX-License-Identifier: GPL-2.0

//! The main job: the page tables of real programs after their memory has gone, with freepte's
//! freeing off and on.

mod allocator;
mod churn;
mod compare;
mod curve;
mod knob;
mod report;
mod sampler;
mod show;
mod subject;
mod table;
mod verdict;
mod workers;
mod workloads;

use anyhow::Result;
use clap::{Parser, Subcommand};
use pagetables::end;
use std::path::PathBuf;
use std::process::ExitCode;
use workloads::Size;

#[derive(Parser)]
#[command(
    version,
    about = "Page tables of real programs, with freepte's freeing off and on"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Args)]
pub struct Options {
    /// About an eighth of the memory: to try things out
    #[arg(long)]
    quick: bool,
    /// A workload whose program is missing fails the run, instead of being left out
    #[arg(long)]
    strict: bool,
    /// Figures of a kernel without freepte (written there by --json), to compare with
    #[arg(long, value_name = "FILE")]
    stock: Option<PathBuf>,
    /// Write the figures to this file as well, or `-` for standard output: then the table goes to
    /// standard error
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Run every workload, freeing off and on, and print one table
    Compare {
        #[command(flatten)]
        options: Options,
    },
    /// Run one workload (or a few), freeing off and on
    Run {
        /// Their names, as `list` prints them
        #[arg(required = true, value_name = "WORKLOAD")]
        names: Vec<String>,
        #[command(flatten)]
        options: Options,
    },
    /// Run every workload once, and a heap on each of four mallocs, and follow the page tables
    /// over time
    ///
    /// The kernel is taken as it is, with or without freepte, its freeing on or off. What is there
    /// and what is needed is looked at every 50 ms, from when a process begins to fill its memory
    /// until its tables stay as they are, at least 2 s after the memory went.
    Curve {
        /// Their names, as `list` prints them [default: all]
        #[arg(value_name = "WORKLOAD")]
        names: Vec<String>,
        #[command(flatten)]
        options: curve::Options,
    },
    /// Name the workloads
    List {
        /// Those of `curve`, which has more
        #[arg(long)]
        curves: bool,
    },
    /// The page tables of running processes, as they are now
    Show {
        #[arg(required = true, value_name = "PID")]
        pids: Vec<u32>,
    },
    /// One process of a workload
    #[command(hide = true)]
    Worker {
        #[command(subcommand)]
        worker: workers::Worker,
    },
}

fn list(curves: bool) {
    let mut workloads = workloads::all();
    if curves {
        workloads.extend(workloads::churns());
    }
    for workload in workloads {
        let title = workload.title(Size { quick: false });
        println!("{:<16} {title}", workload.name());
    }
}

fn run() -> Result<bool> {
    match Cli::parse().command {
        Command::Compare { options } => compare::run(&[], &options),
        Command::Run { names, options } => compare::run(&names, &options),
        Command::Curve { names, options } => curve::run(&names, &options),
        Command::List { curves } => {
            list(curves);
            Ok(true)
        }
        Command::Show { pids } => show::run(&pids).map(|()| true),
        Command::Worker { worker } => worker.run().map(|()| true),
    }
}

fn main() -> ExitCode {
    end::with(run())
}
