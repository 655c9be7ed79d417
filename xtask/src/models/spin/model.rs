// SPDX-License-Identifier: GPL-2.0

//! The files of a model: scenarios say in their first comment which bugs they are to find.

use anyhow::{ensure, Context, Result};
use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What Spin says of a deadlock.
const DEADLOCK: &str = "invalid end state";

/// A switch that takes a protection away, and what then no longer holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Bug {
    pub name: String,
    pub property: String,
}

#[derive(Debug)]
pub struct Scenario {
    pub name: String,
    pub path: PathBuf,
    pub bugs: Vec<Bug>,
}

pub struct Model {
    pub scenarios: Vec<Scenario>,
    /// The switches that the model has
    switches: BTreeSet<String>,
    /// The names that its assertions have
    properties: BTreeSet<String>,
}

impl Model {
    pub fn read(dir: &Path) -> Result<Self> {
        let files = files(&dir.join("scenarios"))?;
        ensure!(!files.is_empty(), "{} has no scenarios", dir.display());
        let mut text = String::new();
        for part in ["core", "actors"] {
            for file in self::files(&dir.join(part))? {
                text.push_str(&read(&file)?);
            }
        }
        let scenarios: Result<_> = files.into_iter().map(scenario).collect();
        Ok(Self {
            scenarios: scenarios?,
            switches: names(&text, r"\bBUG_([A-Z_]+)\b")?,
            properties: names(&text, r"\bmust\((\w+),")?,
        })
    }

    /// What can be seen to be wrong without any search.
    pub fn complaints(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut unused: BTreeSet<&String> = self.switches.iter().collect();
        for scenario in &self.scenarios {
            if scenario.bugs.is_empty() {
                wrong.push(format!("{} finds no bug", scenario.name));
            }
            for bug in &scenario.bugs {
                unused.remove(&bug.name);
                if !self.switches.contains(&bug.name) {
                    wrong.push(format!("{}: no BUG_{}", scenario.name, bug.name));
                }
                if bug.property != DEADLOCK && !self.properties.contains(&bug.property) {
                    wrong.push(format!("{}: no {}", scenario.name, bug.property));
                }
            }
        }
        wrong.extend(unused.iter().map(|b| format!("no scenario finds BUG_{b}")));
        wrong
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .with_context(|| format!("reading {}", dir.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "pml"))
        .collect();
    files.sort();
    Ok(files)
}

fn scenario(path: PathBuf) -> Result<Scenario> {
    let name = path.file_stem().context("no name")?.to_string_lossy();
    Ok(Scenario {
        name: name.into_owned(),
        bugs: bugs(&read(&path)?),
        path,
    })
}

/// From the lines ` * bug NAME: property`.
fn bugs(text: &str) -> Vec<Bug> {
    text.lines()
        .filter_map(|line| line.strip_prefix(" * bug ")?.split_once(": "))
        .map(|(name, property)| Bug {
            name: name.to_owned(),
            property: property.trim().to_owned(),
        })
        .collect()
}

fn names(text: &str, pattern: &str) -> Result<BTreeSet<String>> {
    let pattern = Regex::new(pattern)?;
    let found = pattern.captures_iter(text).map(|c| c[1].to_owned());
    Ok(found.collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn a_scenario(name: &str, found: &[(&str, &str)]) -> Scenario {
        let bug = |&(name, property): &(&str, &str)| Bug {
            name: name.to_owned(),
            property: property.to_owned(),
        };
        Scenario {
            name: name.to_owned(),
            path: PathBuf::new(),
            bugs: found.iter().map(bug).collect(),
        }
    }

    #[test]
    fn a_header_is_read() {
        let text =
            "/*\n * It races.\n *\n * bug NO_LOCK: freed_once\n * bug B: invalid end state\n */\n";
        let found = bugs(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].name, "NO_LOCK");
        assert_eq!(found[1].property, "invalid end state");
    }

    #[test]
    fn what_is_missing_is_told() {
        let model = Model {
            scenarios: vec![
                a_scenario("one", &[("A", "freed_once"), ("TYPO", "freed_twice")]),
                a_scenario("two", &[]),
            ],
            switches: ["A", "B"].map(str::to_owned).into(),
            properties: ["freed_once".to_owned()].into(),
        };
        let wrong = model.complaints().join("\n");
        assert_eq!(model.complaints().len(), 4);
        assert!(wrong.contains("one: no BUG_TYPO"));
        assert!(wrong.contains("one: no freed_twice"));
        assert!(wrong.contains("two finds no bug"));
        assert!(wrong.contains("no scenario finds BUG_B"));
    }
}
