// SPDX-License-Identifier: GPL-2.0

//! Several threads: wall time.

use super::lanes;
use super::rows;
use crate::bench::result::Parallel;
use crate::build::Kernel;
use crate::cmd;
use crate::kvm;
use crate::paths::Paths;
use crate::vm::Machine;
use anyhow::{ensure, Result};
use serde::Deserialize;

/// What freepte-bench prints of a loop.
#[derive(Debug, Deserialize)]
struct Measured {
    name: String,
    what: String,
    threads: u32,
    ns: f64,
    cycles: Option<f64>,
}

pub fn measure(paths: &Paths, kernels: &[Kernel; 2], names: &[String]) -> Result<Vec<Parallel>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let kvm = kvm::works(paths)?;
    // An emulated processor is slow whatever the host has.
    let cpus = if kvm { cmd::cpus().max(2) } else { 2 };
    let machine = Machine {
        cpus: u32::try_from(cpus)?,
        memory: Some("3G".to_owned()),
        timeout: 1800,
        ..Machine::default()
    };
    let mut args = vec![
        "parallel".to_owned(),
        "--json".to_owned(),
        format!("--threads={cpus}"),
    ];
    args.extend(rows::only(names));
    let [baseline, candidate] = lanes::both(paths, kernels, true, |kernel| {
        eprintln!("{}: {cpus} threads", kernel.name());
        rows::guest_figures::<Measured>(paths, kernel, &machine, "freepte-bench", &args)
    })?;
    ensure!(baseline.len() == candidate.len(), "not all was measured");
    Ok(baseline
        .into_iter()
        .zip(candidate)
        .map(|(theirs, ours)| Parallel {
            name: theirs.name,
            what: theirs.what,
            threads: theirs.threads,
            baseline_ns: theirs.ns,
            candidate_ns: ours.ns,
            baseline_cycles: theirs.cycles,
            candidate_cycles: ours.cycles,
            indicative: !kvm,
        })
        .collect())
}
