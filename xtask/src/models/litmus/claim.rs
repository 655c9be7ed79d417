// SPDX-License-Identifier: GPL-2.0

//! What a litmus test says of itself: its name, and the result that it expects.

use anyhow::{bail, ensure, Context, Result};
use std::fmt;
use std::path::{Path, PathBuf};

/// How often the executions that a model allows meet the condition of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Never,
    Sometimes,
    Always,
}

impl Word {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "Never" => Some(Self::Never),
            "Sometimes" => Some(Self::Sometimes),
            "Always" => Some(Self::Always),
            _ => None,
        }
    }
}

/// A result, in the words of the kernel's litmus tests: `Never`, `Sometimes DATARACE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub word: Word,
    /// Some execution has a data race.
    pub race: bool,
}

impl Verdict {
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let word = Word::parse(words.next()?)?;
        let race = match words.next() {
            None => false,
            Some("DATARACE") => true,
            Some(_) => return None,
        };
        words.next().is_none().then_some(Self { word, race })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let race = if self.race { " DATARACE" } else { "" };
        write!(f, "{:?}{race}", self.word)
    }
}

/// A litmus test that says what is to come out of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    pub name: String,
    pub path: PathBuf,
    pub expected: Verdict,
}

impl Claim {
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)?;
        Self::parse(path, &text).with_context(|| path.display().to_string())
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("");
        let title = text.lines().next().unwrap_or("").trim_end();
        ensure!(
            title.strip_prefix("C ") == Some(stem),
            "the first line is `{title}`, not `C {stem}`"
        );
        let mut results = text.lines().filter_map(|line| {
            let line = line.trim_start().strip_prefix('*')?;
            line.trim_start().strip_prefix("Result:")
        });
        let Some(result) = results.next() else {
            bail!("no line of its comment says `Result: …`");
        };
        ensure!(
            results.next().is_none(),
            "more than one line says `Result: …`"
        );
        let expected = Verdict::parse(result)
            .with_context(|| format!("`Result:{result}` is no result of a litmus test"))?;
        Ok(Self {
            name: stem.to_owned(),
            path: path.to_owned(),
            expected,
        })
    }
}

/// What is never seen may be impossible for a reason that has nothing to do with the claim. So each
/// such test must have a counterpart, of its name and more, that can be seen.
pub fn without_counterpart(claims: &[Claim]) -> Vec<&str> {
    let is_counterpart = |of: &str, other: &Claim| {
        other.expected.word == Word::Sometimes
            && other
                .name
                .strip_prefix(of)
                .is_some_and(|rest| rest.starts_with('-'))
    };
    claims
        .iter()
        .filter(|c| c.expected.word == Word::Never)
        .filter(|c| !claims.iter().any(|other| is_counterpart(&c.name, other)))
        .map(|c| c.name.as_str())
        .collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn claim(name: &str, result: &str) -> Claim {
        let text = format!("C {name}\n\n(*\n * Result: {result}\n *)\n");
        Claim::parse(Path::new(&format!("{name}.litmus")), &text).unwrap()
    }

    fn error(text: &str) -> String {
        format!(
            "{:#}",
            Claim::parse(Path::new("dir/a.litmus"), text).unwrap_err()
        )
    }

    #[test]
    fn a_test_says_what_it_expects() {
        let never = claim("a-b", "Never");
        assert_eq!(never.name, "a-b");
        assert_eq!(never.expected.to_string(), "Never");
        let race = claim("a", "Sometimes DATARACE").expected;
        assert!(race.race && race.word == Word::Sometimes);
        assert_eq!(race.to_string(), "Sometimes DATARACE");
    }

    #[test]
    fn a_test_that_expects_nothing_fails() {
        assert!(error("C a\n\n{}\n").contains("no line"));
        // Not in a comment.
        assert!(error("C a\nResult: Never\n").contains("no line"));
        assert!(error("C a\n(*\n * Result: Maybe\n *)\n").contains("no result"));
        assert!(error("C a\n(*\n * Result: Never ever\n *)\n").contains("no result"));
        assert!(error("C a\n(*\n * Result:\n *)\n").contains("no result"));
        let two = "C a\n(*\n * Result: Never\n * Result: Sometimes\n *)\n";
        assert!(error(two).contains("more than one"));
    }

    #[test]
    fn a_test_has_the_name_of_its_file() {
        assert!(error("C b\n(*\n * Result: Never\n *)\n").contains("not `C a`"));
        assert!(error("").contains("not `C a`"));
    }

    #[test]
    fn what_is_never_seen_needs_what_can_be_seen() {
        let mut claims = vec![
            claim("get", "Never"),
            claim("getting-out", "Sometimes"),
            claim("get-on", "Never"),
            claim("put", "Sometimes"),
        ];
        assert_eq!(without_counterpart(&claims), ["get", "get-on"]);
        claims.push(claim("get-on-no-barrier", "Sometimes DATARACE"));
        assert!(without_counterpart(&claims).is_empty());
    }
}
