// SPDX-License-Identifier: GPL-2.0

//! Compiles the Java workload where a compiler is: under emulation that would take most of a
//! minute. Without one the workload compiles it itself, if it can.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = "java/Heap.java";

/// The compiler as a module of the runtime, where that has it (Debian's does), or as a program.
const MODULE: &[&str] = &["java", "-m", "jdk.compiler/com.sun.tools.javac.Main"];
const PROGRAM: &[&str] = &["javac"];

fn compile(compiler: &[&str], out: &Path) -> bool {
    let [program, args @ ..] = compiler else {
        return false;
    };
    Command::new(program)
        .args(args)
        // Runs on every Java that is in use.
        .args(["-Xlint:-options", "--release", "11", "-d"])
        .arg(out)
        .arg(SOURCE)
        .output()
        .is_ok_and(|output| output.status.success())
}

fn main() -> std::io::Result<()> {
    let out = env::var_os("OUT_DIR")
        .map(PathBuf::from)
        .ok_or(std::io::ErrorKind::NotFound)?;
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    let class = out.join("Heap.class");
    if ![MODULE, PROGRAM].iter().any(|with| compile(with, &out)) {
        std::fs::write(&class, "")?;
        // A file that never exists: look for the compiler again at the next build.
        println!(
            "cargo::rerun-if-changed={}",
            out.join("no-such-file").display()
        );
    }
    println!("cargo::rustc-env=FREEPTE_HEAP_CLASS={}", class.display());
    Ok(())
}
