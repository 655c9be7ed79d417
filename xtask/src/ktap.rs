// SPDX-License-Identifier: GPL-2.0

//! Reading test results: KTAP as kselftest, run_vmtests.sh and KUnit print it.

use anyhow::Result;
use regex::Regex;
use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Fail,
    Skip,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Skip => "skip",
        })
    }
}

/// Test names and what became of them, subtests as "test: subtest".
pub type Results = BTreeMap<String, Verdict>;

/// All that a text says of tests.
#[derive(Debug, Default)]
pub struct Report {
    pub results: Results,
    /// Why those that were skipped were skipped, in their own words
    reasons: BTreeMap<String, String>,
    /// Of those that failed: the line that says so, and what was said before it
    failures: BTreeMap<String, Vec<String>>,
}

impl Report {
    /// Why a test was skipped; nothing, if it did not say.
    pub fn reason(&self, name: &str) -> &str {
        self.reasons.get(name).map_or("", String::as_str)
    }

    /// The names of the tests that failed.
    pub fn failed(&self) -> Vec<&str> {
        self.failures.keys().map(String::as_str).collect()
    }

    /// How tests failed, in the words of the tests. Those that did not fail have nothing to say.
    pub fn explain<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> String {
        /// Of the tests whose lines are shown: the others are likely to say the same.
        const MOST: usize = 12;
        let mut text = String::new();
        let failures = names
            .into_iter()
            .filter_map(|name| self.failures.get_key_value(name));
        for (n, (name, lines)) in failures.enumerate() {
            text.push_str(&format!("  {name}\n"));
            for line in lines.iter().filter(|_| n < MOST) {
                text.push_str(&format!("      {line}\n"));
            }
        }
        text.trim_end().to_owned()
    }

    /// The tests within a test.
    fn within<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Verdict> + 'a {
        let children = move |(other, verdict): (&String, &Verdict)| {
            let rest = other.strip_prefix(name)?;
            rest.starts_with(": ").then_some(*verdict)
        };
        self.results.iter().filter_map(children)
    }

    /// The tests that were skipped. Of a test all of whose tests were skipped, only those.
    pub fn skipped(&self) -> impl Iterator<Item = &str> {
        let of_its_own = |name: &str| {
            let mut within = self.within(name).peekable();
            within.peek().is_none() || within.any(|verdict| verdict != Verdict::Skip)
        };
        self.results
            .iter()
            .filter(|(_, verdict)| **verdict == Verdict::Skip)
            .map(|(name, _)| name.as_str())
            .filter(move |name| of_its_own(name))
    }

    /// Names may come more than once.
    fn insert(&mut self, test: Test) {
        let mut name = test.name.clone();
        let mut n = 1;
        while self.results.contains_key(&name) {
            n += 1;
            name = format!("{} ({n})", test.name);
        }
        self.results.insert(name.clone(), test.verdict);
        match test.verdict {
            Verdict::Pass => {}
            Verdict::Fail => drop(self.failures.insert(name, test.lines)),
            Verdict::Skip => drop(self.reasons.insert(name, test.reason)),
        }
    }
}

/// A result line, and what goes with it.
struct Test {
    depth: usize,
    name: String,
    verdict: Verdict,
    reason: String,
    lines: Vec<String>,
}

pub struct Parser {
    line: Regex,
    stamp: Regex,
    volatile: Vec<(Regex, &'static str)>,
}

impl Parser {
    pub fn new() -> Result<Self> {
        Ok(Self {
            line: Regex::new(r"^(not )?ok(?: +\d+)?(?: +-)?(?: +(.*))?$")?,
            stamp: Regex::new(r"^(<\d+>)?\[ *\d+\.\d+\](\[ *[TC]\d+\])? ?")?,
            // What differs from run to run without meaning anything.
            volatile: vec![
                (Regex::new(r"0x[0-9a-fA-F]+")?, "0x#"),
                (
                    Regex::new(r"\b\d+(\.\d+)? ?(ns|us|ms|s|sec|seconds|usec|msec)\b")?,
                    "# $2",
                ),
                // mrelease_test takes as much as it needs to be in time.
                (Regex::new(r"\bchild with \d+MB")?, "child with #MB"),
                // pagemap_ioctl's transact_test races with a thread.
                (
                    Regex::new(r"Extra pages \d+ \([\d.]+%\), extra thread faults \d+")?,
                    "Extra pages #, extra thread faults #",
                ),
            ],
        })
    }

    pub fn parse(&self, text: &str) -> Report {
        let mut report = Report::default();
        // Subtests come before the test that they belong to.
        let mut pending: Vec<Test> = Vec::new();
        // What was said since the last result.
        let mut said: Vec<String> = Vec::new();
        for line in text.lines() {
            let line = self.stamp.replace(line, "");
            let Some(mut test) = self.result(&line) else {
                said.push(line.trim().to_owned());
                continue;
            };
            let first = pending
                .iter()
                .position(|other| other.depth > test.depth)
                .unwrap_or(pending.len());
            let within = pending.split_off(first);
            test.settle(&within, &said);
            said.clear();
            for child in within {
                pending.push(Test {
                    depth: test.depth,
                    name: format!("{}: {}", test.name, child.name),
                    ..child
                });
            }
            let ends = test.depth == 0;
            pending.push(test);
            if ends {
                pending.drain(..).for_each(|test| report.insert(test));
            }
        }
        for test in pending {
            report.insert(Test {
                name: format!("(unfinished): {}", test.name),
                ..test
            });
        }
        report
    }

    /// The result that a line tells, if it is one that does.
    fn result(&self, line: &str) -> Option<Test> {
        let (depth, rest) = depth(line);
        let caught = self.line.captures(rest.trim_end())?;
        let raw = caught.get(2).map_or("", |m| m.as_str());
        // Some print the directive first and the name after it, and a reason after that.
        let (name, directive) = match raw.strip_prefix("# ") {
            Some(text) => {
                let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
                let (name, reason) = rest.split_once(" # ").unwrap_or((rest, ""));
                (name, format!("{word} {reason}"))
            }
            None => {
                let (name, directive) = raw.split_once(" # ").unwrap_or((raw, ""));
                (name, directive.to_owned())
            }
        };
        let (verdict, reason) = verdict(caught.get(1).is_none(), &directive);
        Some(Test {
            depth,
            name: self.stable(name.trim()),
            verdict,
            reason,
            lines: vec![rest.trim_end().to_owned()],
        })
    }

    fn stable(&self, name: &str) -> String {
        let mut name = name.to_owned();
        for (pattern, by) in &self.volatile {
            name = pattern.replace_all(&name, *by).into_owned();
        }
        name
    }
}

/// How deeply a line is nested, by "# " or by indentation, and what it says.
fn depth(line: &str) -> (usize, &str) {
    let mut depth = 0;
    let mut rest = line;
    loop {
        let next = rest
            .strip_prefix("# ")
            .or_else(|| rest.strip_prefix("    "));
        let next = next
            .or_else(|| rest.strip_prefix("  "))
            .or_else(|| rest.strip_prefix('\t'));
        match next {
            Some(next) => {
                depth += 1;
                rest = next;
            }
            None => return (depth, rest),
        }
    }
}

/// What a result line means, and the reason that it gives.
fn verdict(ok: bool, directive: &str) -> (Verdict, String) {
    let directive = directive.trim();
    let (word, reason) = directive.split_once(' ').unwrap_or((directive, ""));
    let verdict = match (ok, word.to_uppercase().as_str()) {
        (_, "SKIP") => Verdict::Skip,
        // A known failure is one that is expected, as is a test that is still to be done.
        (_, "XFAIL" | "TODO") => return (Verdict::Skip, directive.to_owned()),
        (true, _) => Verdict::Pass,
        (false, _) => Verdict::Fail,
    };
    (verdict, reason.trim().to_owned())
}

impl Test {
    /// Take in what was said before the result, and what became of the tests within.
    fn settle(&mut self, within: &[Test], said: &[String]) {
        /// Lines before the result that are kept.
        const LAST: usize = 20;
        let all = |verdict| within.iter().all(|test| test.verdict == verdict);
        let any = |verdict| within.iter().any(|test| test.verdict == verdict);
        match self.verdict {
            Verdict::Pass if !within.is_empty() && all(Verdict::Skip) => {
                self.verdict = Verdict::Skip;
            }
            // The tests that failed say why.
            Verdict::Fail if !any(Verdict::Fail) => {
                let last = said.get(said.len().saturating_sub(LAST)..);
                self.lines
                    .splice(..0, last.unwrap_or_default().iter().cloned());
            }
            _ => {}
        }
    }
}

pub fn count(results: &Results, verdict: Verdict) -> usize {
    results.values().filter(|v| **v == verdict).count()
}

/// Tests whose results differ, or that only one side has.
pub fn differences(a: &Results, b: &Results) -> Vec<(String, Option<Verdict>, Option<Verdict>)> {
    let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| (name.clone(), a.get(name).copied(), b.get(name).copied()))
        .filter(|(_, x, y)| x != y)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Vec<(String, Verdict)> {
        Parser::new()
            .map(|p| p.parse(text).results.into_iter().collect())
            .unwrap_or_default()
    }

    fn entry(name: &str, verdict: Verdict) -> (String, Verdict) {
        (name.to_owned(), verdict)
    }

    #[test]
    fn vmtests() {
        let text = "TAP version 13\n# -----\n# running ./a\n# -----\n# TAP version 13\n# 1..2\n\
            # ok 1 maps at 0x7f12 in 12 ns\n# not ok 2 other\n# [FAIL]\nnot ok 1 a # exit=1\n\
            # [SKIP]\nok 2 b -x # SKIP\nok 3 c\n# SUMMARY: PASS=1\n1..3\n";
        assert_eq!(
            parse(text),
            [
                entry("a", Verdict::Fail),
                entry("a: maps at 0x# in # ns", Verdict::Pass),
                entry("a: other", Verdict::Fail),
                entry("b -x", Verdict::Skip),
                entry("c", Verdict::Pass),
            ]
        );
    }

    #[test]
    fn kunit_console() {
        let text = "[    1.1] KTAP version 1\n[    1.1] 1..1\n[    1.2]     KTAP version 1\n\
            [    1.2]     # Subtest: s\n[    1.3]     1..2\n[    1.4]     ok 1 one\n\
            [    1.5]     ok 2 two # SKIP no hardware\n[    1.6] # s: pass:1 fail:0 skip:1\n\
            [    1.7] ok 1 s\n[    1.8] something is ok here\n";
        assert_eq!(
            parse(text),
            [
                entry("s", Verdict::Pass),
                entry("s: one", Verdict::Pass),
                entry("s: two", Verdict::Skip),
            ]
        );
    }

    #[test]
    fn numbered_and_unfinished() {
        assert_eq!(
            parse("ok 1 - x\nok 2 - x\n"),
            [entry("x", Verdict::Pass), entry("x (2)", Verdict::Pass)]
        );
        assert_eq!(
            parse("# ok 1 sub\n"),
            [entry("(unfinished): sub", Verdict::Pass)]
        );
        assert_eq!(parse("ok 1 # SKIP why\n"), [entry("why", Verdict::Skip)]);
        assert_eq!(parse("okay\nnot okay\n"), []);
    }

    #[test]
    fn names_do_not_tell_how_it_went() {
        let names = |text| parse(text).into_iter().map(|(name, _)| name);
        for (a, b) in [
            (
                "ok 1 Success reaping a child with 1MB of memory allocations\n",
                "ok 1 Success reaping a child with 2MB of memory allocations\n",
            ),
            (
                "ok 1 transact_test Extra pages 0 (0.0%), extra thread faults 0.\n",
                "ok 1 transact_test Extra pages 12 (1.2%), extra thread faults 3.\n",
            ),
        ] {
            assert!(names(a).eq(names(b)), "{a}{b}");
        }
    }

    #[test]
    fn deep_nesting() {
        let text = "        ok 1 leaf\n    ok 1 mid\n    ok 2 other\nok 1 top\n";
        assert_eq!(
            parse(text),
            [
                entry("top", Verdict::Pass),
                entry("top: mid", Verdict::Pass),
                entry("top: mid: leaf", Verdict::Pass),
                entry("top: other", Verdict::Pass),
            ]
        );
    }

    #[test]
    fn what_differs() {
        let results = |list: &[(&str, Verdict)]| -> Results {
            list.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect()
        };
        let a = results(&[
            ("x", Verdict::Pass),
            ("y", Verdict::Pass),
            ("z", Verdict::Skip),
        ]);
        let b = results(&[("x", Verdict::Pass), ("y", Verdict::Fail)]);
        assert_eq!(
            differences(&a, &b),
            [
                ("y".to_owned(), Some(Verdict::Pass), Some(Verdict::Fail)),
                ("z".to_owned(), Some(Verdict::Skip), None),
            ]
        );
        assert!(differences(&a, &a).is_empty());
    }

    fn report(text: &str) -> Report {
        Parser::new()
            .map(|parser| parser.parse(text))
            .unwrap_or_default()
    }

    #[test]
    fn reasons_of_skips() {
        for (line, name, reason) in [
            ("ok 1 a.b # SKIP no knob (X)", "a.b", "no knob (X)"),
            ("ok 1 # SKIP actor x # one node", "actor x", "one node"),
            ("ok 1 # SKIP all that it says", "all that it says", ""),
            ("ok 1 x # SKIP", "x", ""),
            ("not ok 1 x # TODO a bug", "x", "TODO a bug"),
        ] {
            let report = report(line);
            assert_eq!(report.skipped().collect::<Vec<_>>(), [name], "{line}");
            assert_eq!(report.reason(name), reason, "{line}");
        }
    }

    #[test]
    fn what_skips_all_is_no_pass() {
        let report = report(
            "    ok 1 one # SKIP why\n    ok 2 two # SKIP why\nok 1 all\n\
             \x20   ok 1 one # SKIP why\n    ok 2 two\nok 2 some\nok 3 whole # SKIP\n",
        );
        assert_eq!(count(&report.results, Verdict::Pass), 2);
        assert_eq!(report.results.get("all"), Some(&Verdict::Skip));
        assert_eq!(
            report.skipped().collect::<Vec<_>>(),
            ["all: one", "all: two", "some: one", "whole"]
        );
    }

    #[test]
    fn a_failure_is_shown_in_its_own_words() {
        let report = report(
            "    #  RUN           global.good ...\n    ok 1 good\n\
             \x20   #  RUN           global.bad ...\n\
             \x20   # x_test.c:12:bad:Expected 1 (1) == 2 (2)\n\
             \x20   # bad: Test terminated by assertion\n\
             \x20   not ok 2 bad\n# x_test took 3 ms\nnot ok 1 x_test # exit=1\n\
             # last words\nnot ok 2 y_test # killed by signal 11\nok 3 z_test\n",
        );
        assert_eq!(report.failed(), ["x_test", "x_test: bad", "y_test"]);
        assert_eq!(
            report.explain(report.failed()),
            "  x_test\n      not ok 1 x_test # exit=1\n  x_test: bad\n\
             \x20     #  RUN           global.bad ...\n\
             \x20     # x_test.c:12:bad:Expected 1 (1) == 2 (2)\n\
             \x20     # bad: Test terminated by assertion\n      not ok 2 bad\n\
             \x20 y_test\n      # last words\n      not ok 2 y_test # killed by signal 11"
        );
        assert_eq!(report.explain(["z_test", "x_test: good"]), "");
    }

    #[test]
    fn a_failure_on_the_console() {
        let report = report(
            "[    1.2]     # Subtest: s\n[    1.3]     1..1\n\
             [    1.4]     # one: ASSERTION FAILED at mm/a.rs:30\n\
             [    1.4]     Expected x == y to be true, but is false\n\
             [    1.5]     not ok 1 one\n[    1.6] # s: pass:0 fail:1\n[    1.7] not ok 1 s\n",
        );
        assert_eq!(
            report.explain(["s: one"]),
            "  s: one\n      # Subtest: s\n      1..1\n\
             \x20     # one: ASSERTION FAILED at mm/a.rs:30\n\
             \x20     Expected x == y to be true, but is false\n      not ok 1 one"
        );
    }
}
