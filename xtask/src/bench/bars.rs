// SPDX-License-Identifier: GPL-2.0

//! What freepte may cost, from configs/bars.toml.

use crate::paths::Paths;
use anyhow::{ensure, Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;

const FILE: &str = "configs/bars.toml";

/// What each row is judged by.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bars {
    /// What the regression gate measures
    pub gate: Vec<String>,
    /// What is counted in locks and atomic operations, of which there may be as many as in the
    /// baseline
    pub counted: Vec<String>,
    /// For rows without a bar of their own
    pub default: f64,
    /// How long who maps and unmaps memory may wait for who frees tables, in times of the baseline
    pub longest_wait: f64,
    /// At most this many times the baseline's instructions
    pub ratio: BTreeMap<String, f64>,
}

impl Bars {
    pub fn load(paths: &Paths) -> Result<Self> {
        let text =
            fs::read_to_string(paths.root.join(FILE)).with_context(|| format!("reading {FILE}"))?;
        let bars: Self = toml::from_str(&text).with_context(|| format!("in {FILE}"))?;
        ensure!(!bars.gate.is_empty(), "{FILE}: the gate has no rows");
        Ok(bars)
    }

    pub fn of(&self, name: &str) -> f64 {
        self.ratio.get(name).copied().unwrap_or(self.default)
    }

    /// A bar for something that is not there is a mistake.
    pub fn check(&self, names: &[String]) -> Result<()> {
        for name in self.ratio.keys().chain(&self.gate).chain(&self.counted) {
            ensure!(
                names.contains(name),
                "{FILE} speaks of `{name}`, which nothing is called"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_own_or_the_default() -> Result<()> {
        let bars: Bars = toml::from_str(
            "gate = [\"a\"]\ncounted = []\ndefault = 1.01\nlongest_wait = 1.5\n[ratio]\na = 1.0\n",
        )?;
        assert_eq!((bars.of("a"), bars.of("b")), (1.0, 1.01));
        assert!(bars.check(&["a".to_owned()]).is_ok());
        assert!(bars.check(&["b".to_owned()]).is_err());
        Ok(())
    }

    #[test]
    fn unknown_keys_are_refused() {
        let text = "gate = []\ndefault = 1.0\n[ratio]\n[ratoi]\na = 1\n";
        assert!(toml::from_str::<Bars>(text).is_err());
    }
}
