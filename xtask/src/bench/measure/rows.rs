// SPDX-License-Identifier: GPL-2.0

//! Guest instructions: a report boots each kernel three times, so that what differs from boot to
//! boot shows, and a boot that is alone with its figures decides nothing.

use super::lanes;
use crate::bench::bars::Bars;
use crate::bench::result::Row;
use crate::build::Kernel;
use crate::guest;
use crate::paths::Paths;
use crate::vm::{self, Machine, Sink};
use anyhow::{bail, ensure, Context, Result};
use serde::de::DeserializeOwned;
use serde::Deserialize;

/// What freepte-bench prints of a row.
#[derive(Clone, Debug, Deserialize)]
pub struct Measured {
    pub name: String,
    pub group: String,
    pub what: String,
    pub unit: String,
    pub rounds: Vec<f64>,
    /// Of a round
    pub operations: usize,
}

/// Run one of our programs in a guest; returns the figures that it prints.
pub fn guest_figures<T: DeserializeOwned>(
    paths: &Paths,
    kernel: &Kernel,
    machine: &Machine,
    program: &str,
    args: &[String],
) -> Result<Vec<T>> {
    let file = guest::program(paths, program)?;
    let mut command = vec![file.to_string_lossy().into_owned()];
    command.extend(args.iter().cloned());
    let outcome = vm::run(
        paths,
        kernel.clone(),
        None,
        machine,
        Sink::Capture,
        &command,
    )?;
    if let Some(trouble) = outcome.trouble() {
        bail!("measuring {}: {trouble}", kernel.name());
    }
    // 1: something did not go as it should, and is told in what was printed.
    ensure!(
        matches!(outcome.status, Some(0 | 1)),
        "measuring {} failed: {}{}",
        kernel.name(),
        outcome.stdout,
        outcome.stderr
    );
    serde_json::from_str(&outcome.stdout)
        .with_context(|| format!("{program} on {} printed no figures", kernel.name()))
}

/// The arguments that choose rows by name.
pub fn only(names: &[String]) -> impl Iterator<Item = String> + '_ {
    names.iter().map(|name| format!("--only={name}"))
}

fn boot(paths: &Paths, kernel: &Kernel, names: &[String]) -> Result<Vec<Measured>> {
    let machine = Machine {
        icount: true,
        timeout: 1800,
        memory: Some("3G".to_owned()),
        ..Machine::default()
    };
    let mut args = vec!["--json".to_owned()];
    args.extend(only(names));
    let rows: Vec<Measured> = guest_figures(paths, kernel, &machine, "freepte-bench", &args)?;
    let found: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    ensure!(
        found == names,
        "on {} not all was measured: {found:?}",
        kernel.name()
    );
    Ok(rows)
}

pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.len().checked_sub(1)? / 2, sorted.len() / 2);
    Some((sorted.get(low)? + sorted.get(high)?) / 2.0)
}

/// The boot in the middle, and by how much the one nearest to it differs.
fn join(boots: &[&Measured]) -> Result<(f64, f64)> {
    let mut each: Vec<f64> = boots.iter().filter_map(|b| median(&b.rounds)).collect();
    each.sort_by(f64::total_cmp);
    let middle = median(&each).context("no rounds")?;
    let nearest = each
        .windows(2)
        .filter_map(|pair| <[f64; 2]>::try_from(pair).ok())
        .filter(|[low, high]| (*low..=*high).contains(&middle))
        .map(|[low, high]| (high - low) / low)
        .reduce(f64::min);
    Ok((middle, nearest.unwrap_or(0.0)))
}

/// How to go about it.
pub struct Way {
    /// Of each kernel
    pub boots: usize,
    /// One kernel after the other, as the machine has other things to do
    pub apart: bool,
}

impl Way {
    pub const REPORT: Self = Self {
        boots: 3,
        apart: false,
    };
    /// Beside the tests on debug, which keep a processor busy.
    pub const GATE: Self = Self {
        boots: 1,
        apart: true,
    };
}

pub fn measure(
    way: &Way,
    paths: &Paths,
    kernels: &[Kernel; 2],
    names: &[String],
    bars: &Bars,
) -> Result<Vec<Row>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let [baseline, candidate] = lanes::both(paths, kernels, way.apart, |kernel| {
        let mut all = Vec::with_capacity(way.boots);
        for number in 1..=way.boots {
            eprintln!(
                "{}: {} rows, boot {number} of {}",
                kernel.name(),
                names.len(),
                way.boots
            );
            all.push(boot(paths, kernel, names)?);
        }
        Ok(all)
    })?;
    let column = |boots: &[Vec<Measured>], at: usize| -> Result<(f64, f64)> {
        let rows: Vec<&Measured> = boots.iter().filter_map(|rows| rows.get(at)).collect();
        join(&rows)
    };
    let first = baseline.first().context("no boot")?;
    first
        .iter()
        .enumerate()
        .map(|(at, row)| {
            let (ours, theirs) = (column(&candidate, at)?, column(&baseline, at)?);
            Ok(Row {
                name: row.name.clone(),
                group: row.group.clone(),
                what: row.what.clone(),
                unit: row.unit.clone(),
                baseline: theirs.0,
                candidate: ours.0,
                bar: Some(bars.of(&row.name)),
                noise: ours.1.max(theirs.1),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(rounds: &[f64]) -> Measured {
        Measured {
            name: "a".into(),
            group: "g".into(),
            what: "w".into(),
            unit: "page".into(),
            rounds: rounds.to_vec(),
            operations: 1,
        }
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn the_boot_in_the_middle_counts() -> Result<()> {
        let usual = measured(&[100.0, 100.0, 180.0]);
        let near = measured(&[101.0, 102.0, 101.0]);
        let odd = measured(&[150.0, 150.0, 90.0]);
        let (figure, noise) = join(&[&odd, &usual, &near])?;
        assert_eq!(figure, 101.0);
        assert!((noise - 0.01).abs() < 1e-9);

        let (figure, noise) = join(&[&usual, &odd])?;
        assert_eq!(figure, 125.0);
        assert!((noise - 0.5).abs() < 1e-9);
        assert_eq!(join(&[&usual])?, (100.0, 0.0));
        assert!(join(&[]).is_err());
        Ok(())
    }
}
