// SPDX-License-Identifier: GPL-2.0

//! What is measured. A round sets the scene, does an operation many times, and returns the ticks
//! that they took.

use crate::clock::Clock;
use anyhow::Result;
use serde::Serialize;

type Round = Box<dyn Fn(&Clock) -> Result<Took>>;

#[derive(Serialize)]
pub struct Row {
    pub name: String,
    /// Rows of one group come together
    pub group: &'static str,
    pub what: String,
    /// What the ticks are divided by: "page", "call", "cycle"
    pub unit: &'static str,
    /// The kernel measures it, in time: ours is not asked
    #[serde(skip)]
    pub kernel_clock: bool,
    #[serde(skip)]
    pub round: Round,
}

impl Row {
    pub fn new(
        group: &'static str,
        name: impl Into<String>,
        what: impl Into<String>,
        unit: &'static str,
        round: impl Fn(&Clock) -> Result<Took> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            group,
            what: what.into(),
            unit,
            kernel_clock: false,
            round: Box::new(round),
        }
    }

    pub fn by_kernel_clock(self) -> Self {
        Self {
            kernel_clock: true,
            ..self
        }
    }
}

/// What a round took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    ticks: u64,
    pub operations: usize,
}

impl Took {
    /// Ticks of an operation
    pub fn each(self) -> f64 {
        self.ticks as f64 / self.operations as f64
    }
}

pub fn per(ticks: u64, operations: usize) -> Took {
    Took { ticks, operations }
}
