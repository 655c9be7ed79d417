// SPDX-License-Identifier: GPL-2.0

//! The rows once more where the machine has KVM: nanoseconds, and cycles where perf counts them.

use super::lanes;
use super::rows::{self, Measured};
use crate::bench::result::Wall;
use crate::build::Kernel;
use crate::kvm;
use crate::paths::Paths;
use crate::vm::Machine;
use anyhow::Result;

fn boot(paths: &Paths, kernel: &Kernel, names: &[String], unit: &str) -> Result<Vec<Measured>> {
    let machine = Machine {
        cpus: 1,
        timeout: 1800,
        memory: Some("3G".to_owned()),
        ..Machine::default()
    };
    let mut args = vec!["--json".to_owned(), format!("--unit={unit}")];
    args.extend(rows::only(names));
    rows::guest_figures(paths, kernel, &machine, "freepte-bench", &args)
}

/// Wall time of one thread; nothing where it would tell of an emulator.
pub fn measure(paths: &Paths, kernels: &[Kernel; 2], names: &[String]) -> Result<Vec<Wall>> {
    if names.is_empty() || !kvm::works(paths)? {
        return Ok(Vec::new());
    }
    let [baseline, candidate] = lanes::both(paths, kernels, true, |kernel| {
        eprintln!("{}: {} rows in wall time", kernel.name(), names.len());
        let ns = boot(paths, kernel, names, "ns")?;
        // Not every machine lets a guest count, and not every row is counted.
        let cycles = boot(paths, kernel, names, "cycles").unwrap_or_default();
        Ok((ns, cycles))
    })?;
    let figure = |list: &[Measured], name: &str| {
        let row = list.iter().find(|row| row.name == name)?;
        rows::median(&row.rounds)
    };
    Ok(baseline
        .0
        .iter()
        .filter_map(|row| {
            Some(Wall {
                name: row.name.clone(),
                what: row.what.clone(),
                baseline_ns: rows::median(&row.rounds)?,
                candidate_ns: figure(&candidate.0, &row.name)?,
                baseline_cycles: figure(&baseline.1, &row.name),
                candidate_cycles: figure(&candidate.1, &row.name),
            })
        })
        .collect())
}
