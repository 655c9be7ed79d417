// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask test`: run the steps, say how each one ended.

mod schedule;

use crate::build;
use crate::cmd;
use crate::kvm;
use crate::paths::Paths;
use crate::setup;
use crate::steps::{Done, Load, Step, STEPS};
use anyhow::{bail, Result};
use schedule::{Move, Room, Schedule};
use std::io::{IsTerminal, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

#[derive(Default)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

/// The steps whose name contains one of `only` (all when that is empty), and the builds of the
/// kernels that they need.
fn chosen(with_full: bool, only: &[String]) -> Vec<&'static Step> {
    let named = |step: &Step| {
        if only.is_empty() {
            with_full || !step.full
        } else {
            only.iter().any(|o| step.name.contains(o.as_str()))
        }
    };
    let wanted = |step: &Step| match step.load {
        Load::Build(variant) => STEPS
            .iter()
            .any(|s| named(s) && s.kernels.contains(&variant)),
        _ => false,
    };
    STEPS.iter().filter(|s| named(s) || wanted(s)).collect()
}

/// Run the chosen steps, each as soon as it can; one that fails stops only what needs it.
pub fn run(paths: &Paths, with_full: bool, only: &[String]) -> Tally {
    let mut steps = chosen(with_full, only);
    // A kernel that is there keeps nobody waiting, and others wait for it.
    // Each is asked for once: it hashes all that goes into the kernel.
    steps.sort_by_cached_key(|step| match step.load {
        Load::Build(variant) => build::require_current(paths, variant).is_err(),
        _ => true,
    });
    let room = Room::new(cmd::cpus(), kvm::works(paths).unwrap_or(false));
    let mut schedule = Schedule::new(&steps, room);
    let mut results: Vec<Option<Result<Done>>> = steps.iter().map(|_| None).collect();
    let (tell, hear) = mpsc::channel();
    thread::scope(|scope| loop {
        while let Some(next) = schedule.next() {
            match next {
                Move::Start(index) => {
                    let step = steps[index];
                    announce(&format!("[{}/{}] {}", index + 1, steps.len(), step.name));
                    let tell = tell.clone();
                    scope.spawn(move || {
                        let start = Instant::now();
                        let result = catch_unwind(AssertUnwindSafe(|| one(paths, step)));
                        let result = result.unwrap_or_else(|_| bail_panicked());
                        let _ = tell.send((index, start.elapsed().as_secs_f64(), result));
                    });
                }
                Move::Refuse(index, variant) => {
                    let name = variant.name();
                    let result = Err(anyhow::anyhow!("not run: the kernel {name} was not built"));
                    report(steps[index], 0.0, &result);
                    results[index] = Some(result);
                }
            }
        }
        if schedule.running() == 0 {
            break;
        }
        let Ok((index, seconds, result)) = hear.recv() else {
            break;
        };
        report(steps[index], seconds, &result);
        schedule.ended(index, result.is_ok());
        results[index] = Some(result);
    });
    summarize(&steps, &results)
}

fn bail_panicked() -> Result<Done> {
    bail!("the step panicked")
}

/// Get what a step needs, then run it. Only a step that may be skipped can be.
fn one(paths: &Paths, step: &Step) -> Result<Done> {
    if let Err(err) = setup::provide(paths, step.needs) {
        return match step.may_skip {
            Some(_) => Ok(Done::Skip(format!("{err:#}"))),
            None => Err(err),
        };
    }
    for kernel in step.kernels {
        build::require_current(paths, *kernel)?;
    }
    match ((step.run)(paths), step.may_skip) {
        (Ok(Done::Skip(why)), None) => bail!("skipped, which it may not be: {why}"),
        (result, _) => result,
    }
}

fn summarize(steps: &[&Step], results: &[Option<Result<Done>>]) -> Tally {
    let mut tally = Tally::default();
    println!();
    for (step, result) in steps.iter().zip(results) {
        match result {
            Some(Ok(Done::Pass(_))) => tally.passed += 1,
            Some(Ok(Done::Skip(_))) => tally.skipped += 1,
            Some(Err(_)) | None => {
                tally.failed += 1;
                println!("failed: {}", step.name);
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
        Ok(Done::Skip(why)) => ("SKIP", format!("{why} ({})", step.may_skip.unwrap_or(""))),
        Err(err) => ("FAIL", format!("\n{err:#}")),
    };
    println!("  {word} {} ({secs:.0} s) {detail}", step.name);
    let _ = std::io::stdout().flush();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Variant;

    #[test]
    fn who_needs_a_kernel_has_it_built() {
        let names: Vec<&str> = chosen(false, &["kselftests that are for debug".to_owned()])
            .iter()
            .map(|step| step.name)
            .collect();
        assert_eq!(
            names,
            ["build debug", "kselftests that are for debug, on debug"]
        );
    }

    #[test]
    fn each_kernel_that_is_booted_is_built() {
        for full in [false, true] {
            let steps = chosen(full, &[]);
            let built = |v: &Variant| steps.iter().any(|s| s.load == Load::Build(*v));
            for step in &steps {
                assert!(step.kernels.iter().all(built), "{}", step.name);
            }
        }
    }

    #[test]
    fn only_what_may_be_skipped_is() -> Result<()> {
        let paths = Paths::discover()?;
        let step = |may_skip| Step {
            name: "s",
            full: false,
            load: Load::Host,
            needs: &[],
            kernels: &[],
            may_skip,
            run: |_| Ok(Done::Skip("no tool".to_owned())),
        };
        assert!(matches!(one(&paths, &step(Some("why"))), Ok(Done::Skip(_))));
        assert!(one(&paths, &step(None)).is_err());
        Ok(())
    }
}
