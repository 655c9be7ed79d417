// SPDX-License-Identifier: GPL-2.0

//! Touch and empty a large address space piece by piece: the program judges what piled up.

use crate::build::Variant;
use crate::guest;
use crate::paths::Paths;
use crate::vm::{self, Machine, Sink};
use anyhow::{bail, ensure, Result};

pub fn run(paths: &Paths) -> Result<String> {
    let program = guest::program(paths, "freepte-bench")?
        .to_string_lossy()
        .into_owned();
    let machine = Machine {
        timeout: 600,
        ..Machine::default()
    };
    let command = [program, "sweep".to_owned()];
    let outcome = vm::run(
        paths,
        Variant::Freepte,
        None,
        &machine,
        Sink::Capture,
        &command,
    )?;
    if let Some(trouble) = outcome.trouble() {
        bail!("{trouble}");
    }
    let said = outcome.stdout.trim();
    ensure!(
        outcome.status == Some(0),
        "{said}{}",
        outcome.stderr.trim_end()
    );
    Ok(said.replace('\n', "; "))
}
