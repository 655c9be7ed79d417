// SPDX-License-Identifier: GPL-2.0

//! The axis of ratios. One that shows 0.1 and 2 shows nothing of 1.01: this one is stretched
//! around 1, the same to both sides (0.5 is as far as 2), and logarithmic further out.

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::prelude::Ranged;
use std::ops::Range;

/// Where the stretched middle ends.
const MIDDLE: f64 = 0.005;

/// Ticks that may end the axis, from 1 outwards.
const BELOW: &[f64] = &[0.9, 0.5, 0.1, 0.01, 0.001];
const ABOVE: &[f64] = &[1.1, 2.0, 10.0, 100.0, 1000.0];
/// Ticks that stand between, where the axis reaches so far.
const BETWEEN: &[f64] = &[0.5, 0.9, 0.99, 1.0, 1.01, 1.1, 2.0];

#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    /// As far as the ratios reach; what is beyond the last tick is drawn at the end.
    pub fn over(ratios: impl Iterator<Item = f64>) -> Self {
        let (least, most) = ratios
            .filter(|r| r.is_finite())
            .fold((1.0, 1.0), |(a, b): (f64, f64), r| (a.min(r), b.max(r)));
        let end = |ticks: &[f64], reached: &dyn Fn(f64) -> bool| {
            let first = ticks.iter().copied().find(|&t| reached(t));
            first.or(ticks.last().copied()).unwrap_or(1.0)
        };
        Self {
            least: end(BELOW, &|tick| tick <= least),
            most: end(ABOVE, &|tick| tick >= most),
        }
    }

    /// Where a ratio stands, from 0 to 1.
    pub fn place(&self, ratio: f64) -> f64 {
        let (start, end) = (stretched(self.least), stretched(self.most));
        (stretched(ratio.clamp(self.least, self.most)) - start) / (end - start)
    }

    pub fn ticks(&self) -> Vec<f64> {
        let inner = BETWEEN
            .iter()
            .copied()
            .filter(|&t| self.least < t && t < self.most);
        std::iter::once(self.least)
            .chain(inner)
            .chain(std::iter::once(self.most))
            .collect()
    }
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, ratio: &f64, (start, end): (i32, i32)) -> i32 {
        start + (self.place(*ratio) * f64::from(end - start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks()
    }

    fn range(&self) -> Range<f64> {
        self.least..self.most
    }
}

fn stretched(ratio: f64) -> f64 {
    let log = ratio.ln();
    (log.abs() / MIDDLE).ln_1p().copysign(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reaches_as_far_as_needed() {
        let scale = Scale::over([0.98, 1.02, f64::NAN, f64::INFINITY].into_iter());
        assert_eq!(scale.ticks(), [0.9, 0.99, 1.0, 1.01, 1.1]);
        let scale = Scale::over([0.04, 1.2].into_iter());
        assert_eq!(scale.ticks(), [0.01, 0.5, 0.9, 0.99, 1.0, 1.01, 1.1, 2.0]);
        let scale = Scale::over([1e9].into_iter());
        assert_eq!(scale.ticks().last(), Some(&1000.0));
        assert_eq!(scale.place(1e9), scale.place(1000.0));
    }

    #[test]
    fn grows_and_is_even() {
        let scale = Scale::over([0.01, 100.0].into_iter());
        let places: Vec<i32> = scale
            .ticks()
            .iter()
            .map(|t| scale.map(t, (0, 1000)))
            .collect();
        assert_eq!(places.first(), Some(&0));
        assert_eq!(places.last(), Some(&1000));
        assert!(places.is_sorted(), "{places:?}");
        assert!((scale.place(0.5) + scale.place(2.0) - 1.0).abs() < 1e-9);
        assert!((scale.place(1.0) - 0.5).abs() < 1e-9);
        // A hundredth can be told from nothing.
        assert!(scale.place(1.01) > 0.55);
    }
}
