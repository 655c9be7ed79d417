// SPDX-License-Identifier: GPL-2.0

//! Opening a page in a browser that nobody looks at, to see that it can be looked at.

mod chromium;
mod picture;

use anyhow::{ensure, Context, Result};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Chromium, under any of its names.
pub fn browser() -> Option<PathBuf> {
    chromium::find()
}

/// What the probe saw.
#[derive(Debug, Deserialize)]
struct Seen {
    /// Of all that is in the page; more than the page's width is to be scrolled
    width: u32,
    height: u32,
    /// Plots, and those of them that show something
    plots: usize,
    drawn: usize,
    /// Texts that cannot be read
    faults: Vec<String>,
}

/// Chromium draws no picture that is higher.
const HIGHEST: u32 = 16_000;

/// Open a page as wide as told, check that all of it is there and can be read, and keep a picture
/// of it.
pub fn open(html_file: &Path, png: &Path, width: u32) -> Result<()> {
    let browser = browser().context("there is no Chromium on this machine")?;
    let page = fs::read_to_string(html_file)
        .with_context(|| format!("reading {}", html_file.display()))?;
    let dir = tempfile::tempdir()?;
    fs::write(dir.path().join("page.html"), &page)?;
    // The page is in a frame of the probe: Chromium's own windows are never narrower than 500
    // pixels, and the page stays what it is.
    let probe = dir.path().join("probe.html");
    let text = include_str!("look/probe.html").replace("WIDTH", &width.to_string());
    fs::write(&probe, text)?;

    let chromium = chromium::Chromium {
        browser: &browser,
        dir: dir.path(),
    };
    let dom = chromium.dom(&probe, (width, 800))?;
    let seen = seen(&dom)?;
    judge(&seen, page.matches("<svg").count(), width)?;
    let shot = dir.path().join("page.png");
    chromium.screenshot(&probe, (width, seen.height.clamp(1, HIGHEST)), &shot)?;
    picture::check(&shot, width)?;
    fs::copy(&shot, png).with_context(|| format!("writing {}", png.display()))?;
    Ok(())
}

/// Find what the probe left behind.
fn seen(dom: &str) -> Result<Seen> {
    let found = dom
        .split_once(r#"<script id="seen" type="application/json">"#)
        .and_then(|(_, rest)| rest.split_once("</script>"))
        .map(|(json, _)| json)
        .context("Chromium did not open the page")?;
    serde_json::from_str(found).with_context(|| format!("the probe said {found}"))
}

fn judge(seen: &Seen, plots: usize, width: u32) -> Result<()> {
    ensure!(
        seen.width <= width,
        "the page is {} pixels wide in a window of {width}",
        seen.width
    );
    ensure!(
        seen.plots == plots && seen.drawn == plots,
        "of {plots} plots {} are there and {} show something",
        seen.plots,
        seen.drawn
    );
    ensure!(
        seen.faults.is_empty(),
        "at a width of {width}, {} faults: {}",
        seen.faults.len(),
        seen.faults
            .iter()
            .take(10)
            .cloned()
            .collect::<Vec<_>>()
            .join("; ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::report;
    use super::super::result::Bench;
    use super::*;

    fn write(html: &str) -> Result<(tempfile::TempDir, PathBuf)> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("report.html");
        fs::write(&file, html)?;
        Ok((dir, file))
    }

    fn can_look() -> bool {
        let can = browser().is_some();
        if !can {
            eprintln!("skipped: no Chromium here");
        }
        can
    }

    #[test]
    fn the_report_can_be_looked_at() -> Result<()> {
        if !can_look() {
            return Ok(());
        }
        for bench in [report::sample::bench(), Bench::default()] {
            let (dir, file) = write(&report::html(&bench)?)?;
            for width in [360, 1200] {
                open(&file, &dir.path().join("report.png"), width)?;
            }
        }
        Ok(())
    }

    #[test]
    fn what_cannot_be_looked_at_is_found() -> Result<()> {
        if !can_look() {
            return Ok(());
        }
        let plot = |inside: &str| {
            format!("<!DOCTYPE html>a<svg viewBox='0 0 100 50' width=300>{inside}</svg>")
        };
        for (html, complaint) in [
            (
                "<!DOCTYPE html><p style='width:500px'>a".to_owned(),
                "pixels wide",
            ),
            ("<!DOCTYPE html>".to_owned(), "one colour"),
            (plot(""), "show something"),
            (plot("<text x=90 y=20>wide</text>"), "outside"),
            (plot("<text y=20>one</text><text y=22>two</text>"), "meet"),
            (plot("<text y=20 font-size=1>tiny</text>"), "small"),
        ] {
            let (dir, file) = write(&html)?;
            let found = open(&file, &dir.path().join("page.png"), 360);
            let said = found.err().map(|e| e.to_string()).unwrap_or_default();
            assert!(said.contains(complaint), "{html}: {said:?}");
        }
        Ok(())
    }

    #[test]
    fn no_page_no_findings() {
        assert!(seen("<html></html>").is_err());
        assert!(seen(r#"<script id="seen" type="application/json">{}</script>"#).is_err());
    }
}
