// SPDX-License-Identifier: GPL-2.0

//! The few rows that every test run measures.

use super::bars::Bars;
use super::measure::{self, Plan, Way};
use super::result::Row;
use super::{committed, drift, table};
use crate::build::{Kernel, Variant};
use crate::paths::Paths;
use anyhow::{ensure, Result};

/// Measure both kernels, print the table, fail when a bar does not hold or the committed report
/// says something else.
pub fn run(paths: &Paths) -> Result<String> {
    let bars = Bars::load(paths)?;
    let committed = committed::load(paths)?;
    let kernels = [Variant::Stock, Variant::Freepte].map(Kernel::from);
    // In the order of the guest.
    let mut names = Plan::new(paths, &[])?.rows;
    bars.check(&names)?;
    names.retain(|name| bars.gate.contains(name));
    let found = measure::rows(&Way::GATE, paths, &kernels, &names, &bars)?;
    let [baseline, candidate] = kernels.each_ref().map(Kernel::name);
    print!("{}", table::rows(&found, &baseline, &candidate));
    judge(&found, &committed.rows)
}

fn judge(found: &[Row], committed: &[Row]) -> Result<String> {
    let missed = found.iter().filter(|row| !row.holds()).count();
    let drifted = drift::complaints(found, committed);
    let mut wrong = Vec::new();
    if missed > 0 {
        wrong.push(format!("{missed} of {} bars do not hold", found.len()));
    }
    if !drifted.is_empty() {
        wrong.push(format!(
            "{} differs by more than {} from what is measured here:\n  {}\n{}",
            committed::FILE,
            drift::DRIFT,
            drifted.join("\n  "),
            committed::AGAIN
        ));
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(format!("{} bars hold, as reported", found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The row's ratio and its bar
    fn row(ratio: f64, bar: f64) -> Row {
        Row {
            name: "fork".to_owned(),
            baseline: 100.0,
            candidate: 100.0 * ratio,
            bar: Some(bar),
            ..Row::default()
        }
    }

    fn error(found: Row, committed: Row) -> String {
        let result = judge(&[found], &[committed]);
        result.err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn bars_and_the_report_hold() {
        assert!(judge(&[row(1.0, 1.01)], &[row(1.001, 1.01)]).is_ok());
        let drifted = error(row(0.994, 1.01), row(1.0, 1.01));
        assert!(!drifted.contains("do not hold"), "{drifted}");
        assert!(drifted.contains("fork: a ratio of 0.9940, in the committed report 1.0000"));
        let missed = error(row(1.012, 1.01), row(1.010, 1.01));
        assert_eq!(missed, "1 of 1 bars do not hold");
    }
}
