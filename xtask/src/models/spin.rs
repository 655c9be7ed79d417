// SPDX-License-Identifier: GPL-2.0

//! Spin models: each scenario is searched to the end and must be clean, and with each of the bugs
//! that it names the search must find the violation that it expects.

mod model;
mod readme;
mod verdict;

use super::Unavailable;
use crate::children;
use crate::cmd;
use crate::lock::Lock;
use crate::paths::Paths;
use crate::scratch;
use anyhow::{bail, ensure, Context, Result};
use model::{Bug, Model, Scenario};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;
use tempfile::TempDir;
use verdict::Verdict;

const MODEL: &str = "tools/verification/spin/pte-table";

/// Steps of the longest path that a search follows. They have hundreds; a search that meets this
/// limit says so, and fails.
const DEPTH: u32 = 20_000;

/// Minutes for one search. They take seconds.
const LIMIT: u32 = 10;

/// MiB for one search, which gives up there. The largest takes half of it.
const MEMORY: u32 = 896;

/// Searches at once, so that all of them together stay below 4 GiB.
const AT_ONCE: usize = 4;

/// One search: a scenario as it is, or with a bug.
struct Search<'a> {
    scenario: &'a Scenario,
    bug: Option<&'a Bug>,
}

impl Search<'_> {
    fn name(&self) -> String {
        match self.bug {
            Some(bug) => format!("{} with BUG_{}", self.scenario.name, bug.name),
            None => self.scenario.name.clone(),
        }
    }

    fn define(&self) -> Option<String> {
        self.bug.map(|bug| format!("-DBUG_{}", bug.name))
    }
}

/// Where a search works, and what it works with.
struct Place {
    spin: PathBuf,
    dir: PathBuf,
    workers: usize,
}

pub fn run(paths: &Paths, only: &[String]) -> Result<String> {
    let dir = paths.root.join(MODEL);
    let model = Model::read(&dir)?;
    let readme = fs::read_to_string(dir.join("README.md")).context("the model has no README.md")?;
    let mut wrong = model.complaints();
    wrong.extend(readme::complaints(&readme, &model.scenarios));
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));

    let wanted = |s: &&Scenario| only.is_empty() || only.iter().any(|o| s.name.contains(o));
    let searches: Vec<Search> = model
        .scenarios
        .iter()
        .filter(wanted)
        .flat_map(|scenario| {
            let bugs = scenario.bugs.iter().map(Some);
            std::iter::once(None)
                .chain(bugs)
                .map(move |bug| Search { scenario, bug })
        })
        .collect();
    if searches.is_empty() {
        return Ok(String::new());
    }
    let spin = cmd::which("spin").ok_or_else(|| Unavailable("spin is not installed".into()))?;
    let clone = paths.clone_dir()?;
    let _lock = Lock::take(&clone.join("spin.lock"))?;
    let place = Place {
        spin,
        dir: clone.join("spin"),
        workers: cmd::cpus().min(AT_ONCE),
    };

    let start = Instant::now();
    let states = judge_all(&place, &searches)?;
    let scenarios = searches.iter().filter(|s| s.bug.is_none()).count();
    Ok(format!(
        "{scenarios} scenarios searched to the end ({states} states), {} seeded bugs found, {:.0} s",
        searches.len() - scenarios,
        start.elapsed().as_secs_f64()
    ))
}

/// On all processors. Returns how many states the scenarios have.
fn judge_all(place: &Place, searches: &[Search]) -> Result<u64> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut states = 0;
        let mut wrong = Vec::new();
        while let Some(search) = searches.get(next.fetch_add(1, Ordering::Relaxed)) {
            match judge(place, search) {
                Ok(found) => states += found,
                Err(err) => wrong.push(format!("{}: {err:#}", search.name())),
            }
        }
        (states, wrong)
    };
    let results: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..place.workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|w| {
                w.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let wrong: Vec<String> = results.iter().flat_map(|(_, w)| w.clone()).collect();
    ensure!(
        wrong.is_empty(),
        "{} of {} searches are not as stated:\n{}",
        wrong.len(),
        searches.len(),
        wrong.join("\n")
    );
    Ok(results.iter().map(|(states, _)| states).sum())
}

/// Make one search and compare what it finds with what it should. Returns how many states a
/// scenario has.
fn judge(place: &Place, search: &Search) -> Result<u64> {
    let dir = scratch::dir("spin")?;
    let verdict = explore(place, search, dir.path())?;
    match (search.bug, &verdict.violation) {
        (None, None) => ensure!(
            verdict.finished,
            "the search did not get to the end: {}",
            verdict.why_unfinished()
        ),
        (None, Some(text)) => bail!("{text}; to see how: {}", replay(place, search, dir)?),
        (Some(_), None) => match verdict.cut {
            Some(why) => bail!("the search found nothing before it gave up: {why}"),
            None => bail!("the search found nothing"),
        },
        (Some(bug), Some(text)) if !verdict.violates(&bug.property) => bail!(
            "found {text}, not {}; to see how: {}",
            bug.property,
            replay(place, search, dir)?
        ),
        (Some(_), Some(_)) => {}
    }
    Ok(if search.bug.is_none() {
        verdict.states
    } else {
        0
    })
}

/// Generate the searching program, compile it and run it.
fn explore(place: &Place, search: &Search, dir: &Path) -> Result<Verdict> {
    let generated = cmd::output(
        Command::new(&place.spin)
            .arg("-a")
            .args(search.define())
            .arg(&search.scenario.path)
            .current_dir(dir),
    )?;
    ensure!(generated.trim().is_empty(), "spin complains: {generated}");
    cmd::output(
        Command::new("cc")
            // To optimise takes longer than most searches without it.
            .args(["-O0", "-w", "-DSAFETY", "-DNOCLAIM"])
            .arg(format!("-DMEMLIM={MEMORY}"))
            .args(["-o", "pan", "pan.c"])
            .current_dir(dir),
    )?;
    // Its exit status tells nothing.
    let mut pan = Command::new(dir.join("pan"));
    pan.args([format!("-m{DEPTH}"), format!("-Q{LIMIT}"), "-w22".into()])
        .current_dir(dir);
    let out = children::output(&mut pan).context("cannot run pan")?;
    Verdict::parse(&String::from_utf8_lossy(&out.stdout))
}

/// Keep what a search left; returns the command that shows the path to its violation.
fn replay(place: &Place, search: &Search, left: TempDir) -> Result<String> {
    let dir = place.dir.join(search.name().replace(' ', "-"));
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir_all(&place.dir)?;
    fs::rename(left.keep(), &dir).with_context(|| format!("renaming to {}", dir.display()))?;
    let mut command = Command::new(&place.spin);
    command
        .args(["-p", "-g", "-l", "-k"])
        .arg(format!("{}.pml.trail", search.scenario.name))
        .args(search.define())
        .arg(&search.scenario.path);
    Ok(format!("cd {} && {}", dir.display(), cmd::show(&command)))
}
