// SPDX-License-Identifier: GPL-2.0

//! Steps that boot kernels.

use super::Done;
use crate::build::{self, Variant};
use crate::ksft::{self, Own};
use crate::ktap::{self, Verdict};
use crate::kunit;
use crate::paths::Paths;
use crate::skips::{self, Suite};
use crate::storm as storms;
use crate::textcmp;
use crate::toolchain;
use crate::vm::{self, Machine, Sink};
use anyhow::{bail, ensure, Result};
use std::collections::BTreeSet;
use std::fs;

pub fn build(paths: &Paths, variant: Variant) -> Result<Done> {
    build::build(paths, variant)?;
    Ok(Done::Pass(String::new()))
}

fn run_in(paths: &Paths, variant: Variant, script: &str) -> Result<vm::Outcome> {
    let machine = Machine {
        timeout: 900,
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

pub fn boot(paths: &Paths, variant: Variant) -> Result<Done> {
    let outcome = try_boot(paths, variant)?;
    Ok(Done::Pass(outcome.stdout.trim().to_owned()))
}

/// KUnit runs at boot and tells its results on the console.
pub fn kunit(paths: &Paths, variant: Variant) -> Result<Done> {
    let outcome = try_boot(paths, variant)?;
    let log = String::from_utf8_lossy(&fs::read(&outcome.console)?).into_owned();
    let summary = kunit::check(paths, &log, variant)?;
    Ok(Done::Pass(summary.to_string()))
}

pub fn own(paths: &Paths, variant: Variant) -> Result<Done> {
    let run = ksft::run_own(paths, variant, &ksft::machine(), &Own::default())?;
    Ok(run.done())
}

/// With Xen below the kernel, where nothing is freed: what gets pages, walks, and all that is dangerous
/// elsewhere.
pub fn own_on_xen(paths: &Paths) -> Result<Done> {
    let machine = Machine {
        xen: true,
        timeout: 2 * 3600,
        ..ksft::machine()
    };
    let is_in = |name: &str| {
        ["gup_", "hazard_", "walk_"]
            .iter()
            .any(|part| name.starts_with(part))
    };
    own_part(paths, Variant::Xen, &machine, "dom0", is_in)
}

/// The longest of our tests: what reads page tables, in three ways.
const READERS: &str = "walk_readers_test";

/// Those that say most where each table is recounted.
const RECOUNTED: [&str; 2] = ["hazard_recount_test", "hazard_transient_zero_test"];

/// The readers alone, which take as long as many others.
///
/// Without page_table_check: it warns when the write protection of userfaultfd is put on a writable
/// entry for migration, which upstream's make_uffd_wp_pte() and make_uffd_wp_huge_pte() do.
pub fn own_readers(paths: &Paths, variant: Variant) -> Result<Done> {
    let machine = ksft::machine_with("page_table_check=off");
    own_part(paths, variant, &machine, "readers", |name| name == READERS)
}

/// What `freepte` cannot run, or `debug` makes more of; without the readers.
pub fn own_of_debug(paths: &Paths) -> Result<Done> {
    let chosen = for_debug(paths)?;
    let is_in = |name: &str| chosen.contains(name);
    own_part(paths, Variant::Debug, &ksft::machine(), "of-debug", is_in)
}

/// What is neither of the two on `debug`.
pub fn own_others(paths: &Paths) -> Result<Done> {
    let chosen = for_debug(paths)?;
    let is_in = |name: &str| name != READERS && !chosen.contains(name);
    own_part(paths, Variant::Debug, &ksft::machine(), "others", is_in)
}

fn for_debug(paths: &Paths) -> Result<BTreeSet<String>> {
    let mut chosen = skips::programs_only_on(paths, Suite::Own, Variant::Debug, Variant::Freepte)?;
    chosen.extend(RECOUNTED.map(str::to_owned));
    chosen.remove(READERS);
    Ok(chosen)
}

fn own_part(
    paths: &Paths,
    variant: Variant,
    machine: &Machine,
    part: &'static str,
    is_in: impl Fn(&str) -> bool,
) -> Result<Done> {
    let mut tests = ksft::own_tests(paths)?;
    tests.retain(|name| is_in(name));
    ensure!(!tests.is_empty(), "there are no such tests");
    let own = Own {
        tests: &tests,
        part: Some(part),
        ..Own::default()
    };
    Ok(ksft::run_own(paths, variant, machine, &own)?.done())
}

/// One of our tests where nothing it needs is missing.
fn whole(paths: &Paths, variant: Variant, machine: &Machine, own: &Own) -> Result<Done> {
    let run = ksft::run_own(paths, variant, machine, own)?;
    let skipped = ktap::count(&run.report.results, Verdict::Skip);
    ensure!(skipped == 0, "{skipped} cases were skipped");
    Ok(run.done())
}

/// With memory that is movable, so that pages have to be moved before they are pinned for long.
pub fn many_failures(paths: &Paths) -> Result<Done> {
    let machine = Machine {
        timeout: 2 * 3600,
        ..ksft::machine_with("movablecore=25%")
    };
    let own = Own {
        tests: &["gup_failures".to_owned()],
        part: Some("failures"),
        failures: Some(10_000),
        ..Own::default()
    };
    whole(paths, Variant::Debug, &machine, &own)
}

/// With what is there only if asked for at boot: the page of the kernel that every process has at a
/// fixed address, to be read as well, and a page of 1 GiB.
pub fn forced(paths: &Paths) -> Result<Done> {
    let machine = Machine {
        timeout: 600,
        ..ksft::machine_with(&[ksft::VSYSCALL, ksft::GIGABYTE].join(" "))
    };
    let own = Own {
        tests: &["gup_force".to_owned(), "gup_uffd_rwp".to_owned()],
        part: Some("force"),
        ..Own::default()
    };
    whole(paths, Variant::Freepte, &machine, &own)
}

pub fn storm(paths: &Paths, minutes: u64) -> Result<Done> {
    storms::step(paths, Variant::Debug, 60 * minutes).map(Done::Pass)
}

pub fn upstream(paths: &Paths, categories: &[&str], ours: Variant) -> Result<Done> {
    let categories: Vec<String> = categories.iter().map(|&c| c.to_owned()).collect();
    let kernels = [Variant::Stock, ours];
    let text = if categories.is_empty() {
        ksft::compare_upstream(paths, &kernels, &ksft::machine(), &categories)?
    } else {
        ksft::compare_quick(paths, &kernels, &categories)?
    };
    Ok(Done::Pass(text))
}

/// What counts is that the kernel has nothing to complain of: it is too slow for some tests that
/// measure time.
pub fn upstream_on_debug(paths: &Paths) -> Result<Done> {
    let machine = Machine {
        timeout: 4 * 3600,
        ..ksft::machine()
    };
    let run = ksft::run_upstream(paths, Variant::Debug, &machine, &[])?;
    Ok(Done::Pass(ksft::summary(&run.report.results)))
}

pub fn same_code(paths: &Paths) -> Result<Done> {
    let toolchain = toolchain::require()?;
    let objdump = format!("llvm-objdump{}", toolchain.suffix);
    let dir = |variant| build::build_dir(paths, variant);
    let found = textcmp::compare(&dir(Variant::Stock)?, &dir(Variant::Off)?, &objdump)?;
    ensure!(found.equal(), "{}", found.summary());
    Ok(Done::Pass(found.summary()))
}
