// SPDX-License-Identifier: GPL-2.0

//! What a bench says as a whole, in one paragraph.

use super::super::result::{Bench, Memory, Row};
use super::format::{self, count};
use super::verdict::{self, Verdict};
use maud::{html, Markup};

/// The place of a row in the page.
pub fn anchor(row: usize) -> String {
    format!("row-{row}")
}

/// Page tables when the memory rows ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    pub rows: usize,
    pub baseline_kb: u64,
    pub candidate_kb: u64,
    /// What the candidate's had to take
    pub ideal_kb: u64,
}

impl Tables {
    /// Over the rows that both kernels have.
    pub fn at_the_end(memory: &[Memory]) -> Self {
        let ends = memory
            .iter()
            .filter(|m| m.skipped.is_none())
            .filter_map(|m| Some((m.baseline.last()?, m.candidate.last()?)));
        ends.fold(Self::default(), |sum, (baseline, candidate)| Self {
            rows: sum.rows + 1,
            baseline_kb: sum.baseline_kb.saturating_add(baseline.vmpte_kb),
            candidate_kb: sum.candidate_kb.saturating_add(candidate.vmpte_kb),
            ideal_kb: sum.ideal_kb.saturating_add(candidate.ideal_kb),
        })
    }
}

pub fn paragraph(bench: &Bench) -> Markup {
    let tables = Tables::at_the_end(&bench.memory);
    let counted = bench.counts.len();
    let more = bench.counts.iter().filter(|row| !row.holds()).count();
    let measured = bench.rows.iter().any(|r| verdict::ratio(r).is_some());
    html! {
        p.summary {
            @if !measured && counted == 0 && tables.rows == 0 {
                strong { "Nothing was measured." } " "
            }
            @if !bench.rows.is_empty() { (instructions(&bench.rows)) }
            @if counted > 0 {
                "In " (count(counted, "row", "rows")) " locks and atomic operations were counted: "
                @if more == 0 {
                    "in none are there more. "
                } @else {
                    strong.bad { "in " (more) " there are more" } ". "
                }
            }
            @if tables.rows > 0 { (page_tables(bench, &tables)) }
        }
    }
}

fn instructions(rows: &[Row]) -> Markup {
    let with = |wanted: Verdict| -> Vec<usize> {
        let is = |row: &Row| Verdict::of(row) == wanted;
        (0..)
            .zip(rows)
            .filter(|(_, r)| is(r))
            .map(|(n, _)| n)
            .collect()
    };
    let within = with(Verdict::Within).len();
    let above = with(Verdict::Above);
    let no_bar = with(Verdict::NoBar).len();
    let missing = with(Verdict::NotMeasured);
    let measured = rows.len() - missing.len();
    let noisy: Vec<usize> = (0..)
        .zip(rows)
        .filter(|(_, r)| r.noisy() && Verdict::of(r) != Verdict::NotMeasured)
        .map(|(n, _)| n)
        .collect();
    html! {
        (measured) " of " (count(rows.len(), "row was", "rows were")) " measured: "
        strong { (count(within, "is within its bar", "are within their bars")) }
        @if no_bar > 0 { ", " (count(no_bar, "has", "have")) " no bar" }
        @if above.is_empty() {
            ", none is above. "
        } @else {
            ", "
            strong.bad { (count(above.len(), "is above its bar", "are above their bars")) ": " }
            (names(rows, &above)) ". "
        }
        @if !missing.is_empty() { "Not measured: " (names(rows, &missing)) ". " }
        @if measured > 0 && noisy.is_empty() {
            "None is noisy. "
        } @else if !noisy.is_empty() {
            (count(noisy.len(), "is", "are")) " noisy: " (names(rows, &noisy)) ". "
        }
        @if let Some(middle) = middle(rows) {
            "The middle ratio is " (format::ratio(Some(middle), None)) ". "
        }
    }
}

fn names(rows: &[Row], which: &[usize]) -> Markup {
    html! {
        @for (n, &row) in which.iter().enumerate() {
            @if n > 0 { ", " }
            @if let Some(found) = rows.get(row) {
                a href={ "#" (anchor(row)) } { (name(&found.name)) }
            }
        }
    }
}

/// A name that may go on in the next line after each "_".
pub fn name(name: &str) -> Markup {
    html! {
        @for (n, part) in name.split_inclusive('_').enumerate() {
            @if n > 0 { wbr; }
            (part)
        }
    }
}

fn middle(rows: &[Row]) -> Option<f64> {
    let mut ratios: Vec<f64> = rows.iter().filter_map(verdict::ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let upper = *ratios.get(ratios.len() / 2)?;
    let lower = *ratios.get((ratios.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

fn page_tables(bench: &Bench, tables: &Tables) -> Markup {
    html! {
        "When " (count(tables.rows, "memory row", "memory rows")) " ended, page tables took "
        (format::kb(tables.baseline_kb)) " on " (bench.setting.baseline.name) " and "
        (format::kb(tables.candidate_kb)) " on " (bench.setting.candidate.name) ", "
        strong { (change(tables.baseline_kb, tables.candidate_kb)) }
        "; " (format::kb(tables.ideal_kb)) " were needed."
    }
}

/// How much less, or more, the second is.
pub fn change(before: u64, after: u64) -> String {
    let word = match after.cmp(&before) {
        std::cmp::Ordering::Equal => return "the same".to_owned(),
        std::cmp::Ordering::Less => "less",
        std::cmp::Ordering::Greater => "more",
    };
    let by = before.abs_diff(after);
    let part =
        (before > 0).then(|| format!(" ({:.0}\u{202f}%)", by as f64 / before as f64 * 100.0));
    format!("{}{} {word}", format::kb(by), part.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::super::result::Moment;
    use super::*;

    fn row(ratio: f64) -> Row {
        Row {
            baseline: 100.0,
            candidate: 100.0 * ratio,
            ..Row::default()
        }
    }

    fn memory(baseline: &[u64], candidate: &[u64]) -> Memory {
        let series = |list: &[u64]| {
            let moment = |&vmpte_kb| Moment {
                vmpte_kb,
                ideal_kb: 1,
                ..Moment::default()
            };
            list.iter().map(moment).collect()
        };
        Memory {
            baseline: series(baseline),
            candidate: series(candidate),
            ..Memory::default()
        }
    }

    #[test]
    fn the_middle() {
        assert_eq!(middle(&[]), None);
        assert_eq!(middle(&[row(0.0)]), None);
        assert_eq!(middle(&[row(2.0), row(1.0), row(9.0)]), Some(2.0));
        assert_eq!(middle(&[row(1.0), row(2.0)]), Some(1.5));
    }

    #[test]
    fn only_rows_of_both_kernels_are_summed() {
        let rows = [
            memory(&[50, 40], &[50, 10]),
            memory(&[7], &[]),
            memory(&[8], &[8]),
        ];
        let expected = Tables {
            rows: 2,
            baseline_kb: 48,
            candidate_kb: 18,
            ideal_kb: 2,
        };
        assert_eq!(Tables::at_the_end(&rows), expected);
    }

    #[test]
    fn changes() {
        assert_eq!(change(100, 25), "75\u{202f}kB (75\u{202f}%) less");
        assert_eq!(change(100, 150), "50\u{202f}kB (50\u{202f}%) more");
        assert_eq!(change(0, 4), "4\u{202f}kB more");
        assert_eq!(change(4, 4), "the same");
    }
}
