// SPDX-License-Identifier: GPL-2.0

//! What the machine code of a function calls: the small functions that it is made of should all
//! have been inlined, be they written in Rust or in C.

use crate::build::{self, Variant};
use crate::cmd;
use crate::paths::Paths;
use crate::toolchain;
use anyhow::{ensure, Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// The functions looked at, and what they may call: what C calls as well, and what is for the rare
/// case that something is wrong.
const FUNCTIONS: &[(&str, &[&str])] = &[
    ("__pte_offset_map", MAP),
    ("pte_offset_map_ro_nolock", MAP),
    ("pte_offset_map_rw_nolock", MAP),
    ("pte_offset_map_lock", LOCK),
];

const MAP: &[&str] = &["__rcu_read_lock", "__rcu_read_unlock", COMPLAIN];
const LOCK: &[&str] = &[
    "__rcu_read_lock",
    "__rcu_read_unlock",
    "_raw_spin_lock",
    "_raw_spin_unlock",
    COMPLAIN,
];

/// Part of the name of the one cold function.
const COMPLAIN: &str = "complain";

/// How a function returns where returns are guarded.
const RETURNS: &str = "__x86_return_thunk";

pub fn run(paths: &Paths) -> Result<String> {
    let object = build::build_dir(paths, Variant::Freepte)?.join("freepte/mm/freepte.o");
    let clang = toolchain::require()?.clang();
    let objdump = clang.replace("clang", "llvm-objdump");
    let text = cmd::output(
        Command::new(objdump)
            .args(["--disassemble", "--reloc", "--no-show-raw-insn"])
            .arg(&object),
    )?;
    let calls = calls(&text);
    for (name, allowed) in FUNCTIONS {
        let called = calls
            .get(*name)
            .with_context(|| format!("{} has no {name}", object.display()))?;
        let others: Vec<&str> = called
            .iter()
            .map(String::as_str)
            .filter(|target| *target != RETURNS)
            .filter(|target| {
                !allowed
                    .iter()
                    .any(|a| target == a || (*a == COMPLAIN && target.contains(a)))
            })
            .collect();
        ensure!(others.is_empty(), "{name} calls {}", others.join(", "));
    }
    Ok(format!("{} functions", FUNCTIONS.len()))
}

/// What each function calls or jumps to, from a disassembly with relocations.
fn calls(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut function = None;
    for line in text.lines() {
        if let Some(name) = line.strip_suffix(">:").and_then(|l| l.split_once('<')) {
            function = Some(name.1.to_owned());
            all.entry(name.1.to_owned()).or_default();
        } else if let (Some(name), Some(target)) = (&function, target(line)) {
            all.entry(name.clone()).or_default().insert(target);
        }
    }
    all
}

/// The symbol of a relocation of a call or a jump.
fn target(line: &str) -> Option<String> {
    let (_, symbol) = line
        .split_once("R_X86_64_PLT32")
        .or_else(|| line.split_once("R_X86_64_PC32"))?;
    let symbol = symbol.trim();
    let name = symbol
        .split_once(['+', '-'])
        .map_or(symbol, |(name, _)| name);
    // Data is reached by the same relocations.
    let code = symbol.ends_with("-0x4") && !name.starts_with('.');
    (code && !DATA.contains(&name)).then(|| name.to_owned())
}

/// Variables that are read by an instruction that ends with their address.
const DATA: &[&str] = &[
    "page_offset_base",
    "vmemmap_base",
    "physical_mask",
    "sme_me_mask",
];

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
0000000000000010 <pte_offset_map_lock>:
      10:      	callq	0x15 <pte_offset_map_lock+0x5>
		0000000000000011:  R_X86_64_PLT32	__rcu_read_lock-0x4
      15:      	movq	(%rip), %r12
		0000000000000018:  R_X86_64_PC32	page_offset_base-0x4
      1c:      	callq	0x21
		000000000000001d:  R_X86_64_PLT32	rust_helper_ptdesc_lockptr-0x4

0000000000000040 <other>:
      40:      	retq
";

    #[test]
    fn calls_are_found_and_data_is_not() {
        let calls = calls(TEXT);
        let of = |name: &str| -> Vec<String> { calls[name].iter().cloned().collect() };
        assert_eq!(
            of("pte_offset_map_lock"),
            ["__rcu_read_lock", "rust_helper_ptdesc_lockptr"]
        );
        assert!(of("other").is_empty());
    }
}
