// SPDX-License-Identifier: GPL-2.0

//! A process's page tables over time, on both kernels, in one plot.

use super::super::result::{Memory, Moment};
use super::canvas::{self, font, px, stroke, Area};
use super::format;
use anyhow::Result;
use maud::Markup;
use plotters::prelude::*;

const HEIGHT: i32 = 190;

/// Page tables from here on are told in MB.
const BIG_KB: f64 = 4096.0;

/// Time in s, and an amount.
type Line = Vec<(f64, f64)>;

/// Nothing when neither kernel has anything to show.
pub fn plot(memory: &Memory, label: &str) -> Result<Option<Markup>> {
    if memory.baseline.is_empty() && memory.candidate.is_empty() {
        return Ok(None);
    }
    canvas::plot(HEIGHT, label, |area| paint(area, memory)).map(Some)
}

fn paint(area: &Area<'_>, memory: &Memory) -> Result<()> {
    let all = || memory.baseline.iter().chain(&memory.candidate);
    let most = |value: fn(&Moment) -> u64| all().map(value).max().unwrap_or(0).max(1) as f64;
    let tables = most(|m| m.vmpte_kb).max(most(|m| m.ideal_kb));
    let (unit, kb) = if tables >= BIG_KB {
        ("MB", 1024.0)
    } else {
        ("kB", 1.0)
    };
    let end = most(|m| m.ms) / 1000.0;
    let top = tables / kb * 1.08;

    let mut chart = ChartBuilder::on(area)
        .margin_top(px(8.0))
        .margin_right(px(16.0))
        .x_label_area_size(px(20.0))
        .y_label_area_size(px(54.0))
        .build_cartesian_2d(0.0..end, 0.0..top)?;

    // RSS has another unit: it is there to show when the memory came and went.
    let rss = most(|m| m.rss_kb);
    let ours = first_of(memory);
    let mut shape = line(ours, |m| m.rss_kb as f64 / rss * top);
    if let (Some(&(first, _)), Some(&(last, _))) = (shape.first(), shape.last()) {
        shape.extend([(last, 0.0), (first, 0.0)]);
        chart.draw_series([Polygon::new(shape, canvas::RSS.filled())])?;
    }

    chart
        .configure_mesh()
        .x_max_light_lines(0)
        .y_max_light_lines(0)
        .x_labels(5)
        .y_labels(5)
        .bold_line_style(stroke(canvas::GRID, 1.0))
        .axis_style(stroke(canvas::AXIS, 1.0))
        .label_style(font(11.0, canvas::FAINT_INK))
        .set_all_tick_mark_size(px(3.0))
        .x_label_formatter(&|seconds| format::tick(*seconds, "s"))
        .y_label_formatter(&|amount| format::tick(*amount, unit))
        .draw()?;

    // From the widest to the narrowest: where they are equal all of them are seen.
    for (moments, value, color, width) in [
        (
            &memory.baseline,
            vmpte as fn(&Moment) -> u64,
            canvas::BASELINE,
            6.0,
        ),
        (&memory.candidate, vmpte, canvas::CANDIDATE, 3.0),
        (ours, ideal, canvas::IDEAL, 1.2),
    ] {
        let points = line(moments, |m| value(m) as f64 / kb);
        chart.draw_series([PathElement::new(points, stroke(color, width))])?;
    }
    Ok(())
}

fn vmpte(moment: &Moment) -> u64 {
    moment.vmpte_kb
}

fn ideal(moment: &Moment) -> u64 {
    moment.ideal_kb
}

/// Whose RSS and need are shown: the candidate's where it was measured.
pub fn first_of(memory: &Memory) -> &Vec<Moment> {
    if memory.candidate.is_empty() {
        &memory.baseline
    } else {
        &memory.candidate
    }
}

/// Without the points between two of the same height.
fn line(moments: &[Moment], value: impl Fn(&Moment) -> f64) -> Line {
    let points: Line = moments
        .iter()
        .map(|m| (m.ms as f64 / 1000.0, value(m)))
        .collect();
    let inner = |n: usize| {
        let (before, after) = (n.checked_sub(1)?, n.checked_add(1)?);
        Some((points.get(before)?.1, points.get(after)?.1))
    };
    points
        .iter()
        .enumerate()
        .filter(|&(n, &(_, y))| inner(n) != Some((y, y)))
        .map(|(_, &point)| point)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(ms: u64, vmpte_kb: u64) -> Moment {
        Moment {
            ms,
            vmpte_kb,
            ..Moment::default()
        }
    }

    #[test]
    fn flat_parts_need_two_points() {
        let moments: Vec<Moment> = [8, 8, 8, 8, 4, 4, 4, 9]
            .into_iter()
            .zip(0..)
            .map(|(kb, n)| moment(n * 1000, kb))
            .collect();
        let points = line(&moments, |m| m.vmpte_kb as f64);
        assert_eq!(
            points,
            [(0.0, 8.0), (3.0, 8.0), (4.0, 4.0), (6.0, 4.0), (7.0, 9.0)]
        );
    }

    #[test]
    fn nothing_to_show() -> Result<()> {
        assert!(plot(&Memory::default(), "x")?.is_none());
        Ok(())
    }

    #[test]
    fn few_or_zero_moments_do_not_hurt() -> Result<()> {
        for candidate in [
            vec![Moment::default()],
            vec![moment(0, 40), moment(0, 40)],
            vec![moment(50, 0), moment(100, u64::MAX)],
        ] {
            let memory = Memory {
                candidate,
                ..Memory::default()
            };
            let svg = plot(&memory, "x")?.map(Markup::into_string);
            let svg = svg.unwrap_or_default();
            assert!(svg.contains("<polyline"), "{svg}");
            assert!(!svg.contains("NaN"), "{svg}");
        }
        Ok(())
    }
}
