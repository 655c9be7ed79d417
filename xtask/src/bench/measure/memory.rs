// SPDX-License-Identifier: GPL-2.0

//! Page tables of real programs, over time.

use super::lanes;
use super::rows;
use crate::bench::result::{Memory, Moment};
use crate::build::Kernel;
use crate::demo;
use crate::paths::Paths;
use anyhow::{ensure, Result};
use serde::Deserialize;

/// What freepte-demo prints of a workload.
#[derive(Debug, Deserialize)]
struct Curve {
    name: String,
    title: String,
    skipped: Option<String>,
    error: Option<String>,
    samples: Vec<Moment>,
}

impl Curve {
    /// Why it is not all there.
    fn missing(&self) -> Option<&String> {
        self.skipped.as_ref().or(self.error.as_ref())
    }
}

pub fn measure(paths: &Paths, kernels: &[Kernel; 2], names: &[String]) -> Result<Vec<Memory>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let machine = demo::machine();
    let mut args: Vec<String> = ["curve", "--json", "-"].map(str::to_owned).to_vec();
    args.extend(names.iter().cloned());
    let [baseline, candidate] = lanes::both(paths, kernels, false, |kernel| {
        eprintln!("{}: {} memory curves", kernel.name(), names.len());
        rows::guest_figures::<Curve>(paths, kernel, &machine, "freepte-demo", &args)
    })?;
    ensure!(baseline.len() == candidate.len(), "not all was measured");
    Ok(baseline
        .into_iter()
        .zip(candidate)
        .map(|(theirs, ours)| Memory {
            skipped: theirs.missing().or(ours.missing()).cloned(),
            name: theirs.name,
            title: theirs.title,
            baseline: theirs.samples,
            candidate: ours.samples,
        })
        .collect())
}
