// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask run`: the main job. Builds freepte's kernel, boots it, and shows the page tables
//! of real programs with the freeing off and on.

use crate::build::{self, Variant};
use crate::guest;
use crate::paths::Paths;
use crate::vm::{self, Machine, Sink};
use anyhow::{ensure, Result};

/// The guest in which the comparison runs.
pub fn machine() -> Machine {
    Machine {
        memory: Some("3G".to_owned()),
        timeout: 900,
        ..Machine::default()
    }
}

/// Run the comparison; what it prints goes to our standard output.
pub fn run(paths: &Paths, args: &[String]) -> Result<()> {
    build::build(paths, Variant::Freepte)?;
    compare(paths, args)
}

/// The same with a kernel that was built before.
pub fn compare(paths: &Paths, args: &[String]) -> Result<()> {
    let program = guest::program(paths, "freepte-demo")?;
    let mut command = vec![program.to_string_lossy().into_owned()];
    if args.is_empty() {
        command.push("compare".to_owned());
    } else {
        command.extend(args.iter().cloned());
    }
    let outcome = vm::run(
        paths,
        Variant::Freepte,
        None,
        &machine(),
        Sink::Inherit,
        &command,
    )?;
    if let Some(trouble) = outcome.trouble() {
        anyhow::bail!("{trouble}");
    }
    let status = outcome.exit_code();
    ensure!(
        status == 0,
        "freepte-demo ended with {status}: not every row is as it must be"
    );
    Ok(())
}
