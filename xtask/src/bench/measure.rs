// SPDX-License-Identifier: GPL-2.0

//! What is measured, and how. A report holds a hash of this folder: what judges or shows the
//! figures has no place in it.

pub mod counts;
mod lanes;
mod memory;
mod plan;
mod rows;
mod wall;

pub use plan::Plan;
pub use rows::Way;

use super::bars::Bars;
use super::result::{Counts, Memory, Row, Wall};
use crate::build::Kernel;
use crate::paths::Paths;
use anyhow::Result;

/// What was measured.
pub struct Figures {
    pub rows: Vec<Row>,
    pub wall: Vec<Wall>,
    pub counts: Vec<Counts>,
    pub memory: Vec<Memory>,
}

/// Measure all that a plan names, on both kernels.
pub fn all(paths: &Paths, kernels: &[Kernel; 2], plan: &Plan, bars: &Bars) -> Result<Figures> {
    Ok(Figures {
        rows: rows(&Way::REPORT, paths, kernels, &plan.rows, bars)?,
        wall: wall::measure(paths, kernels, &plan.rows)?,
        counts: counts::measure(paths, kernels, &plan.counts)?,
        memory: memory::measure(paths, kernels, &plan.memory)?,
    })
}

/// Measure guest instructions only.
pub fn rows(
    way: &Way,
    paths: &Paths,
    kernels: &[Kernel; 2],
    names: &[String],
    bars: &Bars,
) -> Result<Vec<Row>> {
    rows::measure(way, paths, kernels, names, bars)
}
