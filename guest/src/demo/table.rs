// SPDX-License-Identifier: GPL-2.0

//! One table of all rows.

use crate::report::{Figures, Report, State};
use comfy_table::{presets, CellAlignment, Table};

/// Which columns a state gets, and how they are headed.
fn columns(report: &Report, state: State) -> (&'static str, &'static [&'static str]) {
    const ALL: &[&str] = &["RSS", "VmPTE", "ideal", "excess"];
    match state {
        // Beside the others the essence is enough.
        State::Plain if report.states.len() > 1 => ("stock: ", &["excess"]),
        State::Plain => ("", ALL),
        State::Off => ("off: ", ALL),
        State::On => ("on: ", ALL),
    }
}

fn mb(kb: u64) -> u64 {
    (kb + 512) / 1024
}

fn cell(figures: Option<&Figures>, column: &str) -> String {
    let Some(f) = figures else {
        return "-".to_owned();
    };
    match column {
        "RSS" => format!("{} → {} MB", mb(f.rss_peak_kb), mb(f.rss_kb)),
        "VmPTE" => format!("{} kB", f.vmpte_kb),
        "ideal" => format!("{} kB", f.ideal_kb),
        _ => format!("{} kB", f.excess_kb),
    }
}

pub fn render(report: &Report) -> String {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    let mut header = vec!["what happened".to_owned()];
    for state in &report.states {
        let (head, names) = columns(report, *state);
        header.extend(names.iter().map(|name| format!("{head}{name}")));
    }
    table.set_header(header);
    for row in &report.rows {
        let mut cells = vec![row.title.clone()];
        for state in &report.states {
            let figures = row.in_state(*state);
            let (_, names) = columns(report, *state);
            cells.extend(names.iter().map(|name| cell(figures, name)));
        }
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Row, Run};

    #[test]
    fn one_line_a_row() {
        let figures = Figures {
            rss_peak_kb: 418 << 10,
            rss_kb: 4 << 10,
            vmpte_kb: 832,
            ideal_kb: 64,
            excess_kb: 768,
        };
        let report = Report {
            kernel: "k".into(),
            quick: false,
            states: vec![State::Off, State::On],
            settle_ms: 0,
            bar_kb: 8,
            rows: vec![Row {
                name: "a".into(),
                title: "a file".into(),
                runs: vec![Run {
                    state: State::Off,
                    figures,
                }],
                skipped: None,
                error: None,
            }],
        };
        let text = render(&report);
        let last = text.lines().last().unwrap_or_default().to_owned();
        let words: Vec<_> = last.split('|').map(str::trim).collect();
        assert_eq!(
            words[1..6],
            ["a file", "418 → 4 MB", "832 kB", "64 kB", "768 kB"]
        );
        assert_eq!(words[6], "-");
        assert!(text.contains("on: excess"));
    }
}
