// SPDX-License-Identifier: GPL-2.0

//! Whether the committed report still tells what rows cost.

use super::result::{Row, NOISE_BAR};

/// A row's ratio may differ by so much from the committed one. More than two boots of one kernel
/// may differ by, so that noise is no reason to measure again; less than the 0.01 that a bar
/// leaves, so that a report goes stale before a bar is passed.
pub const DRIFT: f64 = 0.005;

const _: () = assert!(NOISE_BAR < DRIFT);

/// The rows whose ratio is not the committed one, a line each.
pub fn complaints(found: &[Row], committed: &[Row]) -> Vec<String> {
    found
        .iter()
        .filter_map(|row| {
            let Some(told) = committed.iter().find(|told| told.name == row.name) else {
                return Some(format!("{}: not in the committed report", row.name));
            };
            let (ours, theirs) = (row.ratio(), told.ratio());
            // What is not a number is not near one.
            let near = (ours - theirs).abs() <= DRIFT;
            (!near).then(|| {
                format!(
                    "{}: a ratio of {ours:.4}, in the committed report {theirs:.4}",
                    row.name
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, ratio: f64) -> Row {
        Row {
            name: name.to_owned(),
            baseline: 100.0,
            candidate: 100.0 * ratio,
            ..Row::default()
        }
    }

    #[test]
    fn by_more_than_noise() {
        let committed = [row("a", 1.0), row("b", 0.5)];
        let near = [row("a", 1.004), row("b", 0.496)];
        assert_eq!(complaints(&near, &committed), [""; 0]);
        for off in [1.006, 0.994] {
            let wrong = complaints(&[row("a", off), row("b", 0.5)], &committed);
            assert_eq!(
                wrong,
                [format!(
                    "a: a ratio of {off:.4}, in the committed report 1.0000"
                )]
            );
        }
    }

    #[test]
    fn what_is_missing_or_no_number_differs() {
        assert_eq!(
            complaints(&[row("a", 1.0)], &[]),
            ["a: not in the committed report"]
        );
        assert_eq!(complaints(&[row("a", f64::NAN)], &[row("a", 1.0)]).len(), 1);
        assert_eq!(complaints(&[row("a", 1.0)], &[row("a", f64::NAN)]).len(), 1);
    }
}
