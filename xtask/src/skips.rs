// SPDX-License-Identifier: GPL-2.0

//! Which tests may be skipped, and why: configs/skips.toml.
//!
//! A test that is skipped shows nothing. So each one that may be is named there, for each kernel;
//! any other fails the run, and so does an entry whose test was not skipped.

use crate::build::Variant;
use crate::ktap::{Report, Verdict};
use crate::paths::Paths;
use anyhow::{bail, ensure, Context, Result};
use clap::ValueEnum;
use glob::Pattern;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;

/// The list, in the repository.
const FILE: &str = "configs/skips.toml";

/// Where a test comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Suite {
    /// Our own kselftests
    Own,
    Storm,
    /// All KUnit tests, those of others among them
    Kunit,
    /// The categories of upstream's mm selftests that the default run has. In a run of others,
    /// nothing is skipped that stock does not skip.
    Upstream,
}

impl Suite {
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Storm => "storm",
            Self::Kunit => "kunit",
            Self::Upstream => "upstream",
        }
    }
}

/// A run of tests.
pub struct Occasion<'a> {
    pub suite: Suite,
    pub kernel: Variant,
    /// Words of the kernel's command line
    pub append: &'a [String],
    /// All tests of the suite ran, not only some
    pub whole: bool,
}

impl fmt::Display for Occasion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.suite.name(), self.kernel.name())
    }
}

/// Fail if a test was skipped that is not on the list, or one that is on it was not.
pub fn check(paths: &Paths, occasion: &Occasion, report: &Report) -> Result<()> {
    List::load(paths)?.check(occasion, report)
}

/// The programs of which something is skipped on one kernel that runs on another one.
pub fn programs_only_on(
    paths: &Paths,
    suite: Suite,
    runs: Variant,
    skipped: Variant,
) -> Result<BTreeSet<String>> {
    Ok(List::load(paths)?.programs_only_on(suite, runs, skipped))
}

/// The program in "program: test".
fn program_of(test: &str) -> &str {
    test.split(": ").next().unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    skip: Vec<Raw>,
}

/// An entry, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    suite: Suite,
    kernels: Vec<String>,
    tests: Vec<String>,
    says: Option<String>,
    why: String,
    may_run: Option<String>,
    unless_booted_with: Option<String>,
}

struct Entry {
    suite: Suite,
    kernels: Vec<Variant>,
    tests: Vec<Pattern>,
    /// Part of the reason that the tests give
    says: String,
    /// They may run as well
    may_run: bool,
    /// Start of a word of the kernel's command line
    unless_booted_with: Option<String>,
}

impl Entry {
    fn parse(raw: Raw) -> Result<Self> {
        ensure!(
            !raw.why.is_empty() && raw.may_run.as_deref() != Some(""),
            "an entry of {FILE} has no reason: {}",
            raw.tests.join(", ")
        );
        let variant = |name: &String| {
            Variant::from_str(name, false)
                .map_err(|_| anyhow::anyhow!("{FILE}: there is no kernel {name}"))
        };
        Ok(Self {
            suite: raw.suite,
            kernels: raw.kernels.iter().map(variant).collect::<Result<_>>()?,
            tests: raw
                .tests
                .iter()
                .map(|test| Pattern::new(test).with_context(|| format!("{FILE}: {test}")))
                .collect::<Result<_>>()?,
            says: raw.says.unwrap_or_default(),
            may_run: raw.may_run.is_some(),
            unless_booted_with: raw.unless_booted_with,
        })
    }

    fn is_about(&self, occasion: &Occasion) -> bool {
        let is_booted_with = |start: &String| {
            let mut words = occasion.append.iter().flat_map(|text| text.split(' '));
            words.any(|word| word.starts_with(start.as_str()))
        };
        self.suite == occasion.suite
            && self.kernels.contains(&occasion.kernel)
            && !self.unless_booted_with.as_ref().is_some_and(is_booted_with)
    }

    fn permits(&self, name: &str, reason: &str) -> bool {
        reason.contains(&self.says) && self.tests.iter().any(|test| test.matches(name))
    }

    /// What of it is no longer so.
    fn stale(&self, occasion: &Occasion, report: &Report) -> Vec<String> {
        let mut stale = Vec::new();
        for test in &self.tests {
            let mut there = report
                .results
                .iter()
                .filter(|(name, _)| test.matches(name))
                .peekable();
            let program = program_of(test.as_str());
            let is_expected = occasion.whole || report.results.contains_key(program);
            if is_expected && there.peek().is_none() {
                stale.push(format!("{test}: there is no such test"));
            }
            let ran = there.filter(|(_, verdict)| **verdict == Verdict::Pass && !self.may_run);
            stale.extend(ran.map(|(name, _)| format!("{name}: was not skipped")));
        }
        stale
    }
}

struct List(Vec<Entry>);

impl List {
    fn load(paths: &Paths) -> Result<Self> {
        let file = paths.root.join(FILE);
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text).with_context(|| format!("reading {FILE}"))?;
        let entries = file.skip.into_iter().map(Entry::parse);
        Ok(Self(entries.collect::<Result<_>>()?))
    }

    fn programs_only_on(&self, suite: Suite, runs: Variant, skipped: Variant) -> BTreeSet<String> {
        self.0
            .iter()
            .filter(|entry| entry.suite == suite)
            .filter(|entry| entry.kernels.contains(&skipped) && !entry.kernels.contains(&runs))
            .flat_map(|entry| &entry.tests)
            .map(|test| program_of(test.as_str()).to_owned())
            .collect()
    }

    fn check(&self, occasion: &Occasion, report: &Report) -> Result<()> {
        let entries = || self.0.iter().filter(|entry| entry.is_about(occasion));
        let new: Vec<String> = report
            .skipped()
            .filter(|name| !entries().any(|entry| entry.permits(name, report.reason(name))))
            .map(|name| format!("{name}: {}", report.reason(name)))
            .collect();
        let stale: Vec<String> = entries()
            .flat_map(|entry| entry.stale(occasion, report))
            .collect();
        let mut text = String::new();
        for (what, list) in [
            ("skipped, which they may not be", new),
            ("stale: they may be skipped, it says", stale),
        ] {
            if !list.is_empty() {
                text.push_str(&format!("\n{what}:\n  {}", list.join("\n  ")));
            }
        }
        if !text.is_empty() {
            bail!("{occasion}, by {FILE}:{text}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ktap::Parser;

    const LIST: &str = r#"
        [[skip]]
        suite = "own"
        kernels = ["stock", "freepte"]
        tests = ["knobs_test: *"]
        says = "no knobs"
        why = "nothing frees tables"

        [[skip]]
        suite = "own"
        kernels = ["freepte", "debug"]
        tests = ["dump_test: text"]
        why = "what it reads changes"
        may_run = "a machine with little to do"

        [[skip]]
        suite = "own"
        kernels = ["debug"]
        tests = ["pins_test: moved"]
        why = "no movable memory"
        unless_booted_with = "movablecore="
    "#;

    fn occasion(kernel: Variant, append: &[String]) -> Occasion<'_> {
        Occasion {
            suite: Suite::Own,
            kernel,
            append,
            whole: true,
        }
    }

    fn check_of(occasion: &Occasion, output: &str) -> Result<()> {
        List::parse(LIST)?.check(occasion, &Parser::new()?.parse(output))
    }

    fn complaint(occasion: &Occasion, output: &str) -> String {
        check_of(occasion, output).map_or_else(|err| err.to_string(), |()| String::new())
    }

    const AS_LISTED: &str = "    ok 1 a # SKIP no knobs\n    ok 2 b # SKIP no knobs\n\
        ok 1 knobs_test # SKIP\n    ok 1 text\nok 2 dump_test\n";

    #[test]
    fn what_is_listed_may_be_skipped() -> Result<()> {
        check_of(&occasion(Variant::Freepte, &[]), AS_LISTED)?;
        let skips = AS_LISTED.replace("text", "text # SKIP does not stand still");
        check_of(&occasion(Variant::Freepte, &[]), &skips)
    }

    #[test]
    fn a_new_skip_fails() {
        let output = format!("{AS_LISTED}    ok 1 a # SKIP no disk\n    ok 2 b\nok 3 disk_test\n");
        let text = complaint(&occasion(Variant::Freepte, &[]), &output);
        assert!(text.contains("disk_test: a: no disk"), "{text}");
        assert!(!text.contains("stale"), "{text}");
    }

    #[test]
    fn a_skip_for_another_reason_fails() {
        let output = AS_LISTED.replace("b # SKIP no knobs", "b # SKIP no root");
        let text = complaint(&occasion(Variant::Freepte, &[]), &output);
        assert!(text.contains("knobs_test: b: no root"), "{text}");
        assert!(!text.contains("knobs_test: a"), "{text}");
    }

    #[test]
    fn a_skip_on_another_kernel_fails() {
        let output = "    ok 1 a # SKIP no knobs\n    ok 2 moved\nok 1 knobs_test\n";
        let text = complaint(&occasion(Variant::Twins, &[]), output);
        assert!(text.contains("knobs_test: a: no knobs"), "{text}");
    }

    #[test]
    fn a_test_that_ran_makes_its_entry_stale() {
        let output = AS_LISTED.replace("b # SKIP no knobs", "b");
        let text = complaint(&occasion(Variant::Freepte, &[]), &output);
        assert!(text.contains("knobs_test: b: was not skipped"), "{text}");
    }

    #[test]
    fn a_test_that_went_makes_its_entry_stale() {
        let mut some = occasion(Variant::Freepte, &[]);
        let output = "    ok 1 a # SKIP no knobs\nok 1 knobs_test # SKIP\n";
        let text = complaint(&some, output);
        assert!(
            text.contains("dump_test: text: there is no such test"),
            "{text}"
        );
        // Of some of the tests, others are not to be expected; but all that is in one of these.
        some.whole = false;
        assert_eq!(complaint(&some, output), "");
        let text = complaint(&some, &format!("{output}ok 2 dump_test\n"));
        assert!(
            text.contains("dump_test: text: there is no such test"),
            "{text}"
        );
    }

    #[test]
    fn the_command_line_decides() {
        let skips =
            "    ok 1 text\nok 1 dump_test\n    ok 1 moved # SKIP no memory\nok 2 pins_test\n";
        let moves = "    ok 1 text\nok 1 dump_test\n    ok 1 moved\nok 2 pins_test\n";
        let movable = ["quiet movablecore=25%".to_owned()];
        for (append, output, good) in [
            (&[][..], skips, true),
            (&movable, skips, false),
            (&[], moves, false),
            (&movable, moves, true),
        ] {
            let text = complaint(&occasion(Variant::Debug, append), output);
            assert_eq!(text.is_empty(), good, "{append:?}: {text}");
        }
    }

    #[test]
    fn programs_that_only_another_kernel_runs() -> Result<()> {
        let list = List::parse(LIST)?;
        let only = |runs, skipped| list.programs_only_on(Suite::Own, runs, skipped);
        assert!(only(Variant::Debug, Variant::Freepte)
            .iter()
            .eq(["knobs_test"]));
        assert!(only(Variant::Freepte, Variant::Debug)
            .iter()
            .eq(["pins_test"]));
        assert!(only(Variant::Twins, Variant::Stock)
            .iter()
            .eq(["knobs_test"]));
        let storm = list.programs_only_on(Suite::Storm, Variant::Debug, Variant::Freepte);
        assert!(storm.is_empty());
        Ok(())
    }

    #[test]
    fn entries_are_checked() {
        let entry = |more: &str| {
            format!("[[skip]]\nsuite = \"own\"\nkernels = [\"stock\"]\ntests = [\"a\"]\n{more}")
        };
        assert!(List::parse(&entry("why = \"x\"")).is_ok());
        for bad in [
            entry("why = \"\""),
            entry(""),
            entry("why = \"x\"\nmay_run = \"\""),
            entry("why = \"x\"\nsaid = \"typed wrongly\""),
            entry("why = \"x\"").replace("stock", "stack"),
            entry("why = \"x\"").replace("own", "owns"),
        ] {
            assert!(List::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_list_can_be_read() -> Result<()> {
        let text = fs::read_to_string(Paths::discover()?.root.join(FILE))?;
        assert!(!List::parse(&text)?.0.is_empty());
        Ok(())
    }
}
