// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask storm`: all that empties and fills tables at once, on one kernel, for some time.

use crate::build::{self, Variant};
use crate::ksft;
use crate::paths::Paths;
use crate::setup;
use crate::skips::Suite;
use crate::vm::Machine;
use anyhow::{ensure, Result};
use std::path::PathBuf;

/// The program, below the directory of the tests that were built.
const PROGRAM: &str = "storm/storm";

/// A count of its own for each slab, of which some may leak.
const SLABS: &str = "slab_nomerge";

/// What a guest needs besides the time of the storm, most of it for the boot of a kernel that
/// checks all it does, and to find out that something hangs.
const SPARE_SECONDS: u64 = 1200;
/// The storm goes on for so many times its time until each actor had a turn.
const MOST_TIMES: u64 = 3;

#[derive(clap::Args)]
pub struct Options {
    /// The kernel
    #[arg(long, value_enum, default_value_t = Variant::Debug)]
    kernel: Variant,
    /// How long
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// What the actors do follows from this [default: the time]
    #[arg(long)]
    seed: Option<u64>,
    /// Only these actors
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    actors: Vec<String>,
    /// Processes that share the memory [default: 2]
    #[arg(long)]
    crews: Option<u32>,
    /// Take the kernel as it was built last
    #[arg(long)]
    no_build: bool,
    /// Boot this image instead
    #[arg(long, requires = "no_build")]
    image: Option<PathBuf>,
}

impl Options {
    fn words(&self) -> Vec<String> {
        let mut words = vec!["--seconds".to_owned(), self.seconds.to_string()];
        if let Some(seed) = self.seed {
            words.extend(["--seed".to_owned(), seed.to_string()]);
        }
        if !self.actors.is_empty() {
            words.extend(["--actors".to_owned(), self.actors.join(",")]);
        }
        if let Some(crews) = self.crews {
            words.extend(["--crews".to_owned(), crews.to_string()]);
        }
        words
    }
}

pub fn run(paths: &Paths, options: &Options) -> Result<()> {
    if !options.no_build {
        setup::provide(paths, setup::TO_TEST)?;
        build::build(paths, options.kernel)?;
    }
    let text = storm(paths, options)?;
    println!("{}: {text}", options.kernel.name());
    Ok(())
}

/// A step of the tests, on a kernel that was built before.
pub fn step(paths: &Paths, kernel: Variant, seconds: u64) -> Result<String> {
    storm(
        paths,
        &Options {
            kernel,
            seconds,
            seed: None,
            actors: Vec::new(),
            crews: None,
            no_build: true,
            image: None,
        },
    )
}

fn storm(paths: &Paths, options: &Options) -> Result<String> {
    let machine = Machine {
        timeout: MOST_TIMES * options.seconds + SPARE_SECONDS,
        ..ksft::machine_with(&format!("{} {SLABS}", ksft::NODES))
    };
    let programs = ksft::Programs {
        suite: Suite::Storm,
        names: vec![PROGRAM.to_owned()],
        whole: options.actors.is_empty(),
        part: None,
        arguments: options.words(),
        environment: Vec::new(),
    };
    let image = options.image.as_deref();
    let run = ksft::run_programs(paths, options.kernel, image, &machine, &programs)?;
    // What it counted is worth a look when all is well, too.
    print!("{}", said(&std::fs::read_to_string(&run.output)?));
    let skipped: Vec<String> = run
        .report
        .skipped()
        .map(|name| format!("{name}: {}", run.report.reason(name)))
        .collect();
    ensure!(
        run.report.results.len() > skipped.len(),
        "nothing ran; see {}",
        run.output.display()
    );
    let mut text = ksft::summary(&run.report.results);
    if !skipped.is_empty() {
        text.push_str(&format!(" ({})", skipped.join(", ")));
    }
    Ok(text)
}

/// The lines that are remarks of the program.
fn said(output: &str) -> String {
    output
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("# "))
        .filter(|line| !line.starts_with("Subtest:") && !line.starts_with("Totals:"))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn remarks() {
        let output = "TAP version 13\n    # Subtest: storm/storm\n    # fork: 3 turns\n    ok 1 actor fork\n# storm took 5 ms\n";
        assert_eq!(said(output), "fork: 3 turns\nstorm took 5 ms\n");
    }
}
