// SPDX-License-Identifier: GPL-2.0

//! Sequences of memory calls made from a seed, and all that a process can see of their effects:
//! to be run on several kernels and compared.

mod access;
mod actors;
mod arena;
mod digest;
mod emit;
mod exec;
mod gen;
mod glance;
mod knobs;
mod observe;
mod op;
mod run;
mod symbol;
mod verb;
mod world;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use gen::Gen;
use pagetables::end;
use run::{Named, Scene};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(version, about = "Random memory calls, and what can be seen of them")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the lists that these seeds make
    Seeds {
        /// The first seed
        first: u64,
        /// How many
        count: u64,
        /// Operations of each
        #[arg(long, default_value_t = 5000)]
        ops: usize,
        #[command(flatten)]
        options: run::Options,
    },
    /// Run the lists of a file
    Lists {
        /// Each list starts with a line `list NAME`
        file: PathBuf,
        #[command(flatten)]
        options: run::Options,
    },
    /// Print the list that a seed makes
    Show {
        seed: u64,
        /// How many operations
        #[arg(long, default_value_t = 5000)]
        ops: usize,
    },
    /// Print a program in C that does what the first list of a file says
    C { file: PathBuf },
}

fn read_lists(file: &Path) -> Result<Vec<Named>> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let mut lists: Vec<Named> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("list ") {
            lists.push(Named {
                name: name.to_owned(),
                list: Vec::new(),
            });
        } else {
            let last = lists.last_mut().context("no list has begun")?;
            last.list.push(line.parse()?);
        }
    }
    Ok(lists)
}

fn main_() -> Result<bool> {
    let mut out = BufWriter::new(io::stdout().lock());
    match Cli::parse().command {
        Command::Seeds {
            first,
            count,
            ops,
            options,
        } => {
            let scene = Scene::set()?;
            for seed in first..first + count {
                let named = Named {
                    name: format!("seed {seed}"),
                    list: Gen::new(seed).list(ops),
                };
                run::run(&scene, named, options, &mut out)?;
            }
        }
        Command::Lists { file, options } => {
            let scene = Scene::set()?;
            for named in read_lists(&file)? {
                run::run(&scene, named, options, &mut out)?;
            }
        }
        Command::Show { seed, ops } => {
            for op in Gen::new(seed).list(ops) {
                writeln!(out, "{op}")?;
            }
        }
        Command::C { file } => {
            let lists = read_lists(&file)?;
            let list = &lists.first().context("there is no list")?.list;
            write!(out, "{}", emit::c_program(list))?;
            for need in emit::needs(list) {
                eprintln!("it needs {need}");
            }
        }
    }
    out.flush()?;
    Ok(true)
}

fn main() -> ExitCode {
    end::with(main_())
}
