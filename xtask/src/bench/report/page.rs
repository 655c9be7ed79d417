// SPDX-License-Identifier: GPL-2.0

//! The page: what is on it, and in which order.

use super::super::result::{Bench, Kernel, Memory, Moment, Row, Wall, NOISE_BAR};
use super::curves;
use super::format;
use super::ratios::{self, Bar};
use super::scale::Scale;
use super::summary;
use super::tables;
use super::verdict::{self, Verdict};
use anyhow::Result;
use maud::{html, Markup, PreEscaped, DOCTYPE};

pub fn page(bench: &Bench) -> Result<Markup> {
    let title = title(bench);
    let groups = groups(&bench.rows);
    let scale = Scale::over(everything_shown(bench));
    let instructions = instructions(bench, &groups, &scale)?;
    let wall = wall(bench, &scale)?;
    let memory = memory(bench)?;
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                header {
                    h1 { (title) }
                    (summary::paragraph(bench))
                    (contents(bench, &groups))
                }
                main {
                    (setting(bench))
                    (instructions)
                    (wall)
                    (counts(bench))
                    (memory)
                    (command(bench))
                }
            }
        }
    })
}

fn title(bench: &Bench) -> String {
    let name = |kernel: &Kernel, otherwise: &str| {
        if kernel.name.is_empty() {
            otherwise.to_owned()
        } else {
            kernel.name.clone()
        }
    };
    format!(
        "{} against {}",
        name(&bench.setting.candidate, "The candidate"),
        name(&bench.setting.baseline, "the baseline")
    )
}

type Group<'a> = (&'a str, Vec<(usize, &'a Row)>);

/// In the order in which they come; rows keep their numbers.
fn groups(rows: &[Row]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        match groups.iter_mut().find(|(name, _)| *name == row.group) {
            Some((_, members)) => members.push((n, row)),
            None => groups.push((&row.group, vec![(n, row)])),
        }
    }
    groups
}

/// All plots have the same axis.
fn everything_shown(bench: &Bench) -> impl Iterator<Item = f64> + '_ {
    let rows = bench.rows.iter();
    let ratios = rows.clone().filter_map(verdict::ratio);
    let bars = rows.filter_map(|row| row.bar);
    let wall = bench.wall.iter().filter_map(verdict::wall_ratio);
    ratios.chain(bars).chain(wall)
}

fn contents(bench: &Bench, groups: &[Group<'_>]) -> Markup {
    html! {
        nav aria-label="Contents" {
            a href="#setting" { "Setting" }
            @for (n, (name, _)) in groups.iter().enumerate() {
                a href={ "#group-" (n) } { (name) }
            }
            @if !bench.wall.is_empty() { a href="#wall" { "Wall time" } }
            @if !bench.counts.is_empty() { a href="#counts" { "Locks" } }
            @if !bench.memory.is_empty() { a href="#memory" { "Memory" } }
            a href="#command" { "Measure again" }
        }
    }
}

fn setting(bench: &Bench) -> Markup {
    let setting = &bench.setting;
    let from = &setting.provenance;
    let seconds = (setting.seconds > 0).then(|| format::duration(setting.seconds));
    let entries = [
        ("Date (UTC)", from.date.clone()),
        ("Took", seconds.unwrap_or_default()),
        ("Commit", from.commit.clone()),
        ("Hash of the tree", from.inputs.hash().unwrap_or_default()),
        ("Baseline", setting.baseline.title()),
        ("Candidate", setting.candidate.title()),
    ];
    let tools = from
        .tools
        .entries()
        .map(|(what, text)| (what, text.to_owned()));
    let machine = [
        ("Machine", from.qemu.clone()),
        ("Accelerator", from.accelerator.clone()),
        ("Processor", from.processor.clone()),
    ];
    let entries = entries.into_iter().chain(tools).chain(machine);
    html! {
        section #setting {
            h2 { "Setting" }
            dl {
                @for (what, text) in entries {
                    dt { (what) }
                    dd { @if text.is_empty() { "not known" } @else { (text) } }
                }
            }
        }
    }
}

fn instructions(bench: &Bench, groups: &[Group<'_>], scale: &Scale) -> Result<Markup> {
    if groups.is_empty() {
        return Ok(html! {});
    }
    let mut sections = Vec::new();
    for (n, (name, rows)) in groups.iter().enumerate() {
        let bars: Vec<Bar> = rows.iter().map(|(_, row)| bar_of(row)).collect();
        let plot = ratios::plot(&bars, scale, &format!("Ratios of {name}"))?;
        sections.push(html! {
            section.group id={ "group-" (n) } {
                h3 { (name) }
                figure { (plot) }
                (tables::rows(&bench.setting, name, rows))
            }
        });
    }
    Ok(html! {
        section {
            h2 { "Guest instructions per operation" }
            p {
                "Counted by the emulator ("
                code { "-icount" }
                "); a figure is the median of all rounds of a boot, the one in the middle of three. The ratio is "
                (bench.setting.candidate.name) " to " (bench.setting.baseline.name)
                ": less is better. Noise is how far the nearest other boot was from it; a row is noisy above "
                (format::percent(NOISE_BAR)) "."
            }
            (legend(&html! {
                (entry("within", "within its bar"))
                (entry("beyond", "above its bar, which is said below"))
                (entry("free", "has no bar"))
                (entry("limit", "the bar: at most"))
                (entry("noise", "no more than noise"))
            }))
            p.note { "Bars start at 1. The axis is stretched around it: read lengths by the ticks." }
            @for section in sections { (section) }
        }
    })
}

fn bar_of(row: &Row) -> Bar {
    let verdict = Verdict::of(row);
    let mut remarks = Vec::new();
    if verdict == Verdict::Above {
        remarks.push(format!("▲ above its bar of {}", format::bar(row.bar)));
    }
    if verdict != Verdict::NotMeasured && row.noisy() {
        let by = format::percent(row.noise);
        remarks.push(format!("noisy: the runs differ by {by}"));
    }
    Bar {
        name: row.name.clone(),
        ratio: verdict::ratio(row),
        limit: row.bar,
        verdict,
        remarks,
    }
}

fn wall(bench: &Bench, scale: &Scale) -> Result<Markup> {
    if bench.wall.is_empty() {
        return Ok(html! {});
    }
    let bars: Vec<Bar> = bench.wall.iter().map(bar_of_wall).collect();
    let plot = ratios::plot(&bars, scale, "Ratios of wall time")?;
    Ok(html! {
        section.group #wall {
            h2 { "Wall time" }
            p.wide { "Per operation, on one virtual CPU. No bars." }
            figure { (plot) }
            (tables::wall(bench))
        }
    })
}

fn bar_of_wall(row: &Wall) -> Bar {
    let ratio = verdict::wall_ratio(row);
    Bar {
        name: row.name.clone(),
        ratio,
        limit: None,
        verdict: ratio.map_or(Verdict::NotMeasured, |_| Verdict::NoBar),
        remarks: Vec::new(),
    }
}

fn counts(bench: &Bench) -> Markup {
    if bench.counts.is_empty() {
        return html! {};
    }
    html! {
        section.group #counts {
            h2 { "Locks and atomic operations" }
            p.wide {
                "What other processors may have to wait for, counted by the emulator: calls of "
                code { "_raw_*lock*" }
                " that take a lock; instructions with a lock prefix, and "
                code { "xchg" }
                " on memory. A figure is of the round with the fewest; there may be no more than on "
                (bench.setting.baseline.name) "."
            }
            (tables::counts(bench))
        }
    }
}

fn memory(bench: &Bench) -> Result<Markup> {
    if bench.memory.is_empty() {
        return Ok(html! {});
    }
    let mut figures = Vec::new();
    for row in &bench.memory {
        figures.push(curve(bench, row)?);
    }
    Ok(html! {
        section #memory {
            h2 { "Page tables over time" }
            p {
                "VmPTE is what the page tables of a process take, needed is what they would take if every empty one were gone. The table has the last moment of each row."
            }
            (tables::memory(bench))
            div.curves { @for figure in figures { (figure) } }
        }
    })
}

fn curve(bench: &Bench, row: &Memory) -> Result<Markup> {
    let names = [&bench.setting.baseline.name, &bench.setting.candidate.name];
    let label = format!("Page tables over time: {}", row.name);
    let plot = match row.skipped {
        Some(_) => None,
        None => curves::plot(row, &label)?,
    };
    Ok(html! {
        figure {
            figcaption { code { (row.name) } " " (row.title) }
            @if let Some(plot) = plot {
                (plot)
            } @else {
                p.missing {
                    @if let Some(why) = &row.skipped {
                        strong { "Skipped: " } (why)
                    } @else {
                        (format::NOT_MEASURED)
                    }
                }
            }
            @if row.skipped.is_none() { (legend(&curve_legend(names, row))) }
        }
    })
}

/// What the lines are, and how they end.
fn curve_legend(names: [&String; 2], row: &Memory) -> Markup {
    let [baseline, candidate] = names;
    let shown = curves::first_of(row);
    let peak = shown.iter().map(|m| m.rss_kb).max().unwrap_or(0);
    html! {
        (last("baseline", baseline, row.baseline.last()))
        (last("candidate", candidate, row.candidate.last()))
        @if let Some(end) = shown.last() {
            (entry("ideal", &format!("needed {}", format::kb(end.ideal_kb))))
            @let rss = format!("{}, its peak {}", format::kb(end.rss_kb), format::kb(peak));
            (entry("rss", &format!("RSS (own scale) {rss}")))
        }
    }
}

fn last(kind: &str, name: &str, moment: Option<&Moment>) -> Markup {
    html! {
        @if let Some(moment) = moment {
            (entry(kind, &format!("{name} {}", format::kb(moment.vmpte_kb))))
        } @else {
            span.entry { strong { (format::NOT_MEASURED) " on " (name) } } " "
        }
    }
}

fn entry(kind: &str, text: &str) -> Markup {
    html! { span.entry { i class={ "swatch " (kind) } {} (text) } " " }
}

fn legend(entries: &Markup) -> Markup {
    html! { p.legend { (entries) } }
}

fn command(bench: &Bench) -> Markup {
    html! {
        section #command {
            h2 { "Measure again" }
            @if bench.setting.provenance.command.is_empty() {
                p { "The command is not known." }
            } @else {
                p { "In the repository, at the commit above:" }
                pre {
                    code {
                        @for (n, word) in bench.setting.provenance.command.split(' ').enumerate() {
                            @if n > 0 { " " }
                            span.word { (word) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_group_come_together() {
        let rows = ["a", "b", "a"].map(|group| Row {
            group: group.into(),
            ..Row::default()
        });
        let found: Vec<(&str, Vec<usize>)> = groups(&rows)
            .into_iter()
            .map(|(name, rows)| (name, rows.into_iter().map(|(n, _)| n).collect()))
            .collect();
        assert_eq!(found, [("a", vec![0, 2]), ("b", vec![1])]);
    }
}
