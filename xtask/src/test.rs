// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask test`: run the steps, say how each one ended.

use crate::paths::Paths;
use crate::steps::{Done, Step, STEPS};
use anyhow::Result;
use std::io::{IsTerminal, Write};
use std::time::Instant;

#[derive(Default)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

/// Run the steps whose name contains one of `only` (all when that is empty).
pub fn run(paths: &Paths, with_full: bool, only: &[String]) -> Tally {
    let chosen: Vec<&Step> = STEPS
        .iter()
        .filter(|s| with_full || !s.full || !only.is_empty())
        .filter(|s| only.is_empty() || only.iter().any(|o| s.name.contains(o.as_str())))
        .collect();
    let mut tally = Tally::default();
    let mut failures = Vec::new();
    for (n, step) in chosen.iter().enumerate() {
        announce(&format!("[{}/{}] {}", n + 1, chosen.len(), step.name));
        let start = Instant::now();
        let result = (step.run)(paths);
        report(step, start.elapsed().as_secs_f64(), &result, &mut tally);
        if result.is_err() {
            failures.push(step.name);
        }
    }
    println!();
    for name in failures {
        println!("failed: {name}");
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

fn report(step: &Step, secs: f64, result: &Result<Done>, tally: &mut Tally) {
    let (word, detail) = match result {
        Ok(Done::Pass(detail)) => {
            tally.passed += 1;
            ("pass", detail.clone())
        }
        Ok(Done::Skip(why)) => {
            tally.skipped += 1;
            ("SKIP", why.clone())
        }
        Err(err) => {
            tally.failed += 1;
            ("FAIL", format!("\n{err:#}"))
        }
    };
    println!("  {word} {} ({secs:.0} s) {detail}", step.name);
    let _ = std::io::stdout().flush();
}
