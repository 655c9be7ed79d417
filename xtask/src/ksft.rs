// SPDX-License-Identifier: GPL-2.0

//! kselftests in the virtual machine: upstream's mm suite, compared between kernels, and our own.

use crate::build::{self, Variant};
use crate::cmd;
use crate::half_made;
use crate::ktap::{self, Report, Results, Verdict};
use crate::lock::Lock;
use crate::paths::Paths;
use crate::skips::{self, Occasion, Suite};
use crate::source;
use crate::steps::Done;
use crate::tree;
use crate::vm::{self, Machine, Sink};
use anyhow::{bail, ensure, Result};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where our own tests are in the repository.
pub const OWN: &str = "tools/testing/selftests/freepte";

/// Less, and some of upstream's tests fail for that alone.
const MEMORY: &str = "4G";

/// What upstream's tests are compiled with.
const TIMEOUTS: &str = include_str!("ksft/timeouts.h");

/// So many times as long upstream's tests may take on the debug kernel.
const DEBUG_TIMEOUT_SCALE: u32 = 10;

/// /proc/PID/mem writes what its owner may not: by default that is for tracers only, and what tests
/// of upstream and of ours do with it would say nothing.
const FORCE: &str = "proc_mem.force_override=always";

/// The vsyscall page can be read: the one page of a process that no VMA of it maps.
pub const VSYSCALL: &str = "vsyscall=emulate";

/// There is a hugetlb page of 1 GiB: later it could not be allocated.
pub const GIGABYTE: &str = "hugepagesz=1G hugepages=1";

/// Two memory nodes, to migrate between.
pub const NODES: &str = "numa=fake=2";

/// The guest in which the suites run.
pub fn machine() -> Machine {
    Machine {
        memory: Some(MEMORY.to_owned()),
        append: vec![FORCE.to_owned()],
        timeout: 3600,
        ..Machine::default()
    }
}

/// A guest that somebody asks for, with what the suites need.
pub fn suited(asked: &Machine) -> Machine {
    let ours = machine();
    Machine {
        memory: asked.memory.clone().or(ours.memory),
        append: [ours.append, asked.append.clone()].concat(),
        ..asked.clone()
    }
}

/// The guest in which the suites run, and more words for its command line.
pub fn machine_with(words: &str) -> Machine {
    let mut machine = machine();
    machine.append.push(words.to_owned());
    machine
}

/// What one kernel made of a set of tests.
pub struct Run {
    pub report: Report,
    pub output: PathBuf,
}

impl Run {
    /// How a step with such a run ended, if no test failed.
    pub fn done(&self) -> Done {
        let text = summary(&self.report.results);
        match ktap::count(&self.report.results, Verdict::Pass) {
            0 => Done::Skip(text),
            _ => Done::Pass(text),
        }
    }
}

/// Build upstream's mm selftests and install them; returns the directory of run_vmtests.sh.
pub fn build_upstream(paths: &Paths) -> Result<PathBuf> {
    let src = tree::stock(paths)?;
    let dir = paths.cache_subdir("ksft")?.join(source::id());
    let _lock = Lock::take(&dir.with_extension("lock"))?;
    half_made::discard(&dir)?;
    let mm = dir.join("install/mm");
    let stamp = dir.join("stamp");
    let same_timeouts = fs::read_to_string(&stamp).is_ok_and(|text| text == TIMEOUTS);
    // What is built from a user's tree follows that tree: make knows what has changed.
    if same_timeouts && !source::is_user_tree() {
        return Ok(mm);
    }
    let build = dir.join("build");
    if !same_timeouts && build.exists() {
        // make does not know that everything depends on the header.
        fs::remove_dir_all(&build)?;
    }
    half_made::make(&dir, || install_upstream(paths, &src, &dir))?;
    ensure!(
        mm.join("run_vmtests.sh").is_file(),
        "the mm selftests were not installed"
    );
    fs::write(stamp, TIMEOUTS)?;
    Ok(mm)
}

fn install_upstream(paths: &Paths, src: &Path, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    let timeouts = dir.join("timeouts.h");
    fs::write(&timeouts, TIMEOUTS)?;
    let log = paths.log_dir()?;
    let headers = dir.join("headers");
    let mut make = Command::new("make");
    make.arg("-C")
        .arg(src)
        .arg(format!("O={}", dir.join("headers-build").display()));
    make.arg(format!("INSTALL_HDR_PATH={}", headers.display()))
        .arg("headers_install");
    plain(&mut make);
    build::run_make(make, "user-space headers", &log.join("headers.log"))?;

    let mut make = Command::new("make");
    make.arg("-C").arg(src.join("tools/testing/selftests"));
    make.arg("TARGETS=mm")
        .arg(format!("O={}", dir.join("build").display()))
        .arg(format!("USERCFLAGS=-include {}", timeouts.display()));
    make.arg(format!(
        "KHDR_INCLUDES=-isystem {}",
        headers.join("include").display()
    ));
    make.arg(format!("INSTALL_PATH={}", dir.join("install").display()));
    make.arg(format!("-j{}", cmd::cpus() + 1)).arg("install");
    plain(&mut make);
    build::run_make(make, "upstream's mm selftests", &log.join("ksft.log"))
}

/// cargo's and an outer make's variables are not for this make.
fn plain(make: &mut Command) {
    for name in [
        "MAKEFLAGS",
        "MFLAGS",
        "MAKELEVEL",
        "ARCH",
        "CROSS_COMPILE",
        "LLVM",
    ] {
        make.env_remove(name);
    }
    make.env("LC_ALL", "C");
}

/// Run upstream's tests (the whole default set when no category is named) on one kernel.
pub fn run_upstream(
    paths: &Paths,
    variant: Variant,
    machine: &Machine,
    categories: &[String],
) -> Result<Run> {
    let dir = build_upstream(paths)?;
    let environment: &[_] = match variant {
        Variant::Debug => &[("KSFT_TIMEOUT_SCALE", DEBUG_TIMEOUT_SCALE)],
        _ => &[],
    };
    let mut script = format!(
        "{}cd {} && ./run_vmtests.sh",
        exports(environment),
        shlex::try_quote(&dir.to_string_lossy())?
    );
    if !categories.is_empty() {
        script.push_str(&format!(" -t {}", shlex::try_quote(&categories.join(" "))?));
    }
    // Its exit status says that some test failed; the comparison says whether that is ours.
    script.push_str("; exit 0");
    let label = Label(Suite::Upstream, None);
    run(paths, variant, None, machine, &script, label).map(|(run, _)| run)
}

/// The start of a script that runs with these variables.
fn exports(environment: &[(&str, u32)]) -> String {
    environment
        .iter()
        .map(|(name, value)| format!("export {name}={value} && "))
        .collect()
}

/// What to run of our own tests.
#[derive(Default)]
pub struct Own<'a> {
    /// All when none is named; `_test` may be left out.
    pub tests: &'a [String],
    /// Of several runs on a kernel, which one this is: part of the name of its log
    pub part: Option<&'static str>,
    /// How long a race takes; the tests know a default.
    pub race_ms: Option<u32>,
    /// How many allocations are to fail; the tests know a default.
    pub failures: Option<u32>,
}

impl Own<'_> {
    fn environment(&self) -> Vec<(&'static str, u32)> {
        [
            ("FREEPTE_HAZARD_MS", self.race_ms),
            ("FREEPTE_FAILURES", self.failures),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

/// Programs of our own, tests or others.
pub struct Programs {
    pub suite: Suite,
    /// All tests when none is named
    pub names: Vec<String>,
    /// They are all that the suite has
    pub whole: bool,
    /// Which run this is, if there are several
    pub part: Option<&'static str>,
    /// For each of them
    pub arguments: Vec<String>,
    pub environment: Vec<(&'static str, u32)>,
}

impl Programs {
    fn script(&self, dir: &Path, out: &Path) -> Result<String> {
        let mut words = vec!["./run.sh".to_owned(), out.to_string_lossy().into_owned()];
        words.extend(self.names.iter().cloned());
        if !self.arguments.is_empty() {
            words.push("--".to_owned());
            words.extend(self.arguments.iter().cloned());
        }
        let words = shlex::try_join(words.iter().map(String::as_str))?;
        let dir = dir.to_string_lossy();
        let exports = exports(&self.environment);
        Ok(format!(
            "{exports}cd {} && {words}",
            shlex::try_quote(&dir)?
        ))
    }
}

/// Build and run our own tests on one kernel: every one must pass, or may be skipped.
pub fn run_own(paths: &Paths, variant: Variant, machine: &Machine, own: &Own) -> Result<Run> {
    let names = own.tests.iter().map(|name| {
        let name = name.strip_suffix("_test").unwrap_or(name);
        format!("{name}_test")
    });
    let programs = Programs {
        suite: Suite::Own,
        names: names.collect(),
        whole: own.tests.is_empty(),
        part: own.part,
        arguments: Vec::new(),
        environment: own.environment(),
    };
    run_programs(paths, variant, None, machine, &programs)
}

/// Where our programs are built.
pub fn own_dir(paths: &Paths) -> Result<PathBuf> {
    Ok(paths.clone_dir()?.join("ksft-own"))
}

/// Build our programs.
pub fn build_own(paths: &Paths) -> Result<()> {
    let dir = paths.root.join(OWN);
    ensure!(
        dir.join("Makefile").is_file(),
        "{} has no Makefile",
        dir.display()
    );
    let out = own_dir(paths)?;
    let include = tree::stock(paths)?.join("tools/testing/selftests");
    let mut make = Command::new("make");
    make.arg("-C")
        .arg(&dir)
        .arg(format!("OUTPUT={}", out.display()));
    make.arg(format!("KSFT_INC={}", include.display()));
    plain(&mut make);
    let _lock = Lock::take(&out.with_extension("lock"))?;
    let log = paths.log_dir()?.join("ksft-own.log");
    half_made::make(&out, || {
        fs::create_dir_all(&out)?;
        build::run_make(make, "freepte's kselftests", &log)
    })
}

/// A suite, and which run of it
struct Label(Suite, Option<&'static str>);

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())?;
        self.1.map_or(Ok(()), |part| write!(f, "-{part}"))
    }
}

/// The names of all of our tests.
pub fn own_tests(paths: &Paths) -> Result<Vec<String>> {
    let pattern = paths.root.join(OWN).join("*_test.c");
    let names = glob::glob(&pattern.to_string_lossy())?.flatten();
    Ok(names
        .filter_map(|file| Some(file.file_stem()?.to_string_lossy().into_owned()))
        .collect())
}

/// Build our programs, and run some of them on a kernel, or on another image of it.
pub fn run_programs(
    paths: &Paths,
    variant: Variant,
    image: Option<&Path>,
    machine: &Machine,
    programs: &Programs,
) -> Result<Run> {
    build_own(paths)?;
    let script = programs.script(&paths.root.join(OWN), &own_dir(paths)?)?;
    let label = Label(programs.suite, programs.part);
    let (run, status) = run(paths, variant, image, machine, &script, label)?;
    let failed = run.report.failed();
    if !failed.is_empty() {
        bail!(
            "{} failed on {}; see {}\n{}",
            failed.len(),
            variant.name(),
            run.output.display(),
            run.report.explain(failed)
        );
    }
    ensure!(
        matches!(status, 0 | 4),
        "run.sh ended with {status} on {}; see {}",
        variant.name(),
        run.output.display()
    );
    let occasion = Occasion {
        suite: programs.suite,
        kernel: variant,
        append: &machine.append,
        whole: programs.whole,
    };
    skips::check(paths, &occasion, &run.report)?;
    Ok(run)
}

fn run(
    paths: &Paths,
    variant: Variant,
    image: Option<&Path>,
    machine: &Machine,
    script: &str,
    what: Label,
) -> Result<(Run, i32)> {
    let command = ["bash", "-c", script].map(str::to_owned);
    eprintln!("running {what} kselftests on {} ...", variant.name());
    let outcome = vm::run(paths, variant, image, machine, Sink::Capture, &command)?;
    let output = paths
        .log_dir()?
        .join(format!("ksft-{what}-{}.log", variant.name()));
    fs::write(&output, format!("{}{}", outcome.stdout, outcome.stderr))?;
    if let Some(trouble) = outcome.trouble() {
        bail!(
            "on {}: {trouble}\nthe tests' own last lines (all: {}):\n{}",
            variant.name(),
            output.display(),
            cmd::tail(&outcome.stdout, 8)
        );
    }
    let report = ktap::Parser::new()?.parse(&outcome.stdout);
    ensure!(
        !report.results.is_empty(),
        "no test ran on {}; see {}\n{}",
        variant.name(),
        output.display(),
        cmd::tail(&outcome.stderr, 10)
    );
    Ok((
        Run { report, output },
        outcome.status.unwrap_or(vm::EXIT_NO_STATUS),
    ))
}

pub fn summary(results: &Results) -> String {
    let n = |v| ktap::count(results, v);
    format!(
        "{} pass, {} fail, {} skip",
        n(Verdict::Pass),
        n(Verdict::Fail),
        n(Verdict::Skip)
    )
}

/// Run upstream's tests on several kernels and compare each with the first.
pub fn compare_upstream(
    paths: &Paths,
    variants: &[Variant],
    machine: &Machine,
    categories: &[String],
) -> Result<String> {
    compare(paths, variants, machine, categories).map(|(_, text)| text)
}

/// The same with the quick categories: none of their tests fails, and it is known which may be
/// skipped.
pub fn compare_quick(paths: &Paths, variants: &[Variant], quick: &[String]) -> Result<String> {
    let machine = machine_with(NODES);
    let (runs, text) = compare(paths, variants, &machine, quick)?;
    for (variant, run) in &runs {
        let failed = run.report.failed();
        if !failed.is_empty() {
            bail!(
                "{} failed, on {} as well; see {}\n{}",
                failed.len(),
                variant.name(),
                run.output.display(),
                run.report.explain(failed)
            );
        }
        let occasion = Occasion {
            suite: Suite::Upstream,
            kernel: *variant,
            append: &machine.append,
            whole: true,
        };
        skips::check(paths, &occasion, &run.report)?;
    }
    Ok(text)
}

fn compare(
    paths: &Paths,
    variants: &[Variant],
    machine: &Machine,
    categories: &[String],
) -> Result<(Vec<(Variant, Run)>, String)> {
    let mut runs = Vec::new();
    let mut texts = Vec::new();
    for variant in variants {
        let run = run_upstream(paths, *variant, machine, categories)?;
        let text = format!("{}: {}", variant.name(), summary(&run.report.results));
        eprintln!("{text}");
        texts.push(text);
        runs.push((*variant, run));
    }
    let text = texts.join("; ");
    let Some(((first, base), others)) = runs.split_first() else {
        bail!("no kernel was named")
    };
    let mut differing = Vec::new();
    let mut text = text;
    for (variant, run) in others {
        let found = differences((*first, &base.report), (*variant, &run.report));
        differing.extend(found.worse);
        if !found.better.is_empty() {
            let (kernel, names) = (first.name(), found.better.join(", "));
            text.push_str(&format!("; on {kernel} alone failed: {names}"));
        }
    }
    ensure!(
        differing.is_empty(),
        "{} results differ ({text})\n{}",
        differing.len(),
        differing.join("\n")
    );
    Ok((runs, text))
}

#[derive(Debug, Default)]
struct Differences {
    /// Each with how the test failed on one of the kernels
    worse: Vec<String>,
    /// Tests that failed on the first kernel and passed on the other: most of them measure time, and
    /// the machine was slow. They say nothing against the other kernel.
    better: Vec<String>,
}

/// What differs between two kernels.
fn differences(first: (Variant, &Report), other: (Variant, &Report)) -> Differences {
    /// Of the differences that are explained: the others are likely to be of the same kind.
    const MOST: usize = 12;
    let show = |v: Option<Verdict>| v.map_or("absent".to_owned(), |v| v.to_string());
    let (better, worse): (Vec<_>, Vec<_>) = ktap::differences(&first.1.results, &other.1.results)
        .into_iter()
        .partition(|(_, a, b)| (*a, *b) == (Some(Verdict::Fail), Some(Verdict::Pass)));
    let tell = |(n, (name, a, b)): (usize, (String, _, _))| {
        let (one, two) = (first.0.name(), other.0.name());
        let mut text = format!("differs: {name}: {one} {}, {two} {}", show(a), show(b));
        for (variant, report) in [first, other].into_iter().filter(|_| n < MOST) {
            let words = report.explain([name.as_str()]);
            if !words.is_empty() {
                text.push_str(&format!("\n on {}:\n{words}", variant.name()));
            }
        }
        text
    };
    Differences {
        worse: worse.into_iter().enumerate().map(tell).collect(),
        better: better.into_iter().map(|(name, ..)| name).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_shown_in_the_words_of_the_test() -> Result<()> {
        let parser = ktap::Parser::new()?;
        let stock = parser.parse("# ok 1 sub\nok 1 a\nok 2 b\n");
        let ours = parser.parse("# # a.c:3: Expected 1\n# not ok 1 sub\nnot ok 1 a\nok 2 b\n");
        let found = differences((Variant::Stock, &stock), (Variant::Freepte, &ours));
        assert!(found.better.is_empty());
        assert_eq!(
            found.worse,
            [
                "differs: a: stock pass, freepte FAIL\n on freepte:\n  a\n      not ok 1 a",
                "differs: a: sub: stock pass, freepte FAIL\n on freepte:\n  a: sub\n      \
                 # # a.c:3: Expected 1\n      not ok 1 sub",
            ]
        );
        let found = differences((Variant::Stock, &stock), (Variant::Off, &stock));
        assert!(found.worse.is_empty() && found.better.is_empty());
        // What fails on the first kernel alone is told, and no failure of the other; what is missing is.
        let found = differences((Variant::Stock, &ours), (Variant::Freepte, &stock));
        assert!(found.worse.is_empty());
        assert_eq!(found.better, ["a", "a: sub"]);
        let fewer = parser.parse("# ok 1 sub\nok 1 a\n");
        let found = differences((Variant::Stock, &stock), (Variant::Freepte, &fewer));
        assert_eq!(found.worse.len(), 1);
        Ok(())
    }

    #[test]
    fn nothing_but_skips_is_no_pass() -> Result<()> {
        let run = |text| -> Result<Done> {
            let report = ktap::Parser::new()?.parse(text);
            let output = PathBuf::new();
            Ok(Run { report, output }.done())
        };
        assert!(matches!(run("    ok 1 x # SKIP\nok 1 a\n")?, Done::Skip(_)));
        assert!(matches!(run("    ok 1 x\nok 1 a\n")?, Done::Pass(_)));
        Ok(())
    }

    #[test]
    fn all_guests_force_writes() {
        let asked = Machine {
            append: vec!["quiet".to_owned()],
            ..Machine::default()
        };
        for machine in [machine(), machine_with("numa=fake=2"), suited(&asked)] {
            assert!(machine.append.iter().any(|words| words == FORCE));
        }
        assert_eq!(machine_with("x").append.len(), 2);
        assert_eq!(suited(&asked).append.len(), 2);
    }
}
