// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask models`: check the models of the protocol that keeps and frees PTE tables.
//!
//! They need no kernel to be built: the memory model comes from the pristine tree.

mod herd;
mod litmus;
mod spin;

use crate::needs::Part;
use crate::paths::Paths;
use crate::setup;
use crate::steps::Done;
use anyhow::{ensure, Result};
use std::fmt;

pub use herd::{installed as herd_version, setup};

/// One kind of model.
struct Kind {
    name: &'static str,
    /// The tool that checks them
    part: Part,
    /// Checks the models whose name contains one of the texts (all if there is none), and returns
    /// a line about them; nothing if no name does. An [`Unavailable`] is no failure.
    run: fn(&Paths, &[String]) -> Result<String>,
}

/// A new kind is one line here, and one in steps.rs.
const KINDS: &[Kind] = &[
    Kind {
        name: "litmus tests",
        part: Part::Herd,
        run: litmus::run,
    },
    Kind {
        name: "spin",
        part: Part::Spin,
        run: spin::run,
    },
];

/// The tool that a kind of model needs cannot be had on this machine.
#[derive(Debug)]
pub struct Unavailable(pub String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}

/// The subcommand: all kinds.
pub fn run(paths: &Paths, only: &[String]) -> Result<()> {
    let mut found = 0;
    for kind in KINDS {
        if let Err(err) = setup::provide(paths, &[kind.part]) {
            println!("{}: SKIPPED: {err:#}", kind.name);
            found += 1;
            continue;
        }
        match outcome((kind.run)(paths, only))? {
            Done::Pass(text) if text.is_empty() => continue,
            Done::Pass(text) => println!("{}: {text}", kind.name),
            Done::Skip(why) => println!("{}: SKIPPED: {why}", kind.name),
        }
        found += 1;
    }
    ensure!(found > 0, "no model's name contains {}", only.join(" or "));
    Ok(())
}

/// A step of `cargo xtask test`: one kind, all of its models.
pub fn step(paths: &Paths, name: &str) -> Result<Done> {
    let kind = KINDS.iter().find(|kind| kind.name == name);
    match kind {
        Some(kind) => outcome((kind.run)(paths, &[])),
        None => anyhow::bail!("there are no models called {name}"),
    }
}

fn outcome(result: Result<String>) -> Result<Done> {
    match result {
        Ok(text) => Ok(Done::Pass(text)),
        Err(err) => err
            .downcast::<Unavailable>()
            .map(|Unavailable(why)| Done::Skip(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn what_cannot_be_had_is_skipped_and_nothing_else() {
        let skipped = outcome(Err(Unavailable("no tool".to_owned()).into()));
        assert!(matches!(skipped, Ok(Done::Skip(why)) if why == "no tool"));
        assert!(outcome(Err(anyhow!("wrong"))).is_err());
        assert!(matches!(outcome(Ok("fine".to_owned())), Ok(Done::Pass(_))));
    }
}
