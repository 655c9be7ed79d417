// SPDX-License-Identifier: GPL-2.0

//! The report of a bench: one HTML file that needs nothing beside it.

mod canvas;
mod curves;
mod format;
mod page;
mod ratios;
#[cfg(test)]
pub mod sample;
mod scale;
mod summary;
mod tables;
mod verdict;

use super::result::Bench;
use anyhow::Result;

/// The whole page. It has no scripts and refers to nothing outside of itself.
pub fn html(bench: &Bench) -> Result<String> {
    Ok(page::page(bench)?.into_string())
}

#[cfg(test)]
mod tests {
    use super::super::result::{Memory, Moment, Row, Wall};
    use super::*;
    use regex::Regex;

    fn one_row(row: Row) -> Result<String> {
        html(&Bench {
            rows: vec![row],
            ..Bench::default()
        })
    }

    fn row(baseline: f64, candidate: f64, bar: Option<f64>) -> Row {
        Row {
            name: "zap".into(),
            group: "unmap".into(),
            baseline,
            candidate,
            bar,
            ..Row::default()
        }
    }

    #[test]
    fn nothing_from_outside() -> Result<()> {
        let page = html(&sample::bench())?;
        let outside = Regex::new(r"(?i)https?:|\bsrc=|@import|<script|<link|<iframe|<object")?;
        assert!(!outside.is_match(&page), "{:?}", outside.find(&page));
        let refers = Regex::new(r#"(?i)(?:href=["']?|url\()(.)"#)?;
        for found in refers.captures_iter(&page) {
            assert_eq!(found.get(1).map(|c| c.as_str()), Some("#"), "{found:?}");
        }
        Ok(())
    }

    #[test]
    fn links_have_targets() -> Result<()> {
        let page = html(&sample::bench())?;
        let links = Regex::new(r##"href="#([^"]+)""##)?;
        let targets: Vec<_> = links.captures_iter(&page).collect();
        assert!(!targets.is_empty());
        for link in targets {
            let id = link.get(1).map_or("", |m| m.as_str());
            assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
        }
        Ok(())
    }

    #[test]
    fn everything_is_escaped() -> Result<()> {
        let evil = "<script>\"'&".to_owned();
        let mut bench = sample::bench();
        let setting = &mut bench.setting;
        for text in [
            &mut setting.provenance.date,
            &mut setting.provenance.command,
            &mut setting.provenance.commit,
            &mut setting.provenance.qemu,
            &mut setting.provenance.accelerator,
            &mut setting.provenance.processor,
            &mut setting.provenance.tools.source,
            &mut setting.provenance.tools.clang,
            &mut setting.provenance.tools.rustc,
            &mut setting.provenance.tools.bindgen,
            &mut setting.baseline.name,
            &mut setting.baseline.release,
            &mut setting.candidate.name,
            &mut setting.candidate.release,
        ] {
            text.clone_from(&evil);
        }
        for row in &mut bench.rows {
            for text in [&mut row.name, &mut row.group, &mut row.what, &mut row.unit] {
                text.clone_from(&evil);
            }
        }
        for row in &mut bench.wall {
            row.name.clone_from(&evil);
            row.what.clone_from(&evil);
        }
        for memory in &mut bench.memory {
            memory.name.clone_from(&evil);
            memory.title.clone_from(&evil);
            if let Some(why) = &mut memory.skipped {
                why.clone_from(&evil);
            }
        }
        let page = html(&bench)?;
        assert!(!page.contains("<script"));
        assert!(page.contains("&lt;script&gt;"));
        assert!(!page.contains("&amp;lt;"), "escaped twice");
        Ok(())
    }

    #[test]
    fn above_its_bar_is_said() -> Result<()> {
        let page = one_row(row(1000.0, 1020.0, Some(1.01)))?;
        assert!(page.contains("above its bar of 1.010"), "{page}");
        assert!(page.contains("1 is above its bar: "), "{page}");
        let page = one_row(row(1000.0, 1005.0, Some(1.01)))?;
        assert!(!page.contains("above its bar of"), "{page}");
        assert!(page.contains("1 is within its bar"), "{page}");
        Ok(())
    }

    #[test]
    fn noise_is_said() -> Result<()> {
        let mut noisy = row(1000.0, 1001.0, None);
        noisy.noise = 0.008;
        assert!(one_row(noisy)?.contains("noisy: the runs differ by 0.80"));
        Ok(())
    }

    #[test]
    fn an_empty_bench_measured_nothing() -> Result<()> {
        let page = html(&Bench::default())?;
        assert!(page.contains("Nothing was measured."), "{page}");
        assert!(!page.contains("<svg"));
        assert!(!page.contains("NaN"));
        Ok(())
    }

    #[test]
    fn a_figure_that_is_none_is_not_shown_as_one() -> Result<()> {
        for (baseline, candidate) in [(0.0, 0.0), (0.0, 5.0), (f64::NAN, 1.0), (5.0, 0.0)] {
            let page = one_row(row(baseline, candidate, Some(1.0)))?;
            assert!(page.contains("not measured"), "{baseline} {candidate}");
            assert!(page.contains("0 are within their bars"), "{baseline}");
            assert!(!page.contains("NaN") && !page.contains("inf<"), "{page}");
        }
        let empty = html(&Bench {
            wall: vec![Wall {
                name: "zap_2".into(),
                ..Wall::default()
            }],
            memory: vec![
                Memory {
                    name: "redis".into(),
                    candidate: vec![Moment::default()],
                    ..Memory::default()
                },
                Memory {
                    name: "java".into(),
                    skipped: Some("no java here".into()),
                    ..Memory::default()
                },
            ],
            ..Bench::default()
        })?;
        assert!(empty.contains("not measured on "), "{empty}");
        assert!(empty.contains("no java here"), "{empty}");
        Ok(())
    }
}
