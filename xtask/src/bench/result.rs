// SPDX-License-Identifier: GPL-2.0

//! What a bench found: what `--json` writes and the report shows.

use crate::build;
use crate::paths::Paths;
use crate::provenance::Provenance;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;

/// A boot that differs by more from each other one gives no figure to judge by.
pub const NOISE_BAR: f64 = 0.003;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bench {
    pub setting: Setting,
    /// Guest instructions per operation
    pub rows: Vec<Row>,
    /// The same in wall time, where that tells of the kernel and not of an emulator
    pub wall: Vec<Wall>,
    /// Locks and atomic operations per operation
    pub counts: Vec<Counts>,
    pub memory: Vec<Memory>,
}

/// What was measured, on what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    #[serde(flatten)]
    pub provenance: Provenance,
    pub baseline: Kernel,
    pub candidate: Kernel,
    pub seconds: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kernel {
    /// "stock", "freepte", "freepte without RUST_GUP"
    pub name: String,
    /// uname -r
    pub release: String,
}

impl Kernel {
    /// As it was built.
    pub fn built(paths: &Paths, kernel: &build::Kernel) -> Result<Self> {
        let file = build::build_dir(paths, kernel.clone())?.join("include/config/kernel.release");
        let release =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        Ok(Self {
            name: kernel.name(),
            release: release.trim().to_owned(),
        })
    }

    /// "freepte (Linux 7.3.4)"
    pub fn title(&self) -> String {
        match self.release.as_str() {
            "" => self.name.clone(),
            release => format!("{} (Linux {release})", self.name),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    /// "faults", "zap", ...: rows of one group come together
    pub group: String,
    /// "write fault on anonymous memory"
    pub what: String,
    /// What an operation is: "page", "call", "cycle"
    pub unit: String,
    /// Each is that of the boot in the middle, the median of whose rounds it is
    pub baseline: f64,
    pub candidate: f64,
    /// The candidate's ratio must not be above it
    pub bar: Option<f64>,
    /// By how much the boot that is nearest to it differs, as a part of it: the greater of the two
    /// kernels'
    pub noise: f64,
}

impl Row {
    pub fn ratio(&self) -> f64 {
        self.candidate / self.baseline
    }

    /// Not a number is no success.
    pub fn holds(&self) -> bool {
        self.bar.is_none_or(|bar| self.ratio() <= bar)
    }

    pub fn noisy(&self) -> bool {
        self.noise.is_nan() || self.noise > NOISE_BAR
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wall {
    pub name: String,
    pub what: String,
    /// Nanoseconds per operation
    pub baseline_ns: f64,
    pub candidate_ns: f64,
    /// Processor cycles, where perf could count them
    pub baseline_cycles: Option<f64>,
    pub candidate_cycles: Option<f64>,
}

/// What of an operation other processors may have to wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// Calls of `_raw_*lock*` that take a lock
    pub locks: f64,
    /// Instructions with a lock prefix, and `xchg` on memory
    pub atomics: f64,
}

/// What is freed goes on in bulk now and then, and a timer interrupts: so many in a hundred operations,
/// and such a part of all, are more in one round than in another.
const COUNT_NOISE: f64 = 0.02;
const COUNT_NOISE_PART: f64 = 0.005;

impl Count {
    /// Whether there are no more of either than in the baseline.
    pub fn at_most(self, baseline: Self) -> bool {
        let few = |theirs: f64| theirs * (1.0 + COUNT_NOISE_PART) + COUNT_NOISE;
        self.locks <= few(baseline.locks) && self.atomics <= few(baseline.atomics)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    pub name: String,
    pub what: String,
    pub unit: String,
    pub baseline: Count,
    pub candidate: Count,
}

impl Counts {
    pub fn holds(&self) -> bool {
        self.baseline.atomics > 0.0 && self.candidate.at_most(self.baseline)
    }
}

/// A process's page tables over time, on either kernel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    pub name: String,
    /// "400 MiB file mapped, read, reclaimed"
    pub title: String,
    pub baseline: Vec<Moment>,
    pub candidate: Vec<Moment>,
    /// Why there is nothing to show
    pub skipped: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Since the process had its memory to fill
    pub ms: u64,
    pub rss_kb: u64,
    /// What its page tables take
    pub vmpte_kb: u64,
    /// What they need to take
    pub ideal_kb: u64,
}
