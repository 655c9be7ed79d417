// SPDX-License-Identifier: GPL-2.0

//! A Java heap under G1, grown, then collected.

use super::{Grown, Size, Starts, Workload};
use crate::subject::Subject;
use anyhow::{Context, Result};
use pagetables::tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const MIB: usize = 500;
const SOURCE: &str = include_str!("../../../java/Heap.java");
/// The program, compiled when this was built; empty if there was no compiler.
const COMPILED: &[u8] = include_bytes!(env!("FREEPTE_HEAP_CLASS"));
const CLASS: &str = "Heap";

#[derive(Default)]
pub struct Java {
    classes: Option<TempDir>,
}

fn java() -> Option<PathBuf> {
    tools::find("FREEPTE_JAVA", "java")
}

/// Put the compiled program into a directory.
fn unpack(dir: &Path) -> Result<()> {
    if !COMPILED.is_empty() {
        return Ok(fs::write(dir.join(format!("{CLASS}.class")), COMPILED)?);
    }
    let source = dir.join(format!("{CLASS}.java"));
    fs::write(&source, SOURCE)?;
    let java = java().context("no java")?;
    // Some runtimes have the compiler as a module.
    let module = ["-m", "jdk.compiler/com.sun.tools.javac.Main", "-d"];
    tools::run(Command::new(java).args(module).arg(dir).arg(&source))
        .or_else(|_| tools::run(Command::new("javac").arg("-d").arg(dir).arg(&source)))
        .context("compiling the program (package default-jdk-headless)")
}

impl Workload for Java {
    fn name(&self) -> &'static str {
        "java"
    }

    fn title(&self, _size: Size) -> String {
        "Java (G1), heap grown and collected".to_owned()
    }

    fn missing(&self) -> Option<String> {
        java()
            .is_none()
            .then(|| "java (package default-jre-headless, or FREEPTE_JAVA)".to_owned())
    }

    fn prepare(&mut self, _size: Size) -> Result<()> {
        let dir = tempfile::tempdir()?;
        unpack(dir.path())?;
        self.classes = Some(dir);
        Ok(())
    }

    fn grow(&mut self, size: Size, starts: Starts) -> Result<Box<dyn Grown>> {
        let classes = self.classes.as_ref().context("not prepared")?.path();
        let mib = size.of(MIB);
        let mut command = Command::new(java().context("no java")?);
        command
            .args(["-XX:+UseG1GC", "-Xms16m"])
            .arg(format!("-Xmx{}m", mib * 3 / 2))
            // Give back what a collection has emptied.
            .args(["-XX:MinHeapFreeRatio=5", "-XX:MaxHeapFreeRatio=10"])
            .arg("-cp")
            .arg(classes)
            .arg(CLASS)
            .arg(mib.to_string());
        let mut subject = Subject::spawn(&mut command)?;
        subject.expect("ready")?;
        starts(subject.pid())?;
        subject.go()?;
        subject.expect("full")?;
        Ok(Box::new(Heap(subject)))
    }

    fn finish(&mut self) {
        self.classes = None;
    }
}

struct Heap(Subject);

impl Grown for Heap {
    fn pid(&self) -> u32 {
        self.0.pid()
    }

    fn shrink(&mut self) -> Result<()> {
        self.0.go()?;
        self.0.expect("empty").map(drop)
    }
}
