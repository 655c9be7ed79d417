// SPDX-License-Identifier: GPL-2.0

//! The few rows that every test run measures.

use super::bars::Bars;
use super::measure::{self, Plan, Way};
use super::table;
use crate::build::{Kernel, Variant};
use crate::paths::Paths;
use anyhow::{ensure, Result};

/// Measure both kernels, print the table, fail when a bar does not hold.
pub fn run(paths: &Paths) -> Result<String> {
    let bars = Bars::load(paths)?;
    let kernels = [Variant::Stock, Variant::Freepte].map(Kernel::from);
    // In the order of the guest.
    let mut names = Plan::new(paths, &[])?.rows;
    bars.check(&names)?;
    names.retain(|name| bars.gate.contains(name));
    let found = measure::rows(&Way::GATE, paths, &kernels, &names, &bars)?;
    let [baseline, candidate] = kernels.each_ref().map(Kernel::name);
    print!("{}", table::rows(&found, &baseline, &candidate));
    let missed = found.iter().filter(|row| !row.holds()).count();
    ensure!(missed == 0, "{missed} of {} bars do not hold", found.len());
    Ok(format!("{} bars hold", found.len()))
}
