// SPDX-License-Identifier: GPL-2.0

//! What herd7 prints about a litmus test.

use super::claim::{Verdict, Word};
use anyhow::{bail, ensure, Context, Result};

/// What came out of a test.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub verdict: Verdict,
    /// Executions that meet the condition
    pub positive: u64,
    /// Executions that do not
    pub negative: u64,
}

impl Outcome {
    /// From the output of a herd7 that was run for one test.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut observation = None;
        let mut flags = Vec::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("Observation ") {
                ensure!(observation.is_none(), "herd7 tells two observations");
                observation = Some(rest);
            } else if let Some(flag) = line.strip_prefix("Flag ") {
                flags.push(flag.trim());
            }
        }
        let line = observation.context("herd7 tells no observation")?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [test, word, positive, negative] = words[..] else {
            bail!("herd7's observation cannot be understood: {line}");
        };
        ensure!(test == name, "herd7 tells about {test}");
        let count = |text: &str| -> Result<u64> {
            text.parse()
                .with_context(|| format!("herd7 counts executions as `{text}`"))
        };
        // Any other flag says that the model was not made for such a test.
        if let Some(flag) = flags.iter().find(|flag| **flag != "data-race") {
            bail!("herd7 flags {flag}");
        }
        let word = Word::parse(word).with_context(|| format!("herd7 observes `{word}`"))?;
        let outcome = Self {
            verdict: Verdict {
                word,
                race: !flags.is_empty(),
            },
            positive: count(positive)?,
            negative: count(negative)?,
        };
        ensure!(
            outcome.adds_up(),
            "herd7's observation contradicts itself: {line}"
        );
        Ok(outcome)
    }

    /// Whether the word follows from the executions. A test without any execution shows nothing.
    fn adds_up(&self) -> bool {
        match self.verdict.word {
            Word::Never => self.positive == 0 && self.negative > 0,
            Word::Sometimes => self.positive > 0 && self.negative > 0,
            Word::Always => self.positive > 0 && self.negative == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: &str = "\
Test MP+polocks Allowed
States 3
1:r0=0; 1:r1=0;
1:r0=0; 1:r1=1;
1:r0=1; 1:r1=1;
No
Witnesses
Positive: 0 Negative: 3
Condition exists (1:r0=1 /\\ 1:r1=0)
Observation MP+polocks Never 0 3
Time MP+polocks 0.01
Hash=fdace35cda1d35a18cccb93ae37d3b77
";

    fn error(name: &str, text: &str) -> String {
        format!("{:#}", Outcome::parse(name, text).unwrap_err())
    }

    #[test]
    fn never_and_sometimes() {
        let outcome = Outcome::parse("MP+polocks", NEVER).unwrap();
        assert_eq!(outcome.verdict.to_string(), "Never");
        assert_eq!((outcome.positive, outcome.negative), (0, 3));
        let text = NEVER.replace("Never 0 3", "Sometimes 1 3");
        let outcome = Outcome::parse("MP+polocks", &text).unwrap();
        assert_eq!(outcome.verdict.word, Word::Sometimes);
        assert!(!outcome.verdict.race);
    }

    #[test]
    fn a_data_race_is_seen() {
        let text = format!("{NEVER}Flag data-race\n");
        assert!(Outcome::parse("MP+polocks", &text).unwrap().verdict.race);
        let text = format!("{NEVER}Flag unbalanced-rcu-lock\n");
        assert!(error("MP+polocks", &text).contains("unbalanced"));
    }

    #[test]
    fn nothing_is_taken_for_granted() {
        assert!(error("MP+polocks", "").contains("no observation"));
        assert!(error("SB", NEVER).contains("about MP+polocks"));
        let twice = format!("{NEVER}{NEVER}");
        assert!(error("MP+polocks", &twice).contains("two observations"));
        for wrong in [
            "Never 0 0",
            "Never 1 3",
            "Sometimes 0 3",
            "Sometimes 3 0",
            "Always 1 1",
        ] {
            let text = NEVER.replace("Never 0 3", wrong);
            assert!(
                error("MP+polocks", &text).contains("contradicts"),
                "{wrong}"
            );
        }
        let text = NEVER.replace("Never 0 3", "Seldom 1 3");
        assert!(error("MP+polocks", &text).contains("Seldom"));
        let text = NEVER.replace("Never 0 3", "Never 0 many");
        assert!(error("MP+polocks", &text).contains("many"));
        let text = NEVER.replace("Never 0 3", "Never");
        assert!(error("MP+polocks", &text).contains("understood"));
    }
}
