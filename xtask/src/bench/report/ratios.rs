// SPDX-License-Identifier: GPL-2.0

//! Ratios as bars that start at 1: what is cheaper goes to the left, what is dearer to the right.

use super::super::result::NOISE_BAR;
use super::canvas::{self, anchored, font, px, stroke, Area};
use super::format;
use super::scale::Scale;
use super::verdict::Verdict;
use anyhow::Result;
use maud::Markup;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

/// One row of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    pub name: String,
    pub ratio: Option<f64>,
    pub limit: Option<f64>,
    pub verdict: Verdict,
    /// Said below the bar
    pub remarks: Vec<String>,
}

// Heights of a row's parts.
const NAME: f64 = 14.0;
const BAR: f64 = 9.0;
const REMARK: f64 = 14.0;
const GAP: f64 = 10.0;
/// Of the labels above and below all rows.
const LABELS: f64 = 18.0;
const SIDES: f64 = 16.0;
/// Longer names would meet the ratio.
const NAME_MOST: usize = 36;
const REMARK_MOST: usize = 56;

impl Bar {
    fn height(&self) -> f64 {
        NAME + BAR + REMARK * self.remarks.len() as f64 + GAP
    }

    fn color(&self) -> RGBColor {
        match self.verdict {
            Verdict::Within => canvas::WITHIN,
            Verdict::Above => canvas::ABOVE,
            Verdict::NoBar | Verdict::NotMeasured => canvas::NO_BAR,
        }
    }
}

pub fn plot(bars: &[Bar], scale: &Scale, label: &str) -> Result<Markup> {
    let rows = GAP + bars.iter().map(Bar::height).sum::<f64>();
    let height = (rows + 3.0 * LABELS).ceil() as i32;
    canvas::plot(height, label, |area| paint(area, bars, scale, rows))
}

fn paint(area: &Area<'_>, bars: &[Bar], scale: &Scale, rows: f64) -> Result<()> {
    directions(area, scale)?;
    let mut chart = ChartBuilder::on(area)
        .margin_left(px(SIDES))
        .margin_right(px(SIDES))
        .margin_top(px(LABELS))
        .set_label_area_size(LabelAreaPosition::Top, px(LABELS))
        .set_label_area_size(LabelAreaPosition::Bottom, px(LABELS))
        // Rows go down.
        .build_cartesian_2d(scale.clone(), rows..0.0)?;

    // What is not more than noise.
    let noise = [(1.0 - NOISE_BAR, rows), (1.0 + NOISE_BAR, 0.0)];
    chart.draw_series([Rectangle::new(noise, canvas::NOISE.filled())])?;

    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .y_labels(0)
        .x_max_light_lines(0)
        .bold_line_style(stroke(canvas::GRID, 1.0))
        .axis_style(stroke(canvas::AXIS, 1.0))
        .label_style(font(11.0, canvas::FAINT_INK))
        .set_all_tick_mark_size(px(2.0))
        .x_label_formatter(&f64::to_string)
        .draw()?;
    let one = [(1.0, 0.0), (1.0, rows)];
    chart.draw_series([PathElement::new(one, stroke(canvas::INK, 1.5))])?;

    let (left, right) = (scale.range().start, scale.range().end);
    let name = anchored(font(12.0, canvas::INK), HPos::Left, VPos::Top);
    let remark = anchored(font(11.0, canvas::INK), HPos::Left, VPos::Top);
    let mut y = GAP;
    for (n, bar) in bars.iter().enumerate() {
        if n > 0 {
            let between = [(left, y - GAP / 2.0), (right, y - GAP / 2.0)];
            chart.draw_series([PathElement::new(between, stroke(canvas::GRID, 1.0))])?;
        }
        let text = shortened(&bar.name, NAME_MOST);
        chart.draw_series([Text::new(text, (left, y), name.clone())])?;
        let text = format::ratio(bar.ratio, bar.limit);
        let figure = anchored(font(12.0, bar_ink(bar)), HPos::Right, VPos::Top);
        chart.draw_series([Text::new(text, (right, y), figure)])?;

        let (top, bottom) = (y + NAME, y + NAME + BAR);
        if let Some(ratio) = bar.ratio {
            let corners = [(1.0, top), (ratio, bottom)];
            chart.draw_series([Rectangle::new(corners, bar.color().filled())])?;
        }
        let limit = bar.ratio.and(bar.limit);
        if let Some(limit) = limit.filter(|l| l.is_finite()) {
            let mark = [(limit, top - 2.0), (limit, bottom + 2.0)];
            chart.draw_series([PathElement::new(mark, stroke(canvas::LIMIT, 2.5))])?;
        }
        for (n, text) in bar.remarks.iter().enumerate() {
            let below = bottom + 3.0 + REMARK * n as f64;
            let text = shortened(text, REMARK_MOST);
            chart.draw_series([Text::new(text, (left, below), remark.clone())])?;
        }
        y += bar.height();
    }
    Ok(())
}

/// Which side is which.
fn directions(area: &Area<'_>, scale: &Scale) -> Result<()> {
    let width = f64::from(canvas::WIDTH) - 2.0 * SIDES;
    let one = SIDES + width * scale.place(1.0);
    let style = font(11.0, canvas::FAINT_INK);
    for (text, x, side) in [
        ("← cheaper", one - 8.0, HPos::Right),
        ("dearer →", one + 8.0, HPos::Left),
    ] {
        let style = anchored(style.clone(), side, VPos::Top);
        area.draw(&Text::new(text, (px(x), px(3.0)), style))?;
    }
    Ok(())
}

fn bar_ink(bar: &Bar) -> RGBColor {
    match bar.verdict {
        Verdict::NotMeasured => canvas::FAINT_INK,
        _ => canvas::INK,
    }
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(ratio: Option<f64>, verdict: Verdict) -> Bar {
        Bar {
            name: "a_row".into(),
            ratio,
            limit: Some(1.01),
            verdict,
            remarks: vec!["above its bar of 1.010".into()],
        }
    }

    #[test]
    fn a_row_has_name_ratio_and_remark() -> Result<()> {
        let bars = [bar(Some(1.02), Verdict::Above)];
        let scale = Scale::over([1.02].into_iter());
        let svg = plot(&bars, &scale, "x")?.into_string();
        for text in ["a_row", "1.0200", "above its bar of 1.010", "#D55E00"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        Ok(())
    }

    #[test]
    fn no_ratio_no_bar() -> Result<()> {
        let scale = Scale::over(std::iter::empty());
        let svg = plot(&[bar(None, Verdict::NotMeasured)], &scale, "x")?.into_string();
        assert!(svg.contains("not measured"), "{svg}");
        assert!(!svg.contains("#8A8F94"), "{svg}");
        Ok(())
    }

    #[test]
    fn long_names_end() {
        assert_eq!(shortened("abcdef", 4), "abc…");
        assert_eq!(shortened("äöüß", 4), "äöüß");
    }
}
