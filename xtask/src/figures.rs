// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask figures`: the measured tables of the README, from what the tools wrote of their
//! figures.

mod cost;
mod main_job;
mod region;

use crate::bench::committed;
use crate::bench::result::Bench;
use crate::demo;
use crate::demo::figures::MainJob;
use crate::paths::Paths;
use crate::steps::Done;
use anyhow::{anyhow, bail, ensure, Context, Result};
use std::fs;

const README: &str = "README.md";
/// Of lines of prose
const WIDTH: usize = 79;

/// How it is called.
#[derive(clap::Args)]
pub struct Options {
    /// Write the tables, instead of telling whether they are as they must be
    #[arg(long)]
    write: bool,
}

/// Compare the README with the committed figures, or write it.
pub fn run(paths: &Paths, options: &Options) -> Result<()> {
    let file = paths.root.join(README);
    let text = fs::read_to_string(&file).with_context(|| format!("reading {README}"))?;
    let filled = fill(&text, &demo::committed(paths)?, &committed::load(paths)?)?;
    if options.write {
        return fs::write(&file, filled).with_context(|| format!("writing {README}"));
    }
    compare(&text, &filled)
}

/// The README says what the committed figures say.
pub fn step(paths: &Paths) -> Result<Done> {
    run(paths, &Options { write: false })?;
    Ok(Done::Pass(String::new()))
}

/// Committed figures are of what this tree builds.
pub fn of_this_tree(paths: &Paths) -> Result<Done> {
    let report = committed::load(paths).and_then(|bench| committed::of_this_tree(paths, &bench));
    let report = report.map_err(|err| anyhow!("{err:#}\n{}", committed::AGAIN));
    let main_job = demo::committed(paths).and_then(|job| demo::of_this_tree(paths, &job));
    let wrong: Vec<String> = [report, main_job]
        .into_iter()
        .filter_map(|result| result.err().map(|err| format!("{err:#}")))
        .collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(Done::Pass(String::new()))
}

/// The README with each table made again.
fn fill(text: &str, job: &MainJob, bench: &Bench) -> Result<String> {
    let main_job = main_job::render(job).context(demo::FILE)?;
    let cost = cost::render(bench).context(committed::FILE)?;
    region::fill(text, &[("main-job", &main_job), ("cost", &cost)]).context(README)
}

fn compare(text: &str, filled: &str) -> Result<()> {
    let Some((number, (is, should))) = text
        .lines()
        .chain([""])
        .zip(filled.lines().chain([""]))
        .enumerate()
        .find(|(_, (is, should))| is != should)
    else {
        return Ok(());
    };
    bail!(
        "{README} is not what the committed figures give; in line {}:\n  {is}\nand not\n  \
         {should}\nWrite it with `cargo xtask figures --write`",
        number + 1
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::committed::tests::bench;
    use crate::demo::figures::tests::job;

    #[test]
    fn an_edited_table_is_refused() -> Result<()> {
        let marks = "# x\n<!-- BEGIN main-job -->\n<!-- END main-job -->\n\
                     <!-- BEGIN cost -->\n<!-- END cost -->\n";
        let (job, mut bench) = (job()?, bench()?);
        let text = fill(marks, &job, &bench)?;
        let compared = |text: &str, bench: &Bench| compare(text, &fill(text, &job, bench)?);
        compared(&text, &bench)?;
        let error = |text: &str, bench: &Bench| {
            let result = compared(text, bench);
            result.err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert!(error(marks, &bench).contains("in line 3:"));
        let edited = text.replace("832 kB", "932 kB");
        assert_ne!(edited, text);
        assert!(error(&edited, &bench).contains("832 kB"));
        let short = text.replace("<!-- END cost -->\n", "| one more |\n<!-- END cost -->\n");
        assert!(error(&short, &bench).contains("| one more |"));
        // A report that was made again, and the README as it was.
        for row in &mut bench.rows {
            row.candidate *= 1.006;
        }
        assert!(error(&text, &bench).contains("is not what the committed figures give"));
        Ok(())
    }

    /// The marks are there: what else the README says is for the step to judge.
    #[test]
    fn the_readme_has_all_regions() -> Result<()> {
        let text = fs::read_to_string(Paths::discover()?.root.join(README))?;
        fill(&text, &job()?, &bench()?).map(drop)
    }
}
