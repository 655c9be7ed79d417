// SPDX-License-Identifier: GPL-2.0

//! What is measured, on what.

use super::result::{self, Setting};
use crate::build::{self, Kernel};
use crate::cmd;
use crate::kvm;
use crate::paths::Paths;
use crate::toolchain;
use anyhow::{Context, Result};
use std::env;
use std::fs;
use std::process::Command;

pub fn of(paths: &Paths, kernels: &[Kernel; 2]) -> Result<Setting> {
    let [baseline, candidate] = kernels;
    let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
    Ok(Setting {
        date: first_line(cmd::output(Command::new("date").args(["-u", "+%F %H:%M"]))?),
        command: command(),
        commit: commit(paths),
        baseline: kernel(paths, baseline)?,
        candidate: kernel(paths, candidate)?,
        qemu: first_line(cmd::output(Command::new(kvm::qemu()?).arg("--version"))?),
        accelerator: if kvm::works(paths)? { "KVM" } else { "TCG" }.to_owned(),
        processor: processor(),
        compiler: first_line(cmd::output(
            Command::new(toolchain::require()?.clang()).arg("--version"),
        )?),
        seconds: 0,
    })
}

/// Our own command line, as it was typed.
fn command() -> String {
    let words: Vec<String> = env::args().skip(1).collect();
    let words = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default();
    format!("cargo xtask {words}")
}

fn commit(paths: &Paths) -> String {
    let git =
        |args: &[&str]| cmd::try_output(Command::new("git").arg("-C").arg(&paths.root).args(args));
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return String::new();
    };
    let clean = git(&["status", "--porcelain"]).is_some_and(|text| text.is_empty());
    format!("{}{}", commit.trim(), if clean { "" } else { "+" })
}

fn kernel(paths: &Paths, kernel: &Kernel) -> Result<result::Kernel> {
    let file = build::build_dir(paths, kernel.clone())?.join("include/config/kernel.release");
    let release =
        fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    Ok(result::Kernel {
        name: kernel.name(),
        release: release.trim().to_owned(),
    })
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown", |(_, model)| model.trim());
    format!("{model}, {} processors", cmd::cpus())
}
