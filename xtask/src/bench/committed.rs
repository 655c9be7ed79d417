// SPDX-License-Identifier: GPL-2.0

//! The report in Documentation/: of all that is measured, made of its figures by this program, and
//! fit to be looked at.

use super::bars::Bars;
use super::measure::Plan;
use super::result::Bench;
use super::{look, read, report, stale, table};
use crate::build::{Kernel, Variant};
use crate::inputs::Inputs;
use crate::paths::Paths;
use crate::steps::Done;
use anyhow::{ensure, Context, Result};
use std::fs;

const DIR: &str = "Documentation/bench";
/// Its figures
pub const FILE: &str = "Documentation/bench/report.json";
/// How to make it again
pub const AGAIN: &str = "Make the report again, from a commit:\n  \
    cargo xtask bench --json Documentation/bench/report.json \
    --html Documentation/bench/report.html > Documentation/bench/report.txt\n  \
    cargo xtask figures --write";
/// A phone, and a desk
const WIDTHS: &[u32] = &[360, 1200];

/// The committed figures.
pub fn load(paths: &Paths) -> Result<Bench> {
    read(&paths.root.join(FILE))
}

/// The report is of what is measured now, and its pages are of its figures.
pub fn check(paths: &Paths) -> Result<Done> {
    let bench = load(paths)?;
    let bars = Bars::load(paths)?;
    let plan = Plan::new(paths, &[])?;
    bars.check(&plan.rows)?;
    let wrong = stale::complaints(&bench, &plan, &bars);
    ensure!(
        wrong.is_empty(),
        "{FILE} is stale:\n  {}\n{AGAIN}",
        wrong.join("\n  ")
    );
    let dir = paths.root.join(DIR);
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
    Ok(Done::Pass(match of_this_tree(paths, &bench) {
        Ok(()) => String::new(),
        // Not before its figures are others is it wrong.
        Err(why) => format!("note: {why:#}"),
    }))
}

/// A browser shows it as a page that is whole, on a phone as on a desk.
pub fn look(paths: &Paths) -> Result<Done> {
    if look::browser().is_none() {
        return Ok(Done::Skip("no Chromium".to_owned()));
    }
    let pictures = paths.cache_subdir("report")?;
    for &width in WIDTHS {
        let png = pictures.join(format!("{width}.png"));
        look::open(&paths.root.join(DIR).join("report.html"), &png, width)
            .with_context(|| format!("the report, {width} pixels wide"))?;
    }
    Ok(Done::Pass(format!("pictures in {}", pictures.display())))
}

/// The report is of kernels and programs that this tree gives.
pub fn of_this_tree(paths: &Paths, bench: &Bench) -> Result<()> {
    let kernels = [Variant::Stock, Variant::Freepte].map(Kernel::from);
    let now = Inputs::of_figures(paths, &kernels)?;
    bench.setting.provenance.check(FILE, &now)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn bench() -> Result<Bench> {
        load(&Paths::discover()?)
    }

    pub fn owned<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
        names.cloned().collect()
    }
}
