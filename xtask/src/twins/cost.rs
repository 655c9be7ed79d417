// SPDX-License-Identifier: GPL-2.0

//! What a call costs, in guest instructions: the kernel measures both by itself, and an emulator
//! that counts instructions is its clock.

use crate::build::Variant;
use crate::paths::Paths;
use crate::vm::{self, Machine, Sink};
use anyhow::{bail, ensure, Context, Result};

const FILE: &str = "/sys/kernel/debug/rust_mm_twins/cost";

/// A function and what one call takes, in instructions.
#[derive(Debug, PartialEq)]
struct Cost {
    name: String,
    rust: f64,
    c: f64,
}

/// Measure; fail where Rust takes more than C.
pub fn run(paths: &Paths) -> Result<String> {
    let machine = Machine {
        icount: true,
        timeout: 300,
        ..Machine::default()
    };
    let command = ["cat", FILE].map(str::to_owned);
    let outcome = vm::run(
        paths,
        Variant::Twins,
        None,
        &machine,
        Sink::Capture,
        &command,
    )?;
    if let Some(trouble) = outcome.trouble() {
        bail!("{trouble}");
    }
    ensure!(outcome.ok(), "cannot read {FILE}: {}", outcome.stderr);
    let costs = parse(&outcome.stdout)?;
    ensure!(!costs.is_empty(), "{FILE} names no function");
    println!(
        "{:<28}{:>10}{:>10}{:>9}",
        "instructions a call", "C", "Rust", "ratio"
    );
    for cost in &costs {
        println!(
            "{:<28}{:>10.1}{:>10.1}{:>9.3}",
            cost.name,
            cost.c,
            cost.rust,
            cost.rust / cost.c
        );
    }
    let dearer: Vec<&str> = costs
        .iter()
        .filter(|cost| cost.rust > cost.c)
        .map(|cost| cost.name.as_str())
        .collect();
    ensure!(
        dearer.is_empty(),
        "Rust takes more for {}",
        dearer.join(", ")
    );
    Ok(format!("{} functions, none dearer than in C", costs.len()))
}

/// Lines of `NAME rust PS c PS`.
fn parse(text: &str) -> Result<Vec<Cost>> {
    text.lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [name, "rust", rust, "c", c] = words[..] else {
                bail!("not a line of {FILE}: {line}");
            };
            let instructions = |word: &str| -> Result<f64> {
                let ps: f64 = word.parse().with_context(|| format!("in {line}"))?;
                Ok(ps / 1000.0)
            };
            Ok(Cost {
                name: name.to_owned(),
                rust: instructions(rust)?,
                c: instructions(c)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_instructions() {
        let costs = parse("pte_offset_map_lock rust 61500 c 70000\n").unwrap();
        assert_eq!(
            costs,
            [Cost {
                name: "pte_offset_map_lock".to_owned(),
                rust: 61.5,
                c: 70.0
            }]
        );
    }

    #[test]
    fn other_lines_are_errors() {
        assert!(parse("pte_offset_map_lock rust 61500\n").is_err());
        assert!(parse("pte_offset_map_lock rust x c 1\n").is_err());
    }
}
