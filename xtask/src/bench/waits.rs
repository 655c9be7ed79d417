// SPDX-License-Identifier: GPL-2.0

//! How long who maps and unmaps memory waits for who frees tables: on both kernels, in instructions.

use super::bars::Bars;
use crate::build::Variant;
use crate::guest;
use crate::paths::Paths;
use crate::vm::{self, Machine, Sink};
use anyhow::{bail, ensure, Context, Result};

pub fn run(paths: &Paths) -> Result<String> {
    let bar = Bars::load(paths)?.longest_wait;
    let stock = measure(paths, Variant::Stock)?;
    let freepte = measure(paths, Variant::Freepte)?;
    let ratio = freepte as f64 / stock.max(1) as f64;
    let text = format!(
        "longest time to map and unmap, median of 5: stock {stock}, freepte {freepte} instructions, \
         {ratio:.2} times; at most {bar} times allowed"
    );
    ensure!(ratio <= bar, "{text}");
    Ok(text)
}

fn measure(paths: &Paths, variant: Variant) -> Result<u64> {
    let program = guest::program(paths, "freepte-bench")?
        .to_string_lossy()
        .into_owned();
    let machine = Machine {
        icount: true,
        memory: Some("4G".to_owned()),
        timeout: 3600,
        ..Machine::default()
    };
    let command = [program, "waits".to_owned()];
    let outcome = vm::run(paths, variant, None, &machine, Sink::Capture, &command)?;
    if let Some(trouble) = outcome.trouble() {
        bail!("{}: {trouble}", variant.name());
    }
    ensure!(
        outcome.status == Some(0),
        "{}: {}{}",
        variant.name(),
        outcome.stdout,
        outcome.stderr.trim_end()
    );
    eprint!("{}: {}", variant.name(), outcome.stderr);
    outcome
        .stdout
        .trim()
        .parse()
        .with_context(|| format!("{} says {:?}", variant.name(), outcome.stdout))
}
