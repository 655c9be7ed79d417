// SPDX-License-Identifier: GPL-2.0

//! That tests call each function that is kept in C to compare with: one that nobody calls is not
//! compared with anything.

use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What declares them, by the names that they have in Rust's bindings.
const HEADERS: &[&str] = &[
    "include/linux/rust_mm_twins.h",
    "include/linux/rust_pagewalk_twins.h",
];

/// Where the tests are that the kernel runs.
const TESTS: &[&str] = &["mm/**/tests.rs", "mm/**/tests/*.rs", "rust/**/tests.rs"];

/// The functions that a header declares.
fn declared(header: &str) -> BTreeSet<String> {
    names(header, r"\b(c_\w+)\(")
}

/// The functions of C that Rust code names.
fn named(code: &str) -> BTreeSet<String> {
    names(code, r"\bbindings::(c_\w+)")
}

fn names(text: &str, pattern: &str) -> BTreeSet<String> {
    Regex::new(pattern)
        .unwrap()
        .captures_iter(text)
        .map(|found| found[1].to_owned())
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn each_is_called() {
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let declared: BTreeSet<String> = HEADERS
        .iter()
        .flat_map(|header| declared(&read(&root().join(header))))
        .collect();
    let named: BTreeSet<String> = TESTS
        .iter()
        .flat_map(|pattern| glob::glob(&root().join(pattern).to_string_lossy()).unwrap())
        .flat_map(|path| named(&read(&path.unwrap())))
        .collect();
    let missing: Vec<&String> = declared.difference(&named).collect();

    assert!(!declared.is_empty());
    assert!(missing.is_empty(), "no test calls {missing:?}");
}

#[test]
fn one_that_is_not_is_found() {
    let header =
        "int c_walk(struct mm_struct *mm);\nvoid c_fill(void);\nenum c_kind c_kind(int a);";
    let code = "use(bindings::c_walk, bindings::walk); c_fill(); bindings::c_kind(0)";

    assert_eq!(
        Vec::from_iter(declared(header).difference(&named(code))),
        ["c_fill"]
    );
}
