// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask test`: run the steps, say how each one ended.

use crate::cmd;
use crate::kvm;
use crate::paths::Paths;
use crate::steps::{Done, Step, STEPS};
use anyhow::Result;
use std::io::{IsTerminal, Write};
use std::thread;
use std::time::Instant;

#[derive(Default)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

/// Run the steps whose name contains one of `only` (all when that is empty).
pub fn run(paths: &Paths, with_full: bool, only: &[String]) -> Tally {
    let chosen: Vec<(usize, &Step)> = STEPS
        .iter()
        .filter(|s| with_full || !s.full || !only.is_empty())
        .filter(|s| only.is_empty() || only.iter().any(|o| s.name.contains(o.as_str())))
        .enumerate()
        .collect();
    let one = |&(n, step): &(usize, &'static Step)| {
        announce(&format!("[{}/{}] {}", n + 1, chosen.len(), step.name));
        let start = Instant::now();
        let result = (step.run)(paths);
        report(step, start.elapsed().as_secs_f64(), &result);
        (step.name, result)
    };
    let results: Vec<_> = if two_guests_fit(paths) {
        let lone = chosen.iter().take_while(|(_, s)| !s.beside);
        let mut results: Vec<_> = lone.map(one).collect();
        let rest = chosen.get(results.len()..).unwrap_or_default();
        let lane = |beside: bool| {
            rest.iter()
                .filter(move |(_, s)| s.beside == beside)
                .map(one)
        };
        results.extend(thread::scope(|scope| {
            let other = scope.spawn(|| lane(true).collect::<Vec<_>>());
            let mut all: Vec<_> = lane(false).collect();
            all.extend(
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
            all
        }));
        results
    } else {
        chosen.iter().map(one).collect()
    };
    summarize(&results)
}

/// A guest under TCG keeps one processor of the host busy, whatever it does. With KVM the tests
/// that let its own processors race want all of them.
fn two_guests_fit(paths: &Paths) -> bool {
    cmd::cpus() >= 2 && !kvm::works(paths).unwrap_or(true)
}

fn summarize(results: &[(&str, Result<Done>)]) -> Tally {
    let mut tally = Tally::default();
    println!();
    for (name, result) in results {
        match result {
            Ok(Done::Pass(_)) => tally.passed += 1,
            Ok(Done::Skip(_)) => tally.skipped += 1,
            Err(_) => {
                tally.failed += 1;
                println!("failed: {name}");
            }
        }
    }
    if tally.skipped > 0 {
        println!("{} skipped", tally.skipped);
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    tally
}

fn announce(text: &str) {
    if std::io::stdout().is_terminal() {
        println!("\x1b[1m{text}\x1b[0m");
    } else {
        println!("{text}");
    }
    let _ = std::io::stdout().flush();
}

fn report(step: &Step, secs: f64, result: &Result<Done>) {
    let (word, detail) = match result {
        Ok(Done::Pass(detail)) => ("pass", detail.clone()),
        Ok(Done::Skip(why)) => ("SKIP", why.clone()),
        Err(err) => ("FAIL", format!("\n{err:#}")),
    };
    println!("  {word} {} ({secs:.0} s) {detail}", step.name);
    let _ = std::io::stdout().flush();
}
