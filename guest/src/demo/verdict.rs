// SPDX-License-Identifier: GPL-2.0

//! What the table says, in a sentence.

use crate::report::{Report, Row, State};

/// What PT_RECLAIM was made for: it must leave nothing here where it is at work.
const PT_RECLAIM_ROW: &str = "dontneed-whole";

fn titles<'a>(rows: impl Iterator<Item = &'a Row>) -> String {
    let list: Vec<_> = rows.map(|row| row.title.as_str()).collect();
    list.join("; ")
}

/// Which rows were without excess before freepte did anything.
fn enough(report: &Report, state: State) -> String {
    let rows = report.rows.iter().filter(|row| {
        row.in_state(state)
            .is_some_and(|f| f.excess_kb <= report.bar_kb)
    });
    match titles(rows) {
        none if none.is_empty() => "upstream's PT_RECLAIM was enough for none of them".to_owned(),
        list => format!("upstream's PT_RECLAIM was already enough for: {list}"),
    }
}

/// Whether upstream's PT_RECLAIM is at work in a state: the row that is its own case tells. None
/// if that row was not run.
fn pt_reclaim_works(report: &Report, state: State) -> Option<bool> {
    let row = report.rows.iter().find(|row| row.name == PT_RECLAIM_ROW)?;
    Some(row.in_state(state)?.excess_kb <= report.bar_kb)
}

/// The sentence; it is derived from the figures.
pub fn sentence(report: &Report) -> String {
    if report.states == [State::Plain] {
        let excess: i64 = report
            .rows
            .iter()
            .filter_map(|row| row.in_state(State::Plain))
            .map(|f| f.excess_kb)
            .sum();
        return format!(
            "This kernel ({}) has no free_user_pte: it keeps {excess} kB of empty page tables \
             in all; {}.",
            report.kernel,
            enough(report, State::Plain)
        );
    }
    let base = report.baseline();
    let upstream = base == State::Plain || pt_reclaim_works(report, base) == Some(true);
    let mut saved: Vec<(i64, &Row)> = report
        .rows
        .iter()
        // What upstream does by itself is not claimed.
        .filter(|row| upstream || row.name != PT_RECLAIM_ROW)
        .filter_map(|row| {
            let (before, on) = (row.in_state(base)?, row.in_state(State::On)?);
            // Programs differ from run to run: what is still above the bar proves nothing.
            (on.excess_kb <= report.bar_kb).then_some((before.excess_kb - on.excess_kb, row))
        })
        .filter(|(kb, _)| *kb > report.bar_kb)
        .collect();
    saved.sort_by_key(|(kb, _)| -kb);
    let total: i64 = saved.iter().map(|(kb, _)| kb).sum();
    let list: Vec<_> = saved
        .iter()
        .map(|(kb, row)| format!("{kb} kB ({})", row.title))
        .collect();
    let against = if base == State::Plain {
        "stock"
    } else {
        "the same kernel with the freeing off"
    };
    let first = if list.is_empty() {
        "Nothing was saved".to_owned()
    } else {
        format!(
            "Freeing empty tables saved {total} kB of page tables against {against}: {}",
            list.join(", ")
        )
    };
    let second = if upstream {
        enough(report, base)
    } else {
        "where upstream's PT_RECLAIM is enough these figures do not tell, for with the freeing \
         off it is not seen at work: run this on stock with --json, and here with --stock"
            .to_owned()
    };
    format!("{first}; {second}.")
}

/// Rows that were left out, failed or are above the bar, each with its reason.
pub fn complaints(report: &Report) -> Vec<String> {
    let mut list = Vec::new();
    for row in &report.rows {
        if let Some(why) = &row.skipped {
            list.push(format!("SKIPPED: {}: {why}", row.title));
        }
        if let Some(what) = &row.error {
            list.push(format!("FAILED: {}: {what}", row.title));
        }
        if let Some(on) = row.in_state(State::On) {
            if on.excess_kb > report.bar_kb {
                list.push(format!(
                    "FAILED: {}: an excess of {} kB with the freeing on (at most {} kB)",
                    row.title, on.excess_kb, report.bar_kb
                ));
            }
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Figures, Run};

    fn row(title: &str, runs: &[(State, i64)]) -> Row {
        let runs = runs.iter().map(|&(state, excess_kb)| Run {
            state,
            figures: Figures {
                rss_peak_kb: 0,
                rss_kb: 0,
                vmpte_kb: 0,
                ideal_kb: 0,
                excess_kb,
            },
        });
        Row {
            name: title.into(),
            title: title.into(),
            runs: runs.collect(),
            skipped: None,
            error: None,
        }
    }

    fn report(states: &[State], rows: Vec<Row>) -> Report {
        Report {
            kernel: "k".into(),
            quick: false,
            states: states.to_vec(),
            settle_ms: 0,
            bar_kb: 8,
            rows,
        }
    }

    #[test]
    fn saved_and_enough() {
        use State::{Off, On};
        let rows = vec![
            row("small", &[(Off, 100), (On, 0)]),
            row("great", &[(Off, 800), (On, 4)]),
            row(PT_RECLAIM_ROW, &[(Off, 4), (On, 0)]),
        ];
        let report = report(&[Off, On], rows);
        assert_eq!(
            sentence(&report),
            "Freeing empty tables saved 896 kB of page tables against the same kernel with the \
             freeing off: 796 kB (great), 100 kB (small); upstream's PT_RECLAIM was already \
             enough for: dontneed-whole."
        );
        assert!(report.holds(true) && complaints(&report).is_empty());
    }

    #[test]
    fn off_is_not_upstream_when_pt_reclaim_is_off_too() {
        use State::{Off, On};
        let rows = || {
            vec![
                row("great", &[(Off, 800), (On, 0)]),
                row(PT_RECLAIM_ROW, &[(Off, 4096), (On, 0)]),
            ]
        };
        let mut ours = report(&[Off, On], rows());
        let text = sentence(&ours);
        assert!(
            text.contains("saved 800 kB"),
            "not what upstream does: {text}"
        );
        assert!(text.contains("do not tell"), "{text}");

        let plain = State::Plain;
        let theirs = vec![
            row("great", &[(plain, 790)]),
            row(PT_RECLAIM_ROW, &[(plain, 0)]),
        ];
        assert!(ours.add_stock(&report(&[plain], theirs)).is_ok());
        let text = sentence(&ours);
        assert!(
            text.contains("saved 790 kB of page tables against stock"),
            "{text}"
        );
        assert!(
            text.ends_with("already enough for: dontneed-whole."),
            "{text}"
        );
        assert!(ours.add_stock(&report(&[Off, On], rows())).is_err());
    }

    #[test]
    fn nothing_saved_and_the_bar_missed() {
        use State::{Off, On};
        let report = report(&[Off, On], vec![row("a", &[(Off, 800), (On, 740)])]);
        assert!(sentence(&report).starts_with("Nothing was saved; "));
        assert!(!report.holds(false));
        assert_eq!(complaints(&report).len(), 1);
    }

    #[test]
    fn a_skipped_row_is_told() {
        let mut report = report(
            &[State::Plain],
            vec![row("a", &[(State::Plain, 0)]), row("b", &[])],
        );
        report.rows[1].skipped = Some("no java".into());
        assert!(report.holds(false) && !report.holds(true));
        assert_eq!(complaints(&report), ["SKIPPED: b: no java"]);
        report.rows.remove(0);
        assert!(!report.holds(false), "all skipped is no success");
    }

    #[test]
    fn an_error_is_no_success() {
        let mut report = report(&[State::Plain], vec![row("a", &[(State::Plain, 0)])]);
        assert!(report.holds(true));
        report.rows[0].error = Some("died".into());
        assert!(!report.holds(false));
        assert_eq!(complaints(&report), ["FAILED: a: died"]);
    }
}
