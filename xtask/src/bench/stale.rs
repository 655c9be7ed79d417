// SPDX-License-Identifier: GPL-2.0

//! Whether a report is one of all that is measured now, with the bars of now.

use super::bars::Bars;
use super::drift::DRIFT;
use super::measure::Plan;
use super::result::{Bench, Row};
use crate::build::Variant;

/// What is wrong with a report, a line each.
pub fn complaints(bench: &Bench, plan: &Plan, bars: &Bars) -> Vec<String> {
    let setting = &bench.setting;
    let kernels = [
        (&setting.baseline.name, Variant::Stock),
        (&setting.candidate.name, Variant::Freepte),
    ];
    let other = kernels
        .into_iter()
        .filter(|(name, variant)| name.as_str() != variant.name())
        .map(|(name, variant)| format!("it is of `{name}`, not of {}", variant.name()));
    let dirty = (!setting.provenance.is_committed()).then(|| {
        format!(
            "no commit holds what it was made of (`{}`)",
            setting.provenance.commit
        )
    });
    let curves = bench.memory.iter().filter(|curve| curve.skipped.is_none());
    let mut wrong: Vec<String> = other.chain(dirty).collect();
    wrong.extend(names(
        "row",
        &plan.rows,
        bench.rows.iter().map(|row| row.name.as_str()),
    ));
    wrong.extend(names(
        "count of",
        &plan.counts,
        bench.counts.iter().map(|row| row.name.as_str()),
    ));
    wrong.extend(names(
        "memory curve",
        &plan.memory,
        curves.map(|curve| curve.name.as_str()),
    ));
    wrong.extend(bench.rows.iter().filter_map(|row| figure(row, bars)));
    wrong
}

/// Each wanted name once, and no other.
fn names<'a>(
    what: &str,
    wanted: &[String],
    found: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let found: Vec<&str> = found.into_iter().collect();
    let times = |name: &str| found.iter().filter(|&&other| other == name).count();
    let missing = wanted.iter().filter_map(|name| match times(name) {
        0 => Some(format!("the {what} {name} is missing")),
        1 => None,
        _ => Some(format!("the {what} {name} comes twice")),
    });
    let unknown = found
        .iter()
        .filter(|name| !wanted.iter().any(|other| other == *name))
        .map(|name| format!("the {what} {name} is measured no more"));
    missing.chain(unknown).collect()
}

/// A row has its bar, and the gate can compare what it measures with it.
fn figure(row: &Row, bars: &Bars) -> Option<String> {
    let name = &row.name;
    let bar = bars.of(name);
    // Not to the last bit: it was written as text.
    if row.bar.is_none_or(|theirs| (theirs - bar).abs() > 1e-9) {
        let theirs = row.bar.map_or("none".to_owned(), |bar| bar.to_string());
        return Some(format!(
            "the bar of {name} is {bar}, in the report {theirs}"
        ));
    }
    if !(row.ratio().is_finite() && row.ratio() > 0.0) {
        return Some(format!("the row {name} has no figures"));
    }
    let gated = bars.gate.contains(name);
    (gated && (row.noise.is_nan() || row.noise > DRIFT)).then(|| {
        format!(
            "the row {name} is too noisy for the gate: the nearest two boots differ by {:.4}",
            row.noise
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::committed::tests::{bench, owned};
    use super::*;
    use anyhow::{Context, Result};

    /// A plan and bars that the committed report agrees with, whatever it says today.
    fn of(bench: &Bench) -> (Plan, Bars) {
        let plan = Plan {
            rows: owned(bench.rows.iter().map(|row| &row.name)),
            counts: owned(bench.counts.iter().map(|row| &row.name)),
            memory: owned(bench.memory.iter().map(|curve| &curve.name)),
        };
        let bar = |row: &Row| (row.name.clone(), row.bar.unwrap_or(0.0));
        let bars = Bars {
            gate: Vec::new(),
            counted: Vec::new(),
            default: 1.0,
            longest_wait: 1.5,
            ratio: bench.rows.iter().map(bar).collect(),
        };
        (plan, bars)
    }

    /// The one complaint about the committed report after a change.
    fn complaint(
        change: impl FnOnce(&mut Bench, &mut Plan, &mut Bars) -> Option<()>,
    ) -> Result<String> {
        let mut bench = bench()?;
        let (mut plan, mut bars) = of(&bench);
        assert_eq!(complaints(&bench, &plan, &bars), [""; 0]);
        change(&mut bench, &mut plan, &mut bars).context("nothing was changed")?;
        let mut wrong = complaints(&bench, &plan, &bars);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        wrong.pop().context("no complaint")
    }

    #[test]
    fn a_row_too_few() -> Result<()> {
        let missing = complaint(|bench, _, _| bench.rows.pop().map(drop))?;
        assert!(missing.starts_with("the row ") && missing.ends_with(" is missing"));
        let missing = complaint(|bench, _, _| bench.memory.pop().map(drop))?;
        assert!(missing.ends_with(" is missing"), "{missing}");
        let skipped = complaint(|bench, _, _| {
            bench.memory.first_mut()?.skipped = Some("no java".to_owned());
            Some(())
        })?;
        assert!(skipped.ends_with(" is missing"), "{skipped}");
        let missing = complaint(|_, plan, _| {
            plan.counts.push("exec".to_owned());
            Some(())
        })?;
        assert_eq!(missing, "the count of exec is missing");
        Ok(())
    }

    #[test]
    fn a_row_too_many() -> Result<()> {
        let gone = complaint(|_, plan, _| plan.rows.pop().map(drop))?;
        assert!(gone.ends_with(" is measured no more"), "{gone}");
        let twice = complaint(|bench, _, _| {
            bench.rows.push(bench.rows.first()?.clone());
            Some(())
        })?;
        assert!(twice.ends_with(" comes twice"), "{twice}");
        Ok(())
    }

    #[test]
    fn a_bar_that_changed() -> Result<()> {
        let changed = complaint(|bench, _, bars| {
            let name = bench.rows.first()?.name.clone();
            bars.ratio.insert(name, 0.5).map(drop)
        })?;
        assert!(changed.contains(" is 0.5, in the report "), "{changed}");
        let none = complaint(|bench, _, _| bench.rows.first_mut()?.bar.take().map(drop))?;
        assert!(none.ends_with(", in the report none"), "{none}");
        Ok(())
    }

    #[test]
    fn figures_that_are_of_no_use() -> Result<()> {
        let noisy = complaint(|bench, _, bars| {
            let row = bench.rows.first_mut()?;
            row.noise = 0.006;
            bars.gate.push(row.name.clone());
            Some(())
        })?;
        assert!(noisy.contains("too noisy"), "{noisy}");
        let none = complaint(|bench, _, _| {
            bench.rows.first_mut()?.candidate = 0.0;
            Some(())
        })?;
        assert!(none.ends_with("has no figures"), "{none}");
        Ok(())
    }

    #[test]
    fn another_kernel_and_no_commit() -> Result<()> {
        let other = complaint(|bench, _, _| {
            bench.setting.candidate.name = "freepte without RUST_GUP".to_owned();
            Some(())
        })?;
        assert_eq!(other, "it is of `freepte without RUST_GUP`, not of freepte");
        let dirty = complaint(|bench, _, _| {
            bench.setting.provenance.commit.push('+');
            Some(())
        })?;
        assert!(dirty.starts_with("no commit holds"), "{dirty}");
        Ok(())
    }
}
