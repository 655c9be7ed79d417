// SPDX-License-Identifier: GPL-2.0

//! What the main job found: what `cargo xtask run --json` writes.

use crate::provenance::Provenance;
use serde::{Deserialize, Serialize};

/// Page tables of real programs, and where the figures come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MainJob {
    #[serde(flatten)]
    pub provenance: Provenance,
    /// Of the guest
    pub cpus: u32,
    pub report: Report,
}

/// What freepte-demo writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// uname -r
    pub kernel: String,
    pub quick: bool,
    pub states: Vec<State>,
    pub settle_ms: u64,
    pub bar_kb: i64,
    pub rows: Vec<Row>,
}

/// A workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub name: String,
    pub title: String,
    pub runs: Vec<Run>,
    /// Why it was not run
    pub skipped: Option<String>,
    /// What went wrong while it ran
    pub error: Option<String>,
}

impl Row {
    /// What was found with the freeing off, or on.
    pub fn in_state(&self, state: State) -> Option<&Figures> {
        self.runs
            .iter()
            .find(|run| run.state == state)
            .map(|run| &run.figures)
    }
}

/// Whether empty tables are freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Off,
    On,
}

/// A workload with the freeing off, or on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub state: State,
    #[serde(flatten)]
    pub figures: Figures,
}

/// Of a process, at its largest and after its memory went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub rss_peak_kb: u64,
    pub rss_kb: u64,
    pub vmpte_kb: u64,
    pub ideal_kb: u64,
    pub excess_kb: i64,
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use anyhow::Result;

    /// As freepte-demo writes it: a test of it has the same file.
    const REPORT: &str = include_str!("sample.json");

    pub fn job() -> Result<MainJob> {
        Ok(MainJob {
            provenance: Provenance::default(),
            cpus: 2,
            report: serde_json::from_str(REPORT)?,
        })
    }

    #[test]
    fn written_is_read() -> Result<()> {
        let job = job()?;
        let text = serde_json::to_string(&job)?;
        assert_eq!(serde_json::from_str::<MainJob>(&text)?, job);
        Ok(())
    }
}
