// SPDX-License-Identifier: GPL-2.0

//! The picture: a row for each level, the address space across, the population as shade.

use super::axis::{self, Axis, Gap, Placed, CELLS};
use super::cells::{self, Group};
use super::tree::{Level, Tree, ENTRIES};
use std::fmt::{self, Write};

const WIDTH: f64 = 1240.0;
const LEFT: f64 = 130.0;
const RIGHT: f64 = WIDTH - 20.0;
const TOP: f64 = 56.0;
const ROW: f64 = 44.0;
const BAR: f64 = 34.0;
/// A table alone would else be as wide as the picture.
const WIDEST: f64 = 60.0;
/// What an address needs below the rows.
const LABEL: f64 = 92.0;

const STYLE: &str = "text{font:13px sans-serif;fill:#222}\
                     .head{font-size:17px}.small{font-size:11px;fill:#555}\
                     .held{stroke:#111;stroke-width:1.5}";
const EMPTY: &str = "#d1495b";
const LINE: &str = "#999";

/// Draw a tree; the caption says whose it is.
pub fn draw(tree: &Tree, caption: &str) -> String {
    let mut svg = String::new();
    // Writing to a String does not fail.
    let _ = picture(&mut svg, tree, caption);
    svg
}

fn picture(svg: &mut String, tree: &Tree, caption: &str) -> fmt::Result {
    let levels = Level::ALL.map(|level| (level, tree.totals.tables[level as usize]));
    let rows: Vec<_> = levels.iter().filter(|(_, count)| *count > 0).collect();
    let bottom = TOP + ROW * rows.len() as f64;
    let height = bottom + 132.0;
    let caption = escape(caption);
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-label=\"page tables of {caption}\">"
    )?;
    writeln!(svg, "<style>{STYLE}</style>")?;
    writeln!(
        svg,
        "<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>"
    )?;
    text(
        svg,
        (20.0, 30.0),
        "head",
        &format!("Page tables of {caption}"),
    )?;

    let (axis, placed) = axis::place(tree, LEFT..RIGHT, WIDEST);
    for gap in &axis.gaps {
        draw_gap(svg, &axis, gap, bottom)?;
    }
    for (row, (level, count)) in rows.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        let label = format!("{}: {count}", level.name());
        text(svg, (20.0, y + BAR / 2.0 + 5.0), "", &label)?;
        draw_row(svg, &axis, &placed, *level, y)?;
    }
    addresses(svg, &axis, bottom)?;
    totals(svg, tree, bottom + 52.0)?;
    legend(svg, bottom + 74.0)?;
    writeln!(svg, "</svg>")
}

fn draw_row(svg: &mut String, axis: &Axis, placed: &[Placed], level: Level, y: f64) -> fmt::Result {
    let tables = placed.iter().filter(|p| p.table.level == level);
    for group in cells::groups(tables) {
        let (left, right) = axis.span(&group.cells);
        // Tables side by side are told apart as long as there is room for a line.
        let width = right - left - if right - left > 4.0 { 1.0 } else { 0.0 };
        let held = if group.refs > 0 {
            " class=\"held\""
        } else {
            ""
        };
        writeln!(
            svg,
            "<g><title>{}</title>\
             <rect x=\"{left:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" \
             fill=\"{}\"{held}/>",
            tooltip(&group),
            shade(group.share())
        )?;
        if group.empty > 0 {
            let part = BAR * group.empty_share();
            writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{part:.1}\" \
                 fill=\"{EMPTY}\"/>",
                y + BAR - part
            )?;
        }
        writeln!(svg, "</g>")?;
    }
    Ok(())
}

fn draw_gap(svg: &mut String, axis: &Axis, gap: &Gap, bottom: f64) -> fmt::Result {
    let (left, right) = axis.gap_span(gap);
    let x = (left + right) / 2.0;
    writeln!(
        svg,
        "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"{LINE}\" \
         stroke-width=\"{:.1}\" stroke-dasharray=\"2 4\">\
         <title>no tables for {}: {:#x}-{:#x}</title></line>",
        ((right - left) / 6.0).min(1.0),
        bytes(gap.range.end - gap.range.start),
        gap.range.start,
        gap.range.end
    )
}

/// The addresses of tables that come after a gap, in two lines, as far as there is room.
fn addresses(svg: &mut String, axis: &Axis, y: f64) -> fmt::Result {
    let mut lines = [(y + 14.0, 0.0), (y + 27.0, 0.0)];
    for (cell, address) in axis.run_starts() {
        let (x, _) = axis.span(&(cell..cell + 1));
        let left = x.min(WIDTH - LABEL);
        let Some((base, free)) = lines.iter_mut().find(|(_, free)| left >= *free) else {
            continue;
        };
        *free = left + LABEL;
        writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{y}\" x2=\"{x:.1}\" y2=\"{}\" stroke=\"{LINE}\"/>",
            y + 4.0
        )?;
        text(svg, (left, *base), "small", &format!("{address:#014x}"))?;
    }
    Ok(())
}

fn totals(svg: &mut String, tree: &Tree, y: f64) -> fmt::Result {
    let totals = &tree.totals;
    let empty = tree.empty();
    let line = format!(
        "{} tables, {} kB; {} of {} entries of PTE tables populated ({}); {empty} PTE tables empty",
        totals.all(),
        totals.kb,
        totals.populated,
        totals.entries(),
        percent(totals.populated, totals.entries()),
    );
    text(svg, (20.0, y), "", &line)
}

fn legend(svg: &mut String, y: f64) -> fmt::Result {
    text(svg, (20.0, y + 15.0), "", "entries")?;
    let mut x = LEFT;
    let mut swatch = |svg: &mut String, fill: &str, class: &str, label: &str, room: f64| {
        writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"20\" height=\"20\" fill=\"{fill}\"{class}/>"
        )?;
        text(svg, (x + 26.0, y + 15.0), "", label)?;
        x += room;
        Ok(())
    };
    for populated in [1, ENTRIES / 4, ENTRIES / 2, ENTRIES] {
        let fill = shade(f64::from(populated) / f64::from(ENTRIES));
        swatch(svg, &fill, "", &populated.to_string(), 72.0)?;
    }
    let what = "none: the table is empty (in part: so many of those drawn here)";
    swatch(svg, EMPTY, "", what, 430.0)?;
    swatch(
        svg,
        "#fff",
        " class=\"held\"",
        "has long-lived references",
        0.0,
    )?;
    let notes = format!(
        "A row is a level, with its number of tables (of 4 kB and {ENTRIES} entries each). \
         Across: a column for each table without tables below it, in order of address; \
         dashed: no tables in between. At most {CELLS} cells a row: more share one."
    );
    text(svg, (20.0, y + 44.0), "small", &notes)
}

fn tooltip(group: &Group) -> String {
    let name = group.first.level.name();
    if group.first.level == Level::Pgd {
        return format!("{name}: {} of {ENTRIES} entries populated", group.populated);
    }
    let (start, end) = (group.first.start, group.last.range().end);
    if group.tables == 1 {
        let refs = group
            .first
            .refs
            .map_or(String::new(), |refs| format!(", {refs} refs"));
        return format!(
            "{name} {start:#x}-{end:#x}: {} of {ENTRIES} entries populated{refs}",
            group.populated
        );
    }
    let (least, most) = group.extremes;
    format!(
        "{} {name} tables in {start:#x}-{end:#x}: {} of {} entries populated \
         ({least} to {most} each), {} tables empty, {} refs",
        group.tables,
        group.populated,
        group.tables * u64::from(ENTRIES),
        group.empty,
        group.refs
    )
}

/// From pale to dark with the share of entries that are populated.
fn shade(share: f64) -> String {
    const PALE: [f64; 3] = [219.0, 232.0, 245.0];
    const DARK: [f64; 3] = [11.0, 56.0, 110.0];
    let mut colour = String::from("#");
    for (pale, dark) in PALE.iter().zip(DARK) {
        let part = pale + (dark - pale) * share.clamp(0.0, 1.0);
        let _ = write!(colour, "{:02x}", part.round() as u8);
    }
    colour
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.1} %", 100.0 * part as f64 / whole as f64)
}

/// In the largest unit of which there is at least one.
fn bytes(count: u64) -> String {
    let (unit, shift) = [("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20)]
        .into_iter()
        .find(|(_, shift)| count >> shift > 0)
        .unwrap_or(("KiB", 10));
    format!("{:.1} {unit}", count as f64 / (1u64 << shift) as f64)
}

/// Text that is markup already, or has none in it.
fn text(svg: &mut String, (x, y): (f64, f64), class: &str, text: &str) -> fmt::Result {
    let class = if class.is_empty() {
        String::new()
    } else {
        format!(" class=\"{class}\"")
    };
    writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\"{class}>{text}</text>")
}

/// As text between tags or in quotes; XML has no way to write most control characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('?'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::{print, small, table};
    use super::super::tree::Table;
    use super::*;
    use anyhow::Result;

    fn drawn(tables: &[Table]) -> Result<String> {
        Ok(draw(&Tree::parse(&print(tables))?, "PID 1 (init)"))
    }

    /// The elements of a kind.
    fn count(svg: &str, element: &str) -> usize {
        svg.matches(&format!("<{element}>")).count() + svg.matches(&format!("<{element} ")).count()
    }

    #[test]
    fn every_table_has_its_tooltip() -> Result<()> {
        let svg = drawn(&small())?;
        for text in [
            "<title>pgd: 2 of 512 entries populated</title>",
            "<title>pte 0x558012200000-0x558012400000: 117 of 512 entries populated, 0 refs<",
            "<title>pte 0x558012400000-0x558012600000: 0 of 512 entries populated, 3 refs<",
            "<title>no tables for 42.5 TiB: 0x558012600000-0x7fffffe00000</title>",
            "pud: 2<",
            "8 tables, 32 kB; 629 of 1536 entries of PTE tables populated (41.0 %); 1 PTE tables",
            ">0x558012200000<",
            "Page tables of PID 1 (init)",
        ] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        assert!(!svg.contains("p4d: "), "{svg}");
        // Every table, and the gap
        assert_eq!(count(&svg, "title"), 9);
        // One table is empty, one is held; both are in the legend, too.
        assert_eq!(svg.matches(EMPTY).count(), 2);
        assert_eq!(svg.matches("class=\"held\"").count(), 2);
        Ok(())
    }

    #[test]
    fn elements_are_closed() -> Result<()> {
        let svg = drawn(&small())?;
        for element in ["svg", "g", "title", "text", "style"] {
            let closed = svg.matches(&format!("</{element}>")).count();
            assert_eq!(count(&svg, element), closed, "{element} in {svg}");
        }
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        Ok(())
    }

    #[test]
    fn names_are_escaped() -> Result<()> {
        let tree = Tree::parse(&print(&small()))?;
        let svg = draw(&tree, "PID 7 (a<b>&\"'\u{1}\n)");
        assert!(svg.contains("(a&lt;b&gt;&amp;&quot;&#39;??)"), "{svg}");
        Ok(())
    }

    /// As many tables as 100 GiB have, each for itself or not.
    fn many(step: u64) -> Vec<Table> {
        let mut tables = vec![table(Level::Pgd, 0, 1)];
        let mut last = [None; 2];
        for n in 0..51_200 {
            let start = n * step;
            for (level, last) in [Level::Pud, Level::Pmd].into_iter().zip(&mut last) {
                let begin = start >> level.shift() << level.shift();
                if last.replace(begin) != Some(begin) {
                    tables.push(table(level, begin, 1));
                }
            }
            tables.push(table(Level::Pte, start, (n % 513) as u32));
        }
        tables
    }

    #[test]
    fn a_huge_tree_is_no_huge_picture() -> Result<()> {
        for step in [2 << 20, 4 << 20, 1 << 30] {
            let svg = drawn(&many(step))?;
            assert!(svg.len() < 600_000, "{}", svg.len());
            assert!(count(&svg, "g") <= CELLS * Level::ALL.len());
            assert!(svg.contains("pte: 51200<"));
        }
        Ok(())
    }

    #[test]
    fn a_process_that_has_next_to_nothing() -> Result<()> {
        let svg = drawn(&[table(Level::Pgd, 0, 0)])?;
        assert!(svg.contains("0 of 0 entries of PTE tables populated (-)"));
        Ok(())
    }

    #[test]
    fn shades_and_units() {
        assert_eq!(shade(0.0), "#dbe8f5");
        assert_eq!(shade(1.0), "#0b386e");
        assert!(shade(0.2) > shade(0.3));
        assert_eq!(bytes(2 << 20), "2.0 MiB");
        assert_eq!(bytes(3 << 29), "1.5 GiB");
        assert_eq!(bytes(1 << 50), "1.0 PiB");
        assert_eq!(bytes(4096), "4.0 KiB");
    }
}
