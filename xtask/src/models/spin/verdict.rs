// SPDX-License-Identifier: GPL-2.0

//! What a search prints.

use anyhow::{Context, Result};

/// How a search ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// States that differ
    pub states: u64,
    /// All of them were looked at, in full
    pub finished: bool,
    /// What cut the search short
    pub cut: Option<&'static str>,
    /// The first thing found to be wrong
    pub violation: Option<String>,
}

/// What a search of whole states says of itself.
const FULL: &str = "Full statespace search";

/// What it says if it gave up: why, and then that it did.
const INCOMPLETE: &[&str] = &[
    "max search depth too small",
    "reached -DMEMLIM bound",
    "out of memory",
    "Time limit",
    "Search not completed",
];

impl Verdict {
    pub fn parse(text: &str) -> Result<Self> {
        let errors = field(text, "errors: ").context("no number of errors in pan's output")?;
        let states = text
            .lines()
            .find(|line| line.contains("states, stored"))
            .and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok())
            .context("no number of states in pan's output")?;
        // Running into the limit of depth counts as an error, but is not one of the model.
        let violation = text
            .lines()
            .filter_map(|line| line.strip_prefix("pan:")?.split_once(": "))
            .find(|(n, _)| n.parse::<u32>().is_ok())
            .map(|(_, what)| what.trim().to_owned());
        let cut = INCOMPLETE.iter().copied().find(|word| text.contains(word));
        Ok(Self {
            // Pan prints large numbers as 1.5e+06.
            states: states as u64,
            finished: errors == 0 && text.contains(FULL) && cut.is_none() && violation.is_none(),
            cut,
            violation,
        })
    }

    /// Why a search that found nothing says nothing.
    pub fn why_unfinished(&self) -> &'static str {
        self.cut.unwrap_or("it was no search of all states")
    }

    /// Whether what was found is that `property` does not hold.
    pub fn violates(&self, property: &str) -> bool {
        self.violation.as_deref().is_some_and(|text| {
            text.starts_with(property) || text.contains(&format!("||{property})"))
        })
    }
}

fn field(text: &str, name: &str) -> Option<u64> {
    let rest = &text[text.find(name)? + name.len()..];
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAN: &str = "\
(Spin Version 6.5.2 -- 6 December 2019)
	+ Partial Order Reduction

Full statespace search for:
	assertion violations	+

State-vector 180 byte, depth reached 167, errors: 0
    79249 states, stored
   120345 states, matched
unreached in init
	scenarios/fault.pml:28, state 21, \"-end-\"
";

    #[test]
    fn a_clean_search() {
        let verdict = Verdict::parse(CLEAN).unwrap();
        assert_eq!(
            verdict,
            Verdict {
                states: 79249,
                finished: true,
                cut: None,
                violation: None
            }
        );
        let many = CLEAN.replace("79249", "2.122115e+06");
        assert_eq!(Verdict::parse(&many).unwrap().states, 2_122_115);
    }

    #[test]
    fn a_violation() {
        let text = "\
pan:1: assertion violated ((pmd[b]==t)||no_entry_in_unhooked_table) (at depth 74)
pan: wrote fault.pml.trail
Warning: Search not completed
State-vector 180 byte, depth reached 86, errors: 1
      51 states, stored
";
        let verdict = Verdict::parse(text).unwrap();
        assert!(!verdict.finished);
        assert!(verdict.violates("no_entry_in_unhooked_table"));
        assert!(!verdict.violates("no_entry"));
        assert!(!verdict.violates("invalid end state"));
        let text = text.replace("assertion violated", "invalid end state");
        assert!(Verdict::parse(&text).unwrap().violates("invalid end state"));
    }

    #[test]
    fn a_search_that_was_cut_short_is_not_clean() {
        for (line, why) in [
            (
                "error: max search depth too small",
                "max search depth too small",
            ),
            ("pan: reached -DMEMLIM bound", "reached -DMEMLIM bound"),
            ("Time limit of     10 minutes exceeded", "Time limit"),
            ("Warning: Search not completed", "Search not completed"),
        ] {
            let verdict = Verdict::parse(&format!("{line}\n{CLEAN}")).unwrap();
            assert!(!verdict.finished, "{line}");
            assert_eq!(verdict.why_unfinished(), why);
            assert_eq!(verdict.violation, None);
        }
        let lossy = CLEAN.replace("Full", "Bit");
        assert!(!Verdict::parse(&lossy).unwrap().finished);
        assert!(Verdict::parse("pan: cannot start\n").is_err());
    }
}
