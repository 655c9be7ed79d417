// SPDX-License-Identifier: GPL-2.0

//! The report in Documentation/: made of its figures, by this program, and fit to be looked at.

use super::{look, read, report, table};
use crate::paths::Paths;
use crate::steps::Done;
use anyhow::{ensure, Context, Result};
use std::fs;

const DIR: &str = "Documentation/bench";
/// A phone, and a desk
const WIDTHS: &[u32] = &[360, 1200];

pub fn check(paths: &Paths) -> Result<Done> {
    let dir = paths.root.join(DIR);
    let bench = read(&dir.join("report.json"))?;
    for (name, expected) in [
        ("report.html", report::html(&bench)?),
        ("report.txt", table::render(&bench)),
    ] {
        let file = dir.join(name);
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        ensure!(
            text == expected,
            "{DIR}/{name} is not what report.json gives; make it again with\n  \
             cargo xtask bench --from {DIR}/report.json --html {DIR}/report.html > {DIR}/report.txt"
        );
    }
    if look::browser().is_none() {
        return Ok(Done::Skip("no Chromium to look at the report".to_owned()));
    }
    let pictures = paths.cache_subdir("report")?;
    for &width in WIDTHS {
        let png = pictures.join(format!("{width}.png"));
        look::open(&dir.join("report.html"), &png, width)
            .with_context(|| format!("the report, {width} pixels wide"))?;
    }
    Ok(Done::Pass(format!("pictures in {}", pictures.display())))
}
