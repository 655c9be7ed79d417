// SPDX-License-Identifier: GPL-2.0

//! The median of some rounds.

use anyhow::{Context, Result};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Summary {
    pub fn of(values: &[f64]) -> Result<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle).context("no rounds")?;
        let median = if sorted.len().is_multiple_of(2) {
            (sorted[middle - 1] + upper) / 2.0
        } else {
            upper
        };
        Ok(Self {
            median,
            least: sorted[0],
            most: sorted[sorted.len() - 1],
        })
    }

    pub fn spread_percent(&self) -> f64 {
        (self.most - self.least) / self.median * 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn medians() -> anyhow::Result<()> {
        assert_eq!(Summary::of(&[3.0, 1.0, 2.0])?.median, 2.0);
        assert_eq!(Summary::of(&[4.0, 1.0, 2.0, 3.0])?.median, 2.5);
        assert_eq!(Summary::of(&[99.0, 100.0, 101.0])?.spread_percent(), 2.0);
        assert!(Summary::of(&[]).is_err());
        Ok(())
    }
}
