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

    pub fn parse(&self, text: &str) -> Results {
        let mut results = Results::new();
        // Subtests come before the test that they belong to.
        let mut pending: Vec<(usize, String, Verdict)> = Vec::new();
        for line in text.lines() {
            let line = self.stamp.replace(line, "");
            let (depth, rest) = depth(&line);
            let Some(caught) = self.line.captures(rest.trim_end()) else {
                continue;
            };
            let raw = caught.get(2).map_or("", |m| m.as_str());
            let (name, directive) = raw.split_once(" # ").unwrap_or((raw, ""));
            // Some print the directive first and the name after it.
            let (name, directive) = match name.strip_prefix("# ") {
                Some(text) => {
                    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
                    (rest, word)
                }
                None => (name, directive),
            };
            let name = self.stable(name.trim());
            let verdict = verdict(caught.get(1).is_none(), directive);
            let children = pending
                .iter()
                .position(|(d, ..)| *d > depth)
                .unwrap_or(pending.len());
            for (_, child, v) in pending.split_off(children) {
                pending.push((depth, format!("{name}: {child}"), v));
            }
            pending.push((depth, name, verdict));
            if depth == 0 {
                for (_, name, verdict) in pending.drain(..) {
                    insert(&mut results, name, verdict);
                }
            }
        }
        for (_, name, verdict) in pending {
            insert(&mut results, format!("(unfinished): {name}"), verdict);
        }
        results
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

fn verdict(ok: bool, directive: &str) -> Verdict {
    let word = directive
        .split_whitespace()
        .next()
        .unwrap_or("")
        .to_uppercase();
    match (ok, word.as_str()) {
        (_, "SKIP") => Verdict::Skip,
        // A known failure is one that is expected, as is a test that is still to be done.
        (_, "XFAIL" | "TODO") => Verdict::Skip,
        (true, _) => Verdict::Pass,
        (false, _) => Verdict::Fail,
    }
}

/// Names may come more than once.
fn insert(results: &mut Results, name: String, verdict: Verdict) {
    let mut unique = name.clone();
    let mut n = 1;
    while results.contains_key(&unique) {
        n += 1;
        unique = format!("{name} ({n})");
    }
    results.insert(unique, verdict);
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
            .map(|p| p.parse(text).into_iter().collect())
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
}
