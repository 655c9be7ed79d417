// SPDX-License-Identifier: GPL-2.0

//! Page tables of real programs, from what the main job wrote of them.

use super::WIDTH;
use crate::demo::figures::{Figures, MainJob, Row, State};
use anyhow::{ensure, Context, Result};

/// The table, and how it was measured.
pub fn render(job: &MainJob) -> Result<String> {
    ensure!(!job.report.quick, "it was run with --quick");
    ensure!(!job.report.rows.is_empty(), "it has no rows");
    let from = &job.provenance;
    let measured = format!(
        "Measured by `make run` (Linux {} in QEMU, {} processors) on {} at commit {}: page tables \
         of real programs {} after their memory went, with the freeing off and on. *Needed* is \
         counted from `/proc/PID/pagemap`.",
        job.report.kernel,
        job.cpus,
        from.date,
        from.commit,
        seconds(job.report.settle_ms),
    );
    let mut text = textwrap::fill(&measured, WIDTH) + "\n\n";
    text.push_str(
        "| what happened | off: RSS | VmPTE | needed | excess | on: RSS | VmPTE | needed | excess |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in &job.report.rows {
        let cells = [cells(row, State::Off)?, cells(row, State::On)?];
        text.push_str(&format!("| {} | {} |\n", row.title, cells.join(" | ")));
    }
    Ok(text)
}

fn seconds(ms: u64) -> String {
    match ms as f64 / 1000.0 {
        1.0 => "a second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

fn cells(row: &Row, state: State) -> Result<String> {
    let why = row.error.as_ref().or(row.skipped.as_ref());
    ensure!(
        why.is_none(),
        "{} was not measured: {}",
        row.name,
        why.map_or("", String::as_str)
    );
    let Figures {
        rss_peak_kb,
        rss_kb,
        vmpte_kb,
        ideal_kb,
        excess_kb,
    } = row
        .in_state(state)
        .with_context(|| format!("{} was not measured {state:?}", row.name))?;
    Ok(format!(
        "{} → {} MB | {vmpte_kb} kB | {ideal_kb} kB | {excess_kb} kB",
        mb(*rss_peak_kb),
        mb(*rss_kb)
    ))
}

fn mb(kb: u64) -> u64 {
    (kb + 512) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::figures::tests::job;

    #[test]
    fn a_line_for_each_row() -> Result<()> {
        let text = render(&job()?)?;
        assert!(
            text.ends_with(
                "|--:|\n| a file | 410 → 4 MB | 832 kB | 64 kB | 768 kB | 410 → 2 MB | 64 kB | \
                 64 kB | 0 kB |\n"
            ),
            "{text}"
        );
        assert!(text
            .replace('\n', " ")
            .contains("programs 2 seconds after their"));
        Ok(())
    }

    #[test]
    fn what_was_not_measured_is_no_table() -> Result<()> {
        let with = |change: fn(&mut MainJob)| -> Result<String> {
            let mut job = job()?;
            change(&mut job);
            render(&job)
        };
        assert!(with(|_| ()).is_ok());
        assert!(with(|job| job.report.quick = true).is_err());
        assert!(with(|job| job.report.rows.clear()).is_err());
        assert!(with(|job| job.report.rows[0].skipped = Some("no java".into())).is_err());
        assert!(with(|job| job.report.rows[0].error = Some("died".into())).is_err());
        assert!(with(|job| job.report.rows[0].runs.truncate(1)).is_err());
        Ok(())
    }
}
