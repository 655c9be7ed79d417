// SPDX-License-Identifier: GPL-2.0

//! Litmus tests under the kernel's memory model: herd7 searches all executions of each, and must
//! find what the test says in its `Result:` line.

mod claim;
mod outcome;
mod readme;

use super::herd::Herd;
use crate::children;
use crate::cmd;
use crate::paths::Paths;
use crate::tree;
use anyhow::{ensure, Context, Result};
use claim::{Claim, Word};
use outcome::Outcome;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

const TESTS: &str = "tools/memory-model/litmus-tests/pte-table";

/// In the kernel's tree.
const MODEL: &str = "tools/memory-model";

/// Seconds of processor time for one test. They take hundredths of one; a test that grows beyond
/// this has too many writes.
const LIMIT: &str = "60.0";

pub fn run(paths: &Paths, only: &[String]) -> Result<String> {
    let dir = paths.root.join(TESTS);
    let all = claims(&dir)?;
    check_set(&dir, &all)?;
    let wanted = |claim: &&Claim| only.is_empty() || only.iter().any(|o| claim.name.contains(o));
    let chosen: Vec<&Claim> = all.iter().filter(wanted).collect();
    if chosen.is_empty() {
        return Ok(String::new());
    }
    let herd = Herd::find(paths)?;
    let model = tree::stock(paths)?.join(MODEL);

    let start = Instant::now();
    let wrong: Vec<String> = judge_all(&herd, &model, &chosen)
        .into_iter()
        .zip(&chosen)
        .filter_map(|(result, claim)| Some(format!("{}: {:#}", claim.name, result.err()?)))
        .collect();
    ensure!(
        wrong.is_empty(),
        "{} of {} are not as stated:\n{}",
        wrong.len(),
        chosen.len(),
        wrong.join("\n")
    );
    let never = chosen
        .iter()
        .filter(|c| c.expected.word == Word::Never)
        .count();
    Ok(format!(
        "{} as stated ({never} Never, {} that can happen), {:.0} s",
        chosen.len(),
        chosen.len() - never,
        start.elapsed().as_secs_f64()
    ))
}

fn claims(dir: &Path) -> Result<Vec<Claim>> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .with_context(|| format!("reading {}", dir.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "litmus"))
        .collect();
    files.sort();
    ensure!(!files.is_empty(), "{} has no tests", dir.display());
    files.iter().map(|file| Claim::read(file)).collect()
}

/// What can be seen without running anything.
fn check_set(dir: &Path, claims: &[Claim]) -> Result<()> {
    let text = fs::read_to_string(dir.join("README.md")).context("the tests have no README.md")?;
    let mut wrong = readme::complaints(&text, claims);
    for name in claim::without_counterpart(claims) {
        wrong.push(format!("no {name}-… shows what happens otherwise"));
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// On all processors; the results are in the order of the tests.
fn judge_all(herd: &Herd, model: &Path, claims: &[&Claim]) -> Vec<Result<()>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let Some(claim) = claims.get(n) else {
                return done;
            };
            done.push((n, judge(herd, model, claim)));
        }
    };
    let mut results = thread::scope(|scope| {
        let workers: Vec<_> = (0..cmd::cpus()).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        all
    });
    results.sort_by_key(|(n, _)| *n);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Run one test and compare what comes out with what it expects.
fn judge(herd: &Herd, model: &Path, claim: &Claim) -> Result<()> {
    let mut command = herd.command();
    command
        .args(["-conf", "linux-kernel.cfg", "-timeout", LIMIT])
        .arg(&claim.path)
        .current_dir(model);
    let out = children::output(&mut command).context("cannot run herd7")?;
    let complaint = String::from_utf8_lossy(&out.stderr);
    // It warns of a test that it cannot read, and exits as if nothing had been wrong.
    ensure!(
        out.status.success() && complaint.trim().is_empty(),
        "herd7 failed ({}): {}",
        out.status,
        cmd::tail(complaint.trim(), 5)
    );
    let outcome = Outcome::parse(&claim.name, &String::from_utf8_lossy(&out.stdout))?;
    ensure!(
        outcome.verdict == claim.expected,
        "expected {}, found {} ({} executions meet the condition, {} do not)",
        claim.expected,
        outcome.verdict,
        outcome.positive,
        outcome.negative
    );
    Ok(())
}
