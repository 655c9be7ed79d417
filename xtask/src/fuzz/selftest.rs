// SPDX-License-Identifier: GPL-2.0

//! Whether a difference is found and cut down: one side stores something else than it was told,
//! which is what a kernel that mixes up pages would look like.

use super::log;
use super::minimise::Judge;
use super::side::{Look, Side, Work};
use super::{list_of, runner, write_c, Options};
use crate::paths::Paths;
use anyhow::{ensure, Context, Result};
use std::process::Command;

/// A mapping and a store; and what may be needed to have the store work, such as a larger file.
const MOST_LEFT: usize = 5;

pub fn run(paths: &Paths, options: &Options) -> Result<String> {
    let runner = runner(paths, options)?;
    let sides = options.sides()?;
    let seed = options.seed;
    let first = &sides[0];
    let work = Work::Seeds {
        first: seed,
        count: 1,
        ops: options.ops,
    };
    let logs = runner.run(first, &work, Look::Digests)?;
    let log = logs.first().context("the guest ran no list")?;
    // The last of them that worked: much must be cut away before it.
    let stores: Vec<u32> = log
        .lines
        .iter()
        .filter(|line| line.contains(" T0 store 0 "))
        .filter_map(|line| line.split(' ').next()?.parse().ok())
        .collect();
    let judge_of = |id: u32| {
        let side = Side {
            distorted: Some(id),
            ..first.clone()
        };
        [first.clone(), side]
    };
    let list = list_of(&runner, seed, options.ops)?;
    // One that nobody looks at before its page goes makes no difference.
    for &id in stores.iter().rev().take(3) {
        let both = judge_of(id);
        let judge = Judge {
            runner: &runner,
            sides: &both,
        };
        let distorted = runner.run(&both[1], &work, Look::Digests)?;
        let found = distorted
            .first()
            .and_then(|other| log::difference(log, other));
        let Some(found) = found else { continue };
        let cut = judge
            .reproduce(&list, found.id)?
            .context("a store that was changed makes no difference when run again")?;
        let list = judge.minimise(cut)?;
        let own = format!("{id} ");
        ensure!(
            (2..=MOST_LEFT).contains(&list.len()) && list.iter().any(|op| op.starts_with(&own)),
            "operation {id} was changed, and {} operations are left:\n{}",
            list.len(),
            list.join("\n")
        );
        let program = write_c(&runner, seed, &list)?;
        let target = program.with_extension("");
        crate::cmd::output(
            Command::new("gcc")
                .args(["-Wall", "-Werror", "-O2", "-pthread", "-o"])
                .args([&target, &program]),
        )?;
        return Ok(format!(
            "store {id} of {} changed: found, cut down to {} operations, written as C",
            options.ops,
            list.len()
        ));
    }
    anyhow::bail!("no change of a store of seed {seed} makes a difference")
}
