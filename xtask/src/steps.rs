// SPDX-License-Identifier: GPL-2.0

//! The steps of `cargo xtask test`. A new one is one line of the table and a function.

use crate::bench;
use crate::build::{self, Variant};
use crate::cmd;
use crate::demo;
use crate::fuzz;
use crate::guest;
use crate::ksft::{self, Own};
use crate::ktap::{self, Verdict};
use crate::models;
use crate::paths::Paths;
use crate::series::Series;
use crate::storm;
use crate::textcmp;
use crate::toolchain;
use crate::tree;
use crate::twins;
use crate::vm::{self, Machine, Sink};
use anyhow::{bail, ensure, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a step ended well; an error is how it failed.
pub enum Done {
    Pass(String),
    /// Why it could not be done here
    Skip(String),
}

pub struct Step {
    pub name: &'static str,
    /// Only with --full
    pub full: bool,
    /// Needs a guest and nothing else: it may run beside steps that are not so marked
    pub beside: bool,
    pub run: fn(&Paths) -> Result<Done>,
}

const fn step(name: &'static str, run: fn(&Paths) -> Result<Done>) -> Step {
    Step {
        name,
        full: false,
        beside: false,
        run,
    }
}

const fn full(name: &'static str, run: fn(&Paths) -> Result<Done>) -> Step {
    Step {
        full: true,
        ..step(name, run)
    }
}

const fn beside(step: Step) -> Step {
    Step {
        beside: true,
        ..step
    }
}

/// Upstream's categories that take seconds and walk what freepte changes.
const CHEAP: &[&str] = &[
    "madv_guard",
    "madv_populate",
    "mdwe",
    "mkdirty",
    "mmap",
    "mremap",
    "pfnmap",
    "process_madv",
    "process_mrelease",
    "rmap",
    "vma_merge",
];

pub const STEPS: &[Step] = &[
    step("format", format),
    step("clippy", clippy),
    step("host tests", host_tests),
    step("format of the kernel's Rust", kernel_rustfmt),
    step("checkpatch", checkpatch),
    step("models: litmus tests", |p| models::step(p, "litmus tests")),
    step("models: spin", |p| models::step(p, "spin")),
    step("the bench's report", bench::committed::check),
    step("build stock", |p| build(p, Variant::Stock)),
    step("build freepte", |p| build(p, Variant::Freepte)),
    step("build debug", |p| build(p, Variant::Debug)),
    step("boot stock", |p| boot(p, Variant::Stock)),
    step("boot freepte", |p| boot(p, Variant::Freepte)),
    beside(step("boot debug, with kunit", kunit)),
    step("kselftests on freepte", |p| own(p, Variant::Freepte)),
    beside(step("kselftests on debug", |p| own(p, Variant::Debug))),
    beside(step("a storm of 3 minutes on debug", |p| storm(p, 3))),
    step("upstream's quick mm tests, stock and freepte", |p| {
        upstream(p, CHEAP, Variant::Freepte)
    }),
    step("random memory calls, stock and freepte", |p| {
        fuzz::quick(p).map(Done::Pass)
    }),
    step("instructions against stock", |p| {
        bench::gate::run(p).map(Done::Pass)
    }),
    step("instructions of Rust against the C it replaced", |p| {
        twins::cost::run(p).map(Done::Pass)
    }),
    step("nothing small is called that could be inlined", |p| {
        twins::calls::run(p).map(Done::Pass)
    }),
    step("a sweep of 64 GiB", |p| {
        bench::sweep::run(p).map(Done::Pass)
    }),
    step("make run", |p| demo::compare(p, &[]).map(|()| passed())),
    full("build off", |p| build(p, Variant::Off)),
    full("code of off is stock's", same_code),
    full("upstream's mm suite, stock and freepte", |p| {
        upstream(p, &[], Variant::Freepte)
    }),
    full("random memory calls at length, stock and freepte", |p| {
        fuzz::long(p).map(Done::Pass)
    }),
    full("random memory calls find what is wrong", |p| {
        fuzz::selftest(p).map(Done::Pass)
    }),
    beside(full("a storm of 30 minutes on debug", |p| storm(p, 30))),
    beside(full(
        "10,000 failures to take pages on debug",
        many_failures,
    )),
    beside(full("upstream's mm suite on debug", upstream_on_debug)),
];

fn passed() -> Done {
    Done::Pass(String::new())
}

/// Run a command whose output is of interest only when it fails.
fn quiet(cmd: &mut Command) -> Result<()> {
    let line = cmd::show(cmd);
    let out = cmd
        .output()
        .map_err(|e| anyhow::anyhow!("cannot run `{line}`: {e}"))?;
    if !out.status.success() {
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
        // A long list of files tells nothing.
        let line: String = line.chars().take(160).collect();
        bail!("`{line}` failed:\n{}", cmd::tail(&text, 60));
    }
    Ok(())
}

fn format(paths: &Paths) -> Result<Done> {
    quiet(guest::cargo(paths).args(["fmt", "--all", "--check"]))?;
    Ok(passed())
}

fn clippy(paths: &Paths) -> Result<Done> {
    if cmd::try_output(guest::cargo(paths).args(["clippy", "--version"])).is_none() {
        // Debian 12 has none for the rustc that it has for browsers.
        return Ok(Done::Skip("this toolchain has no clippy".to_owned()));
    }
    quiet(guest::cargo(paths).args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok(passed())
}

fn host_tests(paths: &Paths) -> Result<Done> {
    quiet(guest::cargo(paths).args(["test", "--workspace", "--quiet"]))?;
    Ok(passed())
}

/// All files below some directories of the repository with an extension.
fn files(paths: &Paths, dirs: &[&str], extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo: Vec<PathBuf> = dirs.iter().map(|d| paths.root.join(d)).collect();
    while let Some(dir) = todo.pop() {
        for path in fs::read_dir(&dir)
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
        {
            if path.is_dir() {
                todo.push(path);
            } else if path
                .extension()
                .is_some_and(|e| extensions.iter().any(|x| e == *x))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn kernel_rustfmt(paths: &Paths) -> Result<Done> {
    let list = files(paths, &["mm", "rust"], &["rs"]);
    ensure!(!list.is_empty(), "there is no Rust in mm/ or rust/");
    let config = tree::stock(paths)?.join(".rustfmt.toml");
    quiet(
        Command::new("rustfmt")
            .args([
                "--check",
                "--color",
                "never",
                "--edition",
                "2021",
                "--config-path",
            ])
            .arg(config)
            .args(&list),
    )?;
    Ok(Done::Pass(format!("{} files", list.len())))
}

fn checkpatch(paths: &Paths) -> Result<Done> {
    let src = tree::stock(paths)?;
    let series = Series::load(&paths.root.join("patches"))?;
    ensure!(!series.patches.is_empty(), "patches/series names no patch");
    let script = |src: &Path| {
        let mut cmd = Command::new("perl");
        cmd.arg(src.join("scripts/checkpatch.pl"));
        // No MAINTAINERS entry names files of an overlay, no commit is at hand to look up, signing
        // off is for a person who sends the patch on, a link's content is the name of a file, and
        // functions that are in Rust are exported from C.
        let not =
            "EMBEDDED_FILENAME,EXPORT_SYMBOL,FILE_PATH_CHANGES,GIT_COMMIT_ID,MISSING_SIGN_OFF";
        cmd.args([
            "--quiet",
            "--terse",
            "--no-summary",
            "--show-types",
            "--ignore",
            not,
        ]);
        cmd.current_dir(src);
        cmd
    };
    quiet(script(&src).args(series.patches.iter().map(|p| &p.path)))?;
    let folders = ["mm", "rust", "include", "tools"];
    let sources = files(paths, &folders, &["c", "h"]);
    if !sources.is_empty() {
        quiet(script(&src).arg("--file").args(&sources))?;
    }
    Ok(Done::Pass(format!(
        "{} patches, {} files",
        series.patches.len(),
        sources.len()
    )))
}

fn build(paths: &Paths, variant: Variant) -> Result<Done> {
    build::build(paths, variant)?;
    Ok(passed())
}

fn run_in(paths: &Paths, variant: Variant, script: &str) -> Result<vm::Outcome> {
    let machine = Machine {
        timeout: 300,
        ..Machine::default()
    };
    let command = ["sh", "-c", script].map(str::to_owned);
    let outcome = vm::run(paths, variant, None, &machine, Sink::Capture, &command)?;
    if let Some(trouble) = outcome.trouble() {
        bail!("{trouble}");
    }
    ensure!(
        outcome.ok(),
        "the command ended with {:?}: {}{}",
        outcome.status,
        outcome.stdout,
        outcome.stderr
    );
    Ok(outcome)
}

/// It boots, runs a program, and shows freepte's knobs exactly where they belong.
fn try_boot(paths: &Paths, variant: Variant) -> Result<vm::Outcome> {
    let knobs = "/sys/kernel/mm/free_user_pte/enabled";
    let script = if variant.frees() {
        format!("test \"$(cat {knobs})\" = 1 && uname -r")
    } else {
        format!("test ! -e {knobs} && uname -r")
    };
    run_in(paths, variant, &script)
}

fn boot(paths: &Paths, variant: Variant) -> Result<Done> {
    let outcome = try_boot(paths, variant)?;
    Ok(Done::Pass(outcome.stdout.trim().to_owned()))
}

/// Parts of the names of KUnit tests that have to be among those that ran.
const OUR_KUNIT: &[&str] = &[
    "free_user_pte_ring",
    "rust_pgtable_entries",
    "rust_pgtable_guards",
    "rust_pgtable_refs",
    "rust_pgtable_unhook",
    "rust_pte_map",
    "rust_doctest_kernel_mm_pgtable",
];

/// KUnit runs at boot and tells its results on the console.
fn kunit(paths: &Paths) -> Result<Done> {
    let outcome = try_boot(paths, Variant::Debug)?;
    let log = String::from_utf8_lossy(&fs::read(&outcome.console)?).into_owned();
    let results = ktap::Parser::new()?.parse(&log);
    for ours in OUR_KUNIT {
        ensure!(
            results.keys().any(|name| name.contains(ours)),
            "no KUnit test {ours} ran; see {}",
            outcome.console.display()
        );
    }
    let failed: Vec<&str> = results
        .iter()
        .filter(|(_, v)| **v == Verdict::Fail)
        .map(|(name, _)| name.as_str())
        .collect();
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(Done::Pass(ksft::summary(&results)))
}

fn own(paths: &Paths, variant: Variant) -> Result<Done> {
    let run = ksft::run_own(paths, variant, &ksft::machine(), &Own::default())?;
    Ok(Done::Pass(ksft::summary(&run.results)))
}

/// With memory that is movable, so that pages have to be moved before they are pinned for long.
fn many_failures(paths: &Paths) -> Result<Done> {
    let machine = Machine {
        append: vec!["movablecore=25%".to_owned()],
        timeout: 2 * 3600,
        ..ksft::machine()
    };
    let tests = ["gup_failures".to_owned()];
    let own = Own {
        tests: &tests,
        failures: Some(10_000),
        ..Own::default()
    };
    let run = ksft::run_own(paths, Variant::Debug, &machine, &own)?;
    let skipped = ktap::count(&run.results, Verdict::Skip);
    ensure!(skipped == 0, "{skipped} cases were skipped");
    Ok(Done::Pass(ksft::summary(&run.results)))
}

fn storm(paths: &Paths, minutes: u64) -> Result<Done> {
    storm::step(paths, Variant::Debug, 60 * minutes).map(Done::Pass)
}

fn upstream(paths: &Paths, categories: &[&str], ours: Variant) -> Result<Done> {
    let categories: Vec<String> = categories.iter().map(|&c| c.to_owned()).collect();
    let kernels = [Variant::Stock, ours];
    ksft::compare_upstream(paths, &kernels, &ksft::machine(), &categories).map(Done::Pass)
}

/// What counts is that the kernel has nothing to complain of: it is too slow for some tests that
/// measure time.
fn upstream_on_debug(paths: &Paths) -> Result<Done> {
    let machine = Machine {
        timeout: 4 * 3600,
        ..ksft::machine()
    };
    let run = ksft::run_upstream(paths, Variant::Debug, &machine, &[])?;
    Ok(Done::Pass(ksft::summary(&run.results)))
}

fn same_code(paths: &Paths) -> Result<Done> {
    let toolchain = toolchain::require()?;
    let objdump = format!("llvm-objdump{}", toolchain.suffix);
    let dir = |variant| build::build_dir(paths, variant);
    let found = textcmp::compare(&dir(Variant::Stock)?, &dir(Variant::Off)?, &objdump)?;
    ensure!(found.equal(), "{}", found.summary());
    Ok(Done::Pass(found.summary()))
}
