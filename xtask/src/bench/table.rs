// SPDX-License-Identifier: GPL-2.0

//! A bench on a terminal.

use super::judge;
use super::result::{Bench, Counts, Memory, Moment, Row, Setting, Wall};

pub fn render(bench: &Bench) -> String {
    let mut text = setting(&bench.setting);
    let names = (&bench.setting.baseline.name, &bench.setting.candidate.name);
    if !bench.rows.is_empty() {
        text.push_str(&rows(&bench.rows, names.0, names.1));
    }
    if !bench.wall.is_empty() {
        text.push_str(&wall(&bench.wall, names.0, names.1));
    }
    if !bench.counts.is_empty() {
        text.push_str(&counts(&bench.counts, names.0, names.1));
    }
    for memory in &bench.memory {
        text.push_str(&last(memory, names.0, names.1));
    }
    let complaints = judge::complaints(bench);
    if !complaints.is_empty() {
        text.push('\n');
    }
    for line in complaints {
        text.push_str(&format!("! {line}\n"));
    }
    text
}

/// What was measured, when, and from which tree.
fn setting(setting: &Setting) -> String {
    let from = &setting.provenance;
    let known = |text: &str| match text {
        "" => "not known".to_owned(),
        text => text.to_owned(),
    };
    let mut lines = vec![
        format!(
            "{} against {}",
            setting.candidate.title(),
            setting.baseline.title()
        ),
        format!("date (UTC): {}", known(&from.date)),
        format!("commit: {}", known(&from.commit)),
        format!(
            "hash of the tree: {}",
            known(&from.inputs.hash().unwrap_or_default())
        ),
    ];
    let tools = from.tools.entries();
    lines.extend(tools.map(|(what, version)| format!("{what}: {}", known(version))));
    lines
        .iter()
        .map(|line| format!("{line}\n"))
        .collect::<String>()
        + "\n"
}

/// Figure, figure, ratio, bar.
pub fn rows(rows: &[Row], baseline: &str, candidate: &str) -> String {
    let mut text = format!(
        "{:<24} {baseline:>12} {candidate:>12} {:>8} {:>8} {:>7}\n",
        "instructions", "ratio", "at most", "noise"
    );
    for row in rows {
        let bar = row.bar.map_or("-".to_owned(), |b| format!("{b:.3}"));
        let mut marks = String::new();
        if !row.holds() {
            marks.push_str("  TOO MANY");
        }
        if row.noisy() {
            marks.push_str("  NOISY");
        }
        text.push_str(&format!(
            "{:<24} {:>12.1} {:>12.1} {:>8.4} {bar:>8} {:>5.2} %{marks}\n",
            row.name,
            row.baseline,
            row.candidate,
            row.ratio(),
            row.noise * 100.0
        ));
    }
    text
}

fn wall(rows: &[Wall], baseline: &str, candidate: &str) -> String {
    let mut text = format!(
        "\n{:<24} {baseline:>12} {candidate:>12} {:>8}\n",
        "ns of wall time", "ratio"
    );
    for row in rows {
        text.push_str(&format!(
            "{:<24} {:>12.1} {:>12.1} {:>8.3}\n",
            row.name,
            row.baseline_ns,
            row.candidate_ns,
            row.candidate_ns / row.baseline_ns,
        ));
    }
    text
}

/// Of either kernel: locks taken, atomic operations.
pub fn counts(rows: &[Counts], baseline: &str, candidate: &str) -> String {
    let pair = |name: &str| format!("{name:>12} {:>9}", "");
    let mut text = format!(
        "\n{:<24}{}{}\n{:<24}{head}{head}\n",
        "",
        pair(baseline),
        pair(candidate),
        "of an operation",
        head = format!("{:>12} {:>9}", "locks", "atomics"),
    );
    for row in rows {
        let (theirs, ours) = (row.baseline, row.candidate);
        text.push_str(&format!(
            "{:<24}{:>12.2} {:>9.2}{:>12.2} {:>9.2}{}\n",
            row.name,
            theirs.locks,
            theirs.atomics,
            ours.locks,
            ours.atomics,
            if row.holds() { "" } else { "  TOO MANY" }
        ));
    }
    text
}

/// Where the curves end.
fn last(memory: &Memory, baseline: &str, candidate: &str) -> String {
    let Some((theirs, ours)) = memory.baseline.last().zip(memory.candidate.last()) else {
        return format!("{}: not measured\n", memory.name);
    };
    let end = |name: &str, moment: &Moment| {
        format!(
            "{name} {} kB of tables, {} needed",
            moment.vmpte_kb, moment.ideal_kb
        )
    };
    format!(
        "{}: {}; {}\n",
        memory.name,
        end(baseline, theirs),
        end(candidate, ours)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_comes_from_is_said() {
        let text = render(&super::super::report::sample::bench());
        for part in [
            "freepte (Linux 0.0.0-freepte) against stock (Linux 0.0.0)\n",
            "date (UTC): 0000-00-00 00:00",
            "commit: 0123456789ab+\n",
            "clang: clang 0.0.0\n",
            "rustc: rustc 0.0.0\n",
            "hash of the tree: not known\n",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn marks() {
        let row = Row {
            name: "a".into(),
            baseline: 100.0,
            candidate: 103.0,
            bar: Some(1.01),
            noise: 0.02,
            ..Row::default()
        };
        let text = rows(&[row], "stock", "freepte");
        assert!(text.contains("1.0300") && text.contains("TOO MANY") && text.contains("NOISY"));
    }
}
