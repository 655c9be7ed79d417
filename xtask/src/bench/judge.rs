// SPDX-License-Identifier: GPL-2.0

//! Whether a bench's figures are what they must be.

use super::result::Bench;

/// Nothing measured is nothing that holds.
pub fn holds(bench: &Bench) -> bool {
    let some = !bench.rows.is_empty() || !bench.counts.is_empty() || !bench.memory.is_empty();
    some && complaints(bench).is_empty()
}

pub fn complaints(bench: &Bench) -> Vec<String> {
    let above = bench.rows.iter().filter(|row| !row.holds()).map(|row| {
        let bar = row.bar.unwrap_or_default();
        format!("{}: {:.4} is above its bar of {bar}", row.name, row.ratio())
    });
    let noisy = bench.rows.iter().filter(|row| row.noisy()).map(|row| {
        let percent = row.noise * 100.0;
        format!(
            "{}: noisy, the nearest two boots differ by {percent:.2} %",
            row.name
        )
    });
    let more = bench
        .counts
        .iter()
        .filter(|row| !row.holds())
        .map(|row| format!("{}: more locks or atomic operations than before", row.name));
    let skipped = bench.memory.iter().filter_map(|memory| {
        let why = memory.skipped.as_ref()?;
        Some(format!("{}: not measured: {why}", memory.name))
    });
    above.chain(noisy).chain(more).chain(skipped).collect()
}

#[cfg(test)]
mod tests {
    use super::super::result::{Count, Counts, Memory, Row};
    use super::*;

    fn row(candidate: f64, noise: f64) -> Row {
        Row {
            name: "a".into(),
            baseline: 100.0,
            candidate,
            bar: Some(1.01),
            noise,
            ..Row::default()
        }
    }

    #[test]
    fn what_holds() {
        let mut bench = Bench::default();
        assert!(!holds(&bench), "nothing was measured");
        bench.rows = vec![row(101.0, 0.001)];
        assert!(holds(&bench));
        bench.rows.push(row(102.0, 0.01));
        assert_eq!(complaints(&bench).len(), 2);
        bench.rows.truncate(1);
        let count = |locks, atomics| Count { locks, atomics };
        for (baseline, candidate) in [
            (count(1.0, 2.0), count(1.1, 2.0)),
            (count(1.0, 2.0), count(1.0, 2.1)),
            (count(0.0, 0.0), count(0.0, 0.0)),
        ] {
            bench.counts = vec![Counts {
                baseline,
                candidate,
                ..Counts::default()
            }];
            assert_eq!(complaints(&bench).len(), 1);
        }
        bench.counts.clear();
        bench.memory = vec![Memory {
            skipped: Some("no java".into()),
            ..Memory::default()
        }];
        assert!(!holds(&bench));
    }
}
