// SPDX-License-Identifier: GPL-2.0

//! In which functions of either kernel the instructions of a row are.

use super::measure::counts::{self, Counted};
use crate::build::Kernel;
use crate::paths::Paths;
use anyhow::Result;
use std::collections::BTreeSet;

/// What differs by less than this part of an operation's instructions is not shown.
const LEAST: f64 = 0.0002;

pub fn show(paths: &Paths, kernels: &[Kernel; 2], names: &[String]) -> Result<()> {
    let [theirs, ours] = kernels;
    let baseline = counts::of_kernel(paths, theirs, names)?;
    let candidate = counts::of_kernel(paths, ours, names)?;
    for (one, other) in baseline.iter().zip(&candidate) {
        println!("{}, a {}: {}", one.row.name, one.row.unit, one.row.what);
        println!(
            "{:>10} {:>10} {:>10}  function",
            theirs.name(),
            ours.name(),
            "more"
        );
        print!("{}", table(one, other));
    }
    Ok(())
}

/// The functions that differ, those that differ most first.
fn table(one: &Counted, other: &Counted) -> String {
    let names: BTreeSet<&String> = one.functions.keys().chain(other.functions.keys()).collect();
    let mut lines: Vec<(f64, f64, &str)> = names
        .into_iter()
        .map(|name| {
            let of = |counted: &Counted| counted.functions.get(name).copied().unwrap_or(0.0);
            (of(one), of(other), name.as_str())
        })
        .collect();
    let sum = lines
        .iter()
        .fold((0.0, 0.0), |sum, line| (sum.0 + line.0, sum.1 + line.1));
    lines.retain(|line| (line.1 - line.0).abs() >= LEAST * sum.0.max(sum.1));
    lines.sort_by(|a, b| {
        let difference = |line: &(f64, f64, &str)| (line.1 - line.0).abs();
        difference(b).total_cmp(&difference(a))
    });
    lines.insert(0, (sum.0, sum.1, "all of the kernel"));
    lines
        .iter()
        .map(|(one, other, name)| {
            format!("{one:>10.1} {other:>10.1} {:>+10.1}  {name}\n", other - one)
        })
        .collect()
}
