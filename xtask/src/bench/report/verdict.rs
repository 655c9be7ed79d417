// SPDX-License-Identifier: GPL-2.0

//! What a row says about the candidate.

use super::super::result::{Row, Wall};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Within,
    Above,
    /// Measured, but there is nothing to judge it by
    NoBar,
    NotMeasured,
}

impl Verdict {
    pub fn of(row: &Row) -> Self {
        match (figures(row.baseline, row.candidate), row.bar) {
            (None, _) => Self::NotMeasured,
            (Some(_), None) => Self::NoBar,
            (Some(_), Some(_)) if row.holds() => Self::Within,
            (Some(_), Some(_)) => Self::Above,
        }
    }
}

/// The ratio of two figures. Nothing takes no instructions and no time: a zero was not measured.
pub fn figures(baseline: f64, candidate: f64) -> Option<f64> {
    let real = |figure: f64| figure.is_finite() && figure > 0.0;
    (real(baseline) && real(candidate)).then(|| candidate / baseline)
}

pub fn ratio(row: &Row) -> Option<f64> {
    figures(row.baseline, row.candidate)
}

pub fn wall_ratio(row: &Wall) -> Option<f64> {
    figures(row.baseline_ns, row.candidate_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(baseline: f64, candidate: f64, bar: Option<f64>) -> Verdict {
        Verdict::of(&Row {
            baseline,
            candidate,
            bar,
            ..Row::default()
        })
    }

    #[test]
    fn verdicts() {
        assert_eq!(verdict(100.0, 101.0, Some(1.01)), Verdict::Within);
        assert_eq!(verdict(100.0, 102.0, Some(1.01)), Verdict::Above);
        assert_eq!(verdict(100.0, 102.0, Some(f64::NAN)), Verdict::Above);
        assert_eq!(verdict(100.0, 102.0, None), Verdict::NoBar);
        for none in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(verdict(none, 1.0, Some(9.0)), Verdict::NotMeasured);
            assert_eq!(verdict(1.0, none, Some(9.0)), Verdict::NotMeasured);
        }
    }
}
