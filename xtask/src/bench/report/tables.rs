// SPDX-License-Identifier: GPL-2.0

//! The figures that the plots are made of.

use super::super::result::{Bench, Counts, Memory, Moment, Row, Setting, Wall};
use super::format::{self, NONE, NOT_MEASURED};
use super::summary::{anchor, change, name};
use super::verdict::{self, Verdict};
use maud::{html, Markup};

/// A table that scrolls in its own place where it is wider than the page.
fn table(label: &str, head: Markup, body: Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { (head) }
                tbody { (body) }
            }
        }
    }
}

/// Rows of one group, with their numbers in the whole bench.
pub fn rows(setting: &Setting, group: &str, rows: &[(usize, &Row)]) -> Markup {
    let head = html! {
        tr {
            th { "row" }
            th.text { "what" }
            th.text { "unit" }
            th { (setting.baseline.name) }
            th { (setting.candidate.name) }
            th { "ratio" }
            th { "at most" }
            th { "noise" }
        }
    };
    let body = html! { @for (n, row) in rows { (one(*n, row)) } };
    table(&format!("Figures: {group}"), head, body)
}

fn one(n: usize, row: &Row) -> Markup {
    let verdict = Verdict::of(row);
    let above = verdict == Verdict::Above;
    let measured = verdict != Verdict::NotMeasured;
    html! {
        tr.above[above] id=(anchor(n)) {
            th scope="row" { (name(&row.name)) }
            td.text.what { (row.what) }
            td.text { (row.unit) }
            td { (format::figure(row.baseline)) }
            td { (format::figure(row.candidate)) }
            td {
                (format::ratio(verdict::ratio(row), row.bar))
                @if above { " " strong.bad { "▲\u{a0}above" } }
            }
            td { (format::bar(row.bar)) }
            td {
                @if measured {
                    (format::percent(row.noise))
                    @if row.noisy() { " " strong { "noisy" } }
                } @else { (NONE) }
            }
        }
    }
}

pub fn wall(bench: &Bench) -> Markup {
    let setting = &bench.setting;
    let cycles = bench
        .wall
        .iter()
        .any(|row| row.baseline_cycles.is_some() || row.candidate_cycles.is_some());
    let head = html! {
        tr {
            th { "row" }
            th.text { "what" }
            th { (setting.baseline.name) " ns" }
            th { (setting.candidate.name) " ns" }
            th { "ratio" }
            @if cycles {
                th { (setting.baseline.name) " cycles" }
                th { (setting.candidate.name) " cycles" }
            }
        }
    };
    let body = html! {
        @for row in &bench.wall { (one_wall(row, cycles)) }
    };
    table("Figures: wall time", head, body)
}

fn one_wall(row: &Wall, cycles: bool) -> Markup {
    let counted = |cycles: Option<f64>| cycles.map_or(NONE.to_owned(), format::figure);
    html! {
        tr {
            th scope="row" { (name(&row.name)) }
            td.text.what { (row.what) }
            td { (format::figure(row.baseline_ns)) }
            td { (format::figure(row.candidate_ns)) }
            td { (format::ratio(verdict::wall_ratio(row), None)) }
            @if cycles {
                td { (counted(row.baseline_cycles)) }
                td { (counted(row.candidate_cycles)) }
            }
        }
    }
}

pub fn counts(bench: &Bench) -> Markup {
    let (baseline, candidate) = (&bench.setting.baseline.name, &bench.setting.candidate.name);
    let head = html! {
        tr {
            th rowspan="2" { "row" }
            th.text rowspan="2" { "what" }
            th.text rowspan="2" { "unit" }
            th.over colspan="2" { (baseline) }
            th.over colspan="2" { (candidate) }
        }
        tr {
            @for _ in 0..2 {
                th { "locks" }
                th { "atomics" }
            }
        }
    };
    let body = html! { @for row in &bench.counts { (one_count(row)) } };
    table("Figures: locks and atomic operations", head, body)
}

fn one_count(row: &Counts) -> Markup {
    html! {
        tr.above[!row.holds()] {
            th scope="row" { (name(&row.name)) }
            td.text.what { (row.what) }
            td.text { (row.unit) }
            @for count in [row.baseline, row.candidate] {
                td { (format!("{:.2}", count.locks)) }
                td { (format!("{:.2}", count.atomics)) }
            }
        }
    }
}

/// How each memory row ended.
pub fn memory(bench: &Bench) -> Markup {
    let (baseline, candidate) = (&bench.setting.baseline.name, &bench.setting.candidate.name);
    let head = html! {
        tr {
            th rowspan="2" { "row" }
            th rowspan="2" { "page tables" }
            th.over colspan="4" { (baseline) }
            th.over colspan="4" { (candidate) }
        }
        tr {
            @for _ in 0..2 {
                th { "RSS" }
                th { "VmPTE" }
                th { "needed" }
                th { "excess" }
            }
        }
    };
    let body = html! { @for row in &bench.memory { (one_memory(row)) } };
    table("Page tables at the end of each memory row", head, body)
}

fn one_memory(row: &Memory) -> Markup {
    let (before, after) = (row.baseline.last(), row.candidate.last());
    html! {
        tr {
            th scope="row" { (name(&row.name)) }
            @if row.skipped.is_some() {
                td.text colspan="9" { "skipped" }
            } @else {
                td {
                    @match (before, after) {
                        (Some(b), Some(a)) => { (change(b.vmpte_kb, a.vmpte_kb)) }
                        _ => { (NONE) }
                    }
                }
                (end(before))
                (end(after))
            }
        }
    }
}

fn end(moment: Option<&Moment>) -> Markup {
    html! {
        @if let Some(m) = moment {
            td { (format::kb(m.rss_kb)) }
            td { (format::kb(m.vmpte_kb)) }
            td { (format::kb(m.ideal_kb)) }
            td { (excess(m)) }
        } @else {
            td.text colspan="4" { (NOT_MEASURED) }
        }
    }
}

/// Tables may go between the two readings of a moment.
fn excess(moment: &Moment) -> String {
    if moment.vmpte_kb >= moment.ideal_kb {
        format::kb(moment.vmpte_kb - moment.ideal_kb)
    } else {
        format!("−{}", format::kb(moment.ideal_kb - moment.vmpte_kb))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_and_noise_are_words() {
        let row = Row {
            baseline: 100.0,
            candidate: 103.0,
            bar: Some(1.01),
            noise: 0.02,
            ..Row::default()
        };
        let text = one(3, &row).into_string();
        assert!(text.contains("id=\"row-3\""), "{text}");
        assert!(text.contains("above</strong>"), "{text}");
        assert!(text.contains("noisy</strong>"), "{text}");
    }

    #[test]
    fn cycles_only_where_some_were_counted() {
        let row = Wall::default();
        let shown = |cycles| one_wall(&row, cycles).into_string().matches("<td").count();
        assert_eq!(shown(true), shown(false) + 2);
    }

    #[test]
    fn less_than_needed_is_told() {
        let moment = Moment {
            vmpte_kb: 40,
            ideal_kb: 48,
            ..Moment::default()
        };
        assert_eq!(excess(&moment), "−8\u{202f}kB");
    }
}
