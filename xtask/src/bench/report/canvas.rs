// SPDX-License-Identifier: GPL-2.0

//! Plots as SVG that stands inside of the page and takes its style from there.

use anyhow::{Context, Result};
use maud::{html, Markup, PreEscaped};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Plots are drawn for this width; a phone shows them at about their own size.
pub const WIDTH: i32 = 340;

/// Of what is drawn, to a pixel of the page: plotters knows whole numbers only.
const FINE: i32 = 4;

/// The style sheet finds what is drawn by these colours, and changes them in the dark.
/// Blue and vermilion are told apart by all who see colours at all.
pub const BASELINE: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
pub const CANDIDATE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
pub const IDEAL: RGBColor = RGBColor(0x1B, 0x1B, 0x1B);
pub const RSS: RGBColor = RGBColor(0xE3, 0xE6, 0xE9);
pub const WITHIN: RGBColor = CANDIDATE;
pub const ABOVE: RGBColor = BASELINE;
pub const NO_BAR: RGBColor = RGBColor(0x8A, 0x8F, 0x94);
pub const LIMIT: RGBColor = RGBColor(0x1C, 0x1C, 0x1C);
pub const NOISE: RGBColor = RGBColor(0xEC, 0xEE, 0xF0);
pub const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub const FAINT_INK: RGBColor = RGBColor(0x5A, 0x5F, 0x64);
pub const AXIS: RGBColor = RGBColor(0x70, 0x75, 0x7A);
pub const GRID: RGBColor = RGBColor(0xDA, 0xDD, 0xE0);

pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Pixels of the page in what is drawn.
pub fn px(pixels: f64) -> i32 {
    (pixels * f64::from(FINE)).round() as i32
}

/// The width of a line.
pub fn stroke(color: RGBColor, pixels: f64) -> ShapeStyle {
    color.stroke_width(px(pixels).unsigned_abs())
}

pub fn font(pixels: f64, color: RGBColor) -> TextStyle<'static> {
    // What plotters calls the size is the height of a line.
    let size = f64::from(px(pixels)) * 1.24;
    ("sans-serif", size).into_font().color(&color)
}

pub fn anchored(style: TextStyle<'static>, h: HPos, v: VPos) -> TextStyle<'static> {
    style.pos(Pos::new(h, v))
}

/// Draw into a plot of the usual width, which is as wide as its place in the page then.
pub fn plot(
    height: i32,
    label: &str,
    paint: impl FnOnce(&Area<'_>) -> Result<()>,
) -> Result<Markup> {
    let size = (WIDTH * FINE, height * FINE);
    let mut text = String::new();
    {
        let backend =
            SVGBackend::with_string(&mut text, (size.0.unsigned_abs(), size.1.unsigned_abs()));
        let area = backend.into_drawing_area();
        paint(&area)?;
        area.present()?;
    }
    // The tag of its own has a fixed size, and a name space that HTML does not need.
    let inner = text
        .split_once('>')
        .and_then(|(_, rest)| rest.trim_end().strip_suffix("</svg>"))
        .context("plotters made no SVG")?;
    let view = format!("0 0 {} {}", size.0, size.1);
    Ok(html! {
        svg.plot viewBox=(view) role="img" aria-label=(label) { (PreEscaped(inner)) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_stands_in_the_page() -> Result<()> {
        let svg = plot(50, "a \"label\"", |area| {
            let style = font(12.0, INK);
            area.draw(&Text::new("a < b", (0, 0), style))?;
            Ok(())
        })?
        .into_string();
        assert!(svg.starts_with("<svg class=\"plot\" viewBox=\"0 0 1360 200\""));
        assert!(svg.ends_with("</svg>"));
        assert_eq!(svg.matches("svg").count(), 2, "{svg}");
        assert!(svg.contains("a &lt; b"), "{svg}");
        assert!(svg.contains("a &quot;label&quot;"), "{svg}");
        Ok(())
    }

    #[test]
    fn the_style_sheet_knows_the_colours() {
        let sheet = include_str!("style.css");
        for RGBColor(r, g, b) in [
            BASELINE, CANDIDATE, IDEAL, RSS, NO_BAR, LIMIT, NOISE, INK, FAINT_INK, AXIS, GRID,
        ] {
            let selector = format!("=\"#{r:02X}{g:02X}{b:02X}\"]");
            assert!(sheet.contains(&selector), "{selector}");
        }
    }
}
