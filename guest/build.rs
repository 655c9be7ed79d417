// SPDX-License-Identifier: GPL-2.0

//! Compiles the Java workload where a compiler is: under emulation that would take most of a
//! minute. Without one the program is compiled when it is run.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = "java/Heap.java";

fn compile(javac: &str, out: &Path) -> bool {
    Command::new(javac)
        // Runs on every Java that is in use.
        .args(["-Xlint:-options", "--release", "11", "-d"])
        .arg(out)
        .arg(SOURCE)
        .status()
        .is_ok_and(|status| status.success())
}

fn main() -> std::io::Result<()> {
    let out = env::var_os("OUT_DIR")
        .map(PathBuf::from)
        .ok_or(std::io::ErrorKind::NotFound)?;
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=FREEPTE_JAVAC");
    let javac = env::var("FREEPTE_JAVAC").unwrap_or_else(|_| "javac".to_owned());
    let class = out.join("Heap.class");
    if !compile(&javac, &out) {
        println!("cargo::warning=no javac: the Java workload will be compiled in the guest");
        std::fs::write(&class, "")?;
        // A file that never exists: look for the compiler again at the next build.
        println!("cargo::rerun-if-changed={}", out.join("javac").display());
    }
    println!("cargo::rustc-env=FREEPTE_HEAP_CLASS={}", class.display());
    Ok(())
}
