// SPDX-License-Identifier: GPL-2.0

//! What is to be measured, by name.

use crate::bench::bars::Bars;
use crate::cmd;
use crate::guest;
use crate::paths::Paths;
use anyhow::{ensure, Result};
use glob::Pattern;
use std::path::Path;
use std::process::Command;

/// The names of what is to be measured.
pub struct Plan {
    /// In guest instructions
    pub rows: Vec<String>,
    /// In locks and atomic operations
    pub counts: Vec<String>,
    /// Page tables over time
    pub memory: Vec<String>,
}

/// The first word of each line that one of our programs lists.
fn names(program: &Path, list: &[&str]) -> Result<Vec<String>> {
    let text = cmd::output(Command::new(program).args(list))?;
    let first = |line: &str| line.split_whitespace().next().map(str::to_owned);
    Ok(text.lines().filter_map(first).collect())
}

impl Plan {
    /// All that matches one of `only`; without patterns, all that there is.
    pub fn new(paths: &Paths, only: &[Pattern]) -> Result<Self> {
        let bench = guest::program(paths, "freepte-bench")?;
        let demo = guest::program(paths, "freepte-demo")?;
        let mut plan = Self {
            rows: names(&bench, &["list"])?,
            counts: Bars::load(paths)?.counted,
            memory: names(&demo, &["list", "--curves"])?,
        };
        let every = [&plan.rows, &plan.memory];
        for pattern in only {
            ensure!(
                every.iter().any(|l| l.iter().any(|n| pattern.matches(n))),
                "nothing is called `{pattern}`; `cargo xtask bench --list` names what is there"
            );
        }
        let wanted = |n: &String| only.is_empty() || only.iter().any(|p| p.matches(n));
        for list in [&mut plan.rows, &mut plan.counts, &mut plan.memory] {
            list.retain(wanted);
        }
        Ok(plan)
    }
}
