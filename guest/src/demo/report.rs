// SPDX-License-Identifier: GPL-2.0

//! The figures, as they are printed and written to a file.

use anyhow::{ensure, Result};
use pagetables::sample::Sample;
use serde::{Deserialize, Serialize};

/// An excess of at most so much is none.
pub const BAR_KB: i64 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    pub rss_peak_kb: u64,
    pub rss_kb: u64,
    pub vmpte_kb: u64,
    pub ideal_kb: u64,
    pub excess_kb: i64,
}

impl Figures {
    pub fn new(peak: &Sample, after: &Sample) -> Self {
        Self {
            rss_peak_kb: peak.rss_kb,
            rss_kb: after.rss_kb,
            vmpte_kb: after.vmpte_kb,
            ideal_kb: after.ideal_kb(),
            excess_kb: after.excess_kb(),
        }
    }
}

/// Which kernel, and what of its freeing is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A kernel without freepte
    Plain,
    Off,
    On,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    pub title: String,
    pub runs: Vec<Run>,
    /// Why it was not run
    pub skipped: Option<String>,
    /// What went wrong while it ran
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Run {
    pub state: State,
    #[serde(flatten)]
    pub figures: Figures,
}

impl Row {
    pub fn in_state(&self, state: State) -> Option<&Figures> {
        self.runs
            .iter()
            .find(|run| run.state == state)
            .map(|run| &run.figures)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    pub kernel: String,
    pub quick: bool,
    pub states: Vec<State>,
    pub settle_ms: u64,
    pub bar_kb: i64,
    pub rows: Vec<Row>,
}

impl Report {
    /// What the freeing is compared with: upstream's own figures where they are at hand.
    pub fn baseline(&self) -> State {
        if self.states.contains(&State::Plain) {
            State::Plain
        } else {
            State::Off
        }
    }

    /// Add what the same workloads left on another kernel, without freepte.
    pub fn add_stock(&mut self, stock: &Report) -> Result<()> {
        ensure!(
            stock.states == [State::Plain] && !self.states.contains(&State::Plain),
            "the figures to compare with must come from a kernel without free_user_pte"
        );
        ensure!(
            stock.quick == self.quick,
            "the figures to compare with were made with another size (--quick)"
        );
        for row in &mut self.rows {
            let theirs = stock.rows.iter().find(|other| other.name == row.name);
            row.runs.extend(
                theirs
                    .into_iter()
                    .flat_map(|other| other.runs.iter().copied()),
            );
        }
        self.states.insert(0, State::Plain);
        Ok(())
    }

    /// Something was measured, nothing went wrong, and with the freeing on no row is above the
    /// bar. `strict`: nothing was left out either.
    pub fn holds(&self, strict: bool) -> bool {
        let measured = self.rows.iter().any(|row| !row.runs.is_empty());
        measured
            && self.rows.iter().all(|row| {
                row.error.is_none()
                    && (row.skipped.is_none() || !strict)
                    && row
                        .in_state(State::On)
                        .is_none_or(|on| on.excess_kb <= self.bar_kb)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the host reads: a test there has the same file.
    #[test]
    fn as_the_host_reads_it() -> Result<()> {
        const SAMPLE: &str = include_str!("../../../xtask/src/demo/sample.json");
        let report: Report = serde_json::from_str(SAMPLE)?;
        assert_eq!(serde_json::to_string_pretty(&report)? + "\n", SAMPLE);
        Ok(())
    }
}
