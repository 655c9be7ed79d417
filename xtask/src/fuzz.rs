// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask fuzz`: random sequences of memory calls on several kernels, which must agree on
//! everything that user space can see. Where they do not, the sequence is cut down to what is
//! needed, and written as a program in C.

mod ddmin;
mod log;
mod minimise;
mod seed;
mod selftest;
mod show;
mod side;

use crate::build::{self, Variant};
use crate::cmd;
use crate::guest;
use crate::paths::Paths;
use crate::scratch;
use anyhow::{anyhow, ensure, Context, Result};
use log::{Difference, Log};
use minimise::{Judge, List};
use seed::Seed;
use side::{Look, Runner, Side, Work};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The first seed
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// How many seeds, from the first one on
    #[arg(long, default_value_t = 8, value_name = "K")]
    count: u64,
    /// Operations of each seed
    #[arg(long, default_value_t = 5000, value_name = "N")]
    ops: usize,
    /// The kernels; each is compared with the first (stock,stock tells whether a kernel agrees
    /// with itself)
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["stock", "freepte"])]
    kernels: Vec<Variant>,
    /// Boot these images instead, one for each kernel
    #[arg(long, value_delimiter = ',', value_name = "IMAGE")]
    image: Vec<PathBuf>,
    /// Seeds of one boot
    #[arg(long, default_value_t = 20, value_name = "SEEDS")]
    batch: u64,
    /// Take the kernels as they were built last
    #[arg(long)]
    no_build: bool,
    /// Instead: change a store on one side, and see whether that is found
    #[arg(long)]
    self_test: bool,
}

impl Options {
    /// For a test: on kernels that were built before.
    fn built(kernels: &[Variant], seed: u64, count: u64, ops: usize) -> Self {
        Self {
            seed,
            count,
            ops,
            kernels: kernels.to_vec(),
            image: Vec::new(),
            batch: 20,
            no_build: true,
            self_test: false,
        }
    }

    /// The command that runs some of these seeds, in one boot.
    fn command(&self, seed: u64, count: u64) -> String {
        let kernels: Vec<&str> = self.kernels.iter().map(|kernel| kernel.name()).collect();
        let images: Vec<_> = self.image.iter().map(|i| i.to_string_lossy()).collect();
        let mut words = vec!["cargo".to_owned(), "xtask".to_owned(), "fuzz".to_owned()];
        for (option, value) in [
            ("--seed", seed.to_string()),
            ("--count", count.to_string()),
            ("--batch", count.to_string()),
            ("--ops", self.ops.to_string()),
            ("--kernels", kernels.join(",")),
            ("--image", images.join(",")),
        ] {
            if !value.is_empty() {
                words.extend([option.to_owned(), value]);
            }
        }
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
    }

    fn sides(&self) -> Result<Vec<Side>> {
        ensure!(
            self.kernels.len() >= 2,
            "one kernel has nobody to differ from"
        );
        ensure!(
            self.image.is_empty() || self.image.len() == self.kernels.len(),
            "{} images for {} kernels",
            self.image.len(),
            self.kernels.len()
        );
        let side = |(n, &variant)| Side {
            variant,
            image: self.image.get(n).cloned(),
            distorted: None,
        };
        Ok(self.kernels.iter().enumerate().map(side).collect())
    }
}

pub fn run(paths: &Paths, options: &Options) -> Result<String> {
    if options.self_test {
        return selftest::run(paths, options);
    }
    compare(paths, options)
}

const BOTH: &[Variant] = &[Variant::Stock, Variant::Freepte];

/// As much as takes a minute, of sequences that are the commit's own.
pub fn quick(paths: &Paths) -> Result<String> {
    let seed = Seed::of_commit(paths)?;
    eprintln!("{seed}");
    let text = compare(paths, &Options::built(BOTH, seed.first, 12, 1500))?;
    Ok(format!("{seed}: {text}"))
}

/// A million operations: as much as takes half an hour.
pub fn long(paths: &Paths) -> Result<String> {
    compare(paths, &Options::built(BOTH, 1, 200, 5000))
}

/// Whether it could fail at all.
pub fn selftest(paths: &Paths) -> Result<String> {
    let stock = [Variant::Stock, Variant::Stock];
    selftest::run(paths, &Options::built(&stock, 1, 1, 300))
}

fn runner<'a>(paths: &'a Paths, options: &Options) -> Result<Runner<'a>> {
    if !options.no_build && options.image.is_empty() {
        for kernel in &options.kernels {
            build::build(paths, *kernel)?;
        }
    }
    let dir = paths.cache_subdir("fuzz")?;
    Ok(Runner {
        paths,
        program: guest::program(paths, "freepte-fuzz")?,
        scratch: scratch::dir("fuzz")?,
        dir,
    })
}

/// Run all seeds on all kernels; the first difference is an error that tells all about it.
fn compare(paths: &Paths, options: &Options) -> Result<String> {
    let runner = runner(paths, options)?;
    let sides = options.sides()?;
    let start = Instant::now();
    let mut totals = vec![Totals::default(); sides.len()];
    let end = options.seed + options.count;
    let mut first = options.seed;
    while first < end {
        let count = options.batch.max(1).min(end - first);
        let work = Work::Seeds {
            first,
            count,
            ops: options.ops,
        };
        let again = |err: anyhow::Error, seed: u64, count: u64| {
            anyhow!("{err:#}\nto repeat it: {}", options.command(seed, count))
        };
        let logs = runner
            .run_all(&sides, &work, Look::Digests)
            .map_err(|err| again(err, first, count))?;
        for (total, logs) in totals.iter_mut().zip(&logs) {
            total.add(logs);
        }
        for (side, other) in sides.iter().zip(&logs).skip(1) {
            let both = [sides[0].clone(), side.clone()];
            let judge = Judge {
                runner: &runner,
                sides: &both,
            };
            for (seed, (a, b)) in (first..).zip(logs[0].iter().zip(other)) {
                let Some(difference) = log::difference(a, b) else {
                    continue;
                };
                let found = Found {
                    seed,
                    first,
                    difference,
                    logs: [a, b],
                };
                match explain(&judge, options, &found) {
                    Ok(Told::Reclaimed(text)) => eprintln!("note: {text}"),
                    Ok(Told::Differ(text)) => {
                        // What went before it in that boot may matter.
                        return Err(again(anyhow!(text), first, seed - first + 1));
                    }
                    Err(err) => return Err(again(err, first, seed - first + 1)),
                }
            }
        }
        first += count;
        eprintln!(
            "seeds up to {}: nothing differs; {:.0} s",
            first - 1,
            start.elapsed().as_secs_f64()
        );
    }
    for (side, total) in sides.iter().zip(&totals) {
        ensure!(
            !side.variant.frees() || total.freed > 0,
            "{} freed no table: nothing was tested\nto repeat it: {}",
            side.variant.name(),
            options.command(options.seed, options.count)
        );
    }
    Ok(summary(options, &sides, &totals))
}

#[derive(Clone, Default)]
struct Totals {
    operations: u64,
    freed: u64,
    millis: u64,
}

impl Totals {
    fn add(&mut self, logs: &[Log]) {
        for log in logs {
            self.operations += log.operations;
            self.freed += log.freed;
            self.millis += log.millis;
        }
    }
}

fn summary(options: &Options, sides: &[Side], totals: &[Totals]) -> String {
    let each: Vec<String> = sides
        .iter()
        .zip(totals)
        .map(|(side, total)| {
            format!(
                "{}: {} operations, {:.0} a second, {} tables freed",
                side.variant.name(),
                total.operations,
                total.operations as f64 * 1000.0 / total.millis.max(1) as f64,
                total.freed
            )
        })
        .collect();
    format!(
        "{} seeds, nothing differs; {}",
        options.count,
        each.join("; ")
    )
}

/// The list that a seed makes.
fn list_of(runner: &Runner, seed: u64, ops: usize) -> Result<List> {
    let mut command = Command::new(&runner.program);
    command.args(["show", &seed.to_string(), "--ops", &ops.to_string()]);
    let text = cmd::output(&mut command)?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// A difference that was seen.
struct Found<'a> {
    seed: u64,
    /// Of the boot
    first: u64,
    difference: Difference,
    logs: [&'a Log; 2],
}

/// All that can be said of a difference.
enum Told {
    Differ(String),
    /// It was seen once, and not again, and a side took pages away that nobody had asked for: one that
    /// is lazily freed may go at any time, and so does not say that an entry was lost.
    Reclaimed(String),
}

fn explain(judge: &Judge, options: &Options, found: &Found) -> Result<Told> {
    let names = judge.names();
    let line = |n: usize| found.difference.lines[n].as_deref().unwrap_or("(ended)");
    let mut text = format!(
        "seed {}: {} and {} differ\n  {}: {}\n  {}: {}\n",
        found.seed,
        names[0],
        names[1],
        names[0],
        line(0),
        names[1],
        line(1)
    );
    eprint!("{text}");
    let list = list_of(judge.runner, found.seed, options.ops)?;
    let Some(list) = judge.reproduce(&list, found.difference.id)? else {
        text.push_str("run by itself, they agree: it depends on what went before, or on time\n");
        return unsteady(judge, options, found, text);
    };
    let list = judge.minimise(list)?;
    text.push_str(&format!("minimised to {} operations:\n", list.len()));
    for op in &list {
        text.push_str(&format!("  {op}\n"));
    }
    match judge.show(&list)? {
        Some((a, b)) => text.push_str(&show::first_difference(names, &a, &b)),
        None => text.push_str("the guest showed nothing of it\n"),
    }
    let program = write_c(judge.runner, found.seed, &list)?;
    text.push_str(&format!("as a program: {}\n", program.display()));
    Ok(Told::Differ(text))
}

/// A difference that does not show when its list is run by itself: keep what was seen, and try again
/// with all that went before.
fn unsteady(judge: &Judge, options: &Options, found: &Found, mut text: String) -> Result<Told> {
    const TRIES: usize = 3;
    for (name, log) in judge.names().into_iter().zip(found.logs) {
        let file = judge
            .runner
            .dir
            .join(format!("seed-{}.{name}.log", found.seed));
        fs::write(&file, log.lines.join("\n") + "\n")
            .with_context(|| format!("writing {}", file.display()))?;
        text.push_str(&format!(
            "what {name} saw: {} ({} pages reclaimed meanwhile)\n",
            file.display(),
            log.reclaimed
        ));
    }
    let work = Work::Seeds {
        first: found.first,
        count: found.seed - found.first + 1,
        ops: options.ops,
    };
    for n in 1..=TRIES {
        let logs = judge.runner.run_all(judge.sides, &work, Look::Digests)?;
        let last = |side: usize| logs.get(side).and_then(|logs: &Vec<Log>| logs.last());
        if let (Some(a), Some(b)) = (last(0), last(1)) {
            if log::difference(a, b).is_some() {
                text.push_str(&format!(
                    "it came again in run {n} of all seeds before it\n"
                ));
                return Ok(Told::Differ(text));
            }
        }
    }
    text.push_str(&format!(
        "it did not come again in {TRIES} runs of all seeds before it\n"
    ));
    Ok(if found.logs.iter().any(|log| log.reclaimed > 0) {
        Told::Reclaimed(text)
    } else {
        Told::Differ(text)
    })
}

/// Write a list as a program in C; returns where.
fn write_c(runner: &Runner, seed: u64, list: &List) -> Result<PathBuf> {
    let lists = runner.dir.join(format!("seed-{seed}.list"));
    side::write_lists(&lists, &[(format!("seed {seed}"), list.clone())])?;
    let text = cmd::output(Command::new(&runner.program).arg("c").arg(&lists))?;
    let program = runner.dir.join(format!("seed-{seed}.c"));
    fs::write(&program, text).with_context(|| format!("writing {}", program.display()))?;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn a_failure_can_be_repeated() -> Result<()> {
        let mut options = Options::built(BOTH, 0x729e_ba09, 12, 1500);
        assert_eq!(
            options.command(options.seed, 3),
            "cargo xtask fuzz --seed 1923004937 --count 3 --batch 3 --ops 1500 \
             --kernels 'stock,freepte'"
        );
        options.image = vec!["/a b".into(), "/c".into()];
        let words = shlex::split(&options.command(7, 1)).context("a command")?;
        let line = Line::try_parse_from(words.iter().skip(2))?;
        assert_eq!(line.options.seed, 7);
        assert_eq!(line.options.ops, options.ops);
        assert_eq!(line.options.kernels, options.kernels);
        assert_eq!(line.options.image, options.image);
        Ok(())
    }
}
