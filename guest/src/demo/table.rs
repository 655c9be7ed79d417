// SPDX-License-Identifier: GPL-2.0

//! One table of all rows.

use crate::report::{Report, Row, State};
use comfy_table::{presets, CellAlignment, Table};

fn label(state: State) -> &'static str {
    match state {
        State::Plain => "",
        State::Off => "off: ",
        State::On => "on: ",
    }
}

fn mb(kb: u64) -> u64 {
    (kb + 512) / 1024
}

fn cells(row: &Row, states: &[State]) -> Vec<String> {
    let mut cells = vec![row.title.clone()];
    for state in states {
        let text = match row.in_state(*state) {
            Some(f) => [
                format!("{} → {} MB", mb(f.rss_peak_kb), mb(f.rss_kb)),
                format!("{} kB", f.vmpte_kb),
                format!("{} kB", f.ideal_kb),
                format!("{} kB", f.excess_kb),
            ],
            None => ["-", "-", "-", "-"].map(str::to_owned),
        };
        cells.extend(text);
    }
    cells
}

pub fn render(report: &Report) -> String {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    let mut header = vec!["what happened".to_owned()];
    for state in &report.states {
        let state = label(*state);
        header.extend(["RSS", "VmPTE", "ideal", "excess"].map(|name| format!("{state}{name}")));
    }
    table.set_header(header);
    for row in &report.rows {
        table.add_row(cells(row, &report.states));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Figures, Run};

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
