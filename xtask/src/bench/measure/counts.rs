// SPDX-License-Identifier: GPL-2.0

//! Locks taken and atomic operations, which decide how several processors get on, and which no
//! clock of an emulator tells of; and the functions that instructions are in. A plugin of QEMU's
//! counts (tools/qemu/count).

use super::lanes;
use super::rows::{self, Measured};
use crate::bench::result::{Count, Counts};
use crate::build::{self, Kernel};
use crate::cmd;
use crate::guest;
use crate::paths::Paths;
use crate::scratch;
use crate::vm::Machine;
use anyhow::{ensure, Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What the plugin writes of a round.
#[derive(Clone, Debug, Default, Deserialize)]
struct Round {
    locks: u64,
    atomics: u64,
    functions: BTreeMap<String, u64>,
}

/// Of a row's operation.
pub struct Counted {
    pub row: Measured,
    pub count: Count,
    /// Instructions of the kernel, by function
    pub functions: BTreeMap<String, f64>,
}

fn plugin(paths: &Paths) -> Result<PathBuf> {
    let log = paths.log_dir()?.join("count.log");
    cmd::run_logged(
        guest::cargo(paths).args(["build", "--release", "--package", "freepte-count"]),
        &log,
    )?;
    let file = guest::dir(paths).join("libfreepte_count.so");
    file.canonicalize()
        .with_context(|| format!("finding {}", file.display()))
}

/// Run rows on a kernel, counted.
pub fn of_kernel(paths: &Paths, kernel: &Kernel, names: &[String]) -> Result<Vec<Counted>> {
    let plugin = plugin(paths)?;
    let map = build::build_dir(paths, kernel.clone())?.join("System.map");
    let scratch = scratch::dir("count")?;
    let out = scratch.path().join("rounds.json");
    let machine = Machine {
        icount: true,
        timeout: 3600,
        memory: Some("3G".to_owned()),
        // With one processor the kernel would take its lock prefixes away.
        append: vec!["noreplace-smp".to_owned()],
        qemu_opts: vec![format!(
            "-plugin {},map={},out={}",
            plugin.display(),
            map.display(),
            out.display()
        )],
        ..Machine::default()
    };
    eprintln!("{}: counting in {} rows", kernel.name(), names.len());
    let mut args = vec!["--json".to_owned()];
    args.extend(rows::only(names));
    let rows: Vec<Measured> = rows::guest_figures(paths, kernel, &machine, "freepte-bench", &args)?;
    let found: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    ensure!(
        found.len() == names.len() && names.iter().all(|n| found.contains(&n.as_str())),
        "on {} not all was counted: {found:?}",
        kernel.name()
    );
    assign(rows, &read(&out)?)
}

fn read(file: &Path) -> Result<Vec<Round>> {
    let text = fs::read_to_string(file).context("reading what QEMU's plugin counted")?;
    serde_json::from_str(&text).context("in what QEMU's plugin counted")
}

/// The rounds of each row, of which the first warms up.
fn assign(rows: Vec<Measured>, rounds: &[Round]) -> Result<Vec<Counted>> {
    let wanted: usize = rows.iter().map(|row| row.rounds.len() + 1).sum();
    ensure!(
        rounds.len() == wanted,
        "{} rounds were counted of {wanted}",
        rounds.len()
    );
    let mut rest = rounds;
    rows.into_iter()
        .map(|row| {
            let (own, after) = rest.split_at(row.rounds.len() + 1);
            rest = after;
            // What happens besides only adds to it.
            let least = own.iter().skip(1).min_by_key(|round| round.atomics);
            let least = least.with_context(|| format!("{} has no rounds", row.name))?;
            ensure!(
                !least.functions.is_empty(),
                "{} ran nothing of the kernel while it was measured",
                row.name
            );
            let each = |count: u64| count as f64 / row.operations as f64;
            Ok(Counted {
                count: Count {
                    locks: each(least.locks),
                    atomics: each(least.atomics),
                },
                functions: least
                    .functions
                    .iter()
                    .map(|(name, &count)| (name.clone(), each(count)))
                    .collect(),
                row,
            })
        })
        .collect()
}

pub fn measure(paths: &Paths, kernels: &[Kernel; 2], names: &[String]) -> Result<Vec<Counts>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let [baseline, candidate] = lanes::both(paths, kernels, false, |kernel| {
        of_kernel(paths, kernel, names)
    })?;
    Ok(baseline
        .into_iter()
        .zip(candidate)
        .map(|(theirs, ours)| Counts {
            name: theirs.row.name,
            what: theirs.row.what,
            unit: theirs.row.unit,
            baseline: theirs.count,
            candidate: ours.count,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(locks: u64, atomics: u64) -> Round {
        Round {
            locks,
            atomics,
            functions: BTreeMap::from([("do_fault".to_owned(), 10 * atomics)]),
        }
    }

    fn row(name: &str) -> Measured {
        Measured {
            name: name.to_owned(),
            group: "g".to_owned(),
            what: "w".to_owned(),
            unit: "page".to_owned(),
            rounds: vec![1.0, 1.0],
            operations: 2,
        }
    }

    #[test]
    fn rounds_go_to_their_rows() -> Result<()> {
        let rounds = [(1, 1), (4, 8), (6, 6), (9, 9), (2, 4), (8, 8)];
        let rounds = rounds.map(|(locks, atomics)| round(locks, atomics));
        let counted = assign(vec![row("a"), row("b")], &rounds)?;
        let counts: Vec<Count> = counted.iter().map(|one| one.count).collect();
        let count = |locks, atomics| Count { locks, atomics };
        assert_eq!(counts, [count(3.0, 3.0), count(1.0, 2.0)]);
        let functions = &counted.first().context("none")?.functions;
        assert_eq!(functions.get("do_fault"), Some(&30.0));
        Ok(())
    }

    #[test]
    fn what_is_missing_fails() {
        let rounds = [round(1, 1), round(1, 1)];
        assert!(assign(vec![row("a")], &rounds).is_err(), "a round too few");
        let nothing = vec![Round::default(); 3];
        assert!(assign(vec![row("a")], &nothing).is_err(), "no instructions");
    }
}
