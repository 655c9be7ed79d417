// SPDX-License-Identifier: GPL-2.0

//! What differs, for people.

use super::log::Log;
use std::collections::BTreeSet;
use std::fmt::Write;

/// More lines are not read by anybody.
const MOST: usize = 30;

fn is_text(line: &str) -> bool {
    line.starts_with("| ")
}

/// The first thing that two verbose logs differ in: a result, or an observation line by line.
pub fn first_difference(names: [&str; 2], a: &Log, b: &Log) -> String {
    // A digest goes before its text, and says nothing by itself.
    let without_digests = |log: &Log| -> Vec<String> {
        let plain = |line: &String| match line.rsplit_once(' ') {
            Some((rest, digest)) if !is_text(line) && digest.len() == 16 => rest.to_owned(),
            _ => line.clone(),
        };
        log.lines.iter().map(plain).collect()
    };
    let (a, b) = (without_digests(a), without_digests(b));
    let Some(at) = (0..a.len().max(b.len())).find(|&n| a.get(n) != b.get(n)) else {
        return "only digests differ".to_owned();
    };
    let before = a.get(..at).unwrap_or_default();
    let title = before.iter().rev().find(|line| !is_text(line));
    let mut text = String::new();
    if let Some(title) = title {
        let _ = writeln!(text, "after: {title}");
    }
    for (name, ours, theirs) in [(names[0], &a, &b), (names[1], &b, &a)] {
        let block = |lines: &[String]| -> Vec<String> {
            let rest = lines.get(at..).unwrap_or_default();
            let count = rest.iter().take_while(|line| is_text(line)).count().max(1);
            rest.iter().take(count).cloned().collect()
        };
        let theirs: BTreeSet<String> = block(theirs).into_iter().collect();
        let only: Vec<String> = block(ours)
            .into_iter()
            .filter(|line| !theirs.contains(line))
            .collect();
        let _ = writeln!(text, "only on {name}:");
        for line in only.iter().take(MOST) {
            let _ = writeln!(text, "  {}", line.trim_start_matches("| "));
        }
        if only.len() > MOST {
            let _ = writeln!(text, "  and {} more lines", only.len() - MOST);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::log;
    use super::*;

    fn of(text: &str) -> Log {
        log::parse(&format!("list 0\n{text}")).remove(0)
    }

    #[test]
    fn a_result() {
        let a = of("0 T0 load 0 0123456789abcdef\n");
        let b = of("0 T0 load -2 0123456789abcdef\n");
        let text = first_difference(["x", "y"], &a, &b);
        assert_eq!(
            text,
            "only on x:\n  0 T0 load 0\nonly on y:\n  0 T0 load -2\n"
        );
    }

    #[test]
    fn lines_of_an_observation() {
        let seen = |middle: &str| {
            format!(
                "0 T0 load 0 0123456789abcdef\nseen T0 0123456789abcdef\n| 1\n| {middle}\n| 3\n"
            )
        };
        let text = first_difference(["x", "y"], &of(&seen("2")), &of(&seen("two")));
        assert_eq!(text, "after: seen T0\nonly on x:\n  2\nonly on y:\n  two\n");
    }

    #[test]
    fn nothing() {
        let log = of("0 T0 load 0 0123456789abcdef\n");
        assert_eq!(
            first_difference(["x", "y"], &log, &log),
            "only digests differ"
        );
    }
}
