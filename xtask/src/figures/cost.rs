// SPDX-License-Identifier: GPL-2.0

//! What freepte costs, from the report of the bench.

use super::WIDTH;
use crate::bench::result::{Bench, Row};
use anyhow::{ensure, Context, Result};

/// What every program does, and what tools do to it. The report has the rest.
const ROWS: &[&str] = &[
    "anon_fault",
    "zero_fault",
    "shmem_fault",
    "table_fault",
    "fork",
    "exit",
    "munmap",
    "mprotect",
    "dontneed_table",
    "gup_fast_512",
    "gup_slow_512",
    "pin_longterm_512",
    "mincore",
    "pagemap_read",
    "smaps_rollup",
    "clear_refs",
];

/// The table, and how many rows of all are within their bars.
pub fn render(bench: &Bench) -> Result<String> {
    let setting = &bench.setting;
    let mut text = format!(
        "Guest instructions, measured on {} at commit {}:\n\n\
         | operation | for each | {} | {} | ratio |\n|---|---|--:|--:|--:|\n",
        setting.provenance.date,
        setting.provenance.commit,
        setting.baseline.name,
        setting.candidate.name,
    );
    for &name in ROWS {
        let row = bench.rows.iter().find(|row| row.name == name);
        text.push_str(&line(
            row.with_context(|| format!("the report has no row {name}"))?,
        )?);
    }
    text.push('\n');
    text.push_str(&textwrap::fill(&bars(&bench.rows), WIDTH));
    Ok(text)
}

fn line(row: &Row) -> Result<String> {
    let ratio = row.ratio();
    ensure!(
        ratio.is_finite() && ratio > 0.0,
        "the report has no figures of {}",
        row.name
    );
    Ok(format!(
        "| {} | {} | {:.1} | {:.1} | {ratio:.3} |\n",
        row.what, row.unit, row.baseline, row.candidate
    ))
}

fn bars(rows: &[Row]) -> String {
    let above: Vec<String> = rows
        .iter()
        .filter(|row| !row.holds())
        .map(|row| format!("{} ({:.3})", row.name, row.ratio()))
        .collect();
    let all = rows.len();
    if above.is_empty() {
        return format!("All {all} rows of the report are within their bars.");
    }
    format!(
        "Of {all} rows of the report {} are within their bars. Above: {}.",
        all - above.len(),
        above.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::committed::tests::bench;

    #[test]
    fn figures_of_the_report() -> Result<()> {
        let mut bench = bench()?;
        let text = render(&bench)?;
        assert_eq!(text.matches("\n| ").count(), 1 + ROWS.len());
        let fork = bench.rows.iter_mut().find(|row| row.name == "fork");
        let fork = fork.context("no row fork")?;
        let ratio = |row: &Row| format!("| {:.3} |\n", row.ratio());
        assert!(text.contains(&ratio(fork)), "{text}");
        fork.candidate *= 1.006;
        assert!(render(&bench)? != text, "another ratio gives another table");
        bench.rows.retain(|row| row.name != "fork");
        assert!(render(&bench).is_err(), "a row is missing");
        Ok(())
    }

    #[test]
    fn rows_above_their_bars_are_named() {
        let row = |name: &str, candidate: f64| Row {
            name: name.to_owned(),
            baseline: 100.0,
            candidate,
            bar: Some(1.01),
            ..Row::default()
        };
        let rows = [row("a", 101.0), row("b", 103.0)];
        assert_eq!(
            bars(&rows),
            "Of 2 rows of the report 1 are within their bars. Above: b (1.030)."
        );
        assert!(bars(&rows[..1]).starts_with("All 1 rows"));
    }
}
