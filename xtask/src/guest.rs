// SPDX-License-Identifier: GPL-2.0

//! The programs of the `guest` crate, built on the host and run in the guest.

use crate::cmd;
use crate::paths::Paths;
use anyhow::{ensure, Context, Result};
use std::env;
use std::path::PathBuf;
use std::process::Command;

/// cargo, for this workspace.
pub fn cargo(paths: &Paths) -> Command {
    let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut cmd = Command::new(cargo);
    cmd.current_dir(&paths.root);
    cmd
}

/// Build the crate.
pub fn build(paths: &Paths) -> Result<()> {
    ensure!(
        paths.root.join("guest/Cargo.toml").is_file(),
        "this tree has no guest/ with the programs that run in the guest"
    );
    let log = paths.log_dir()?.join("guest.log");
    cmd::run_logged(
        cargo(paths).args(["build", "--release", "--package", "guest"]),
        &log,
    )
}

/// Build the crate; returns where one of its programs is.
pub fn program(paths: &Paths, name: &str) -> Result<PathBuf> {
    build(paths)?;
    let program = dir(paths).join(name);
    ensure!(program.is_file(), "the guest crate has no program {name}");
    program
        .canonicalize()
        .context("finding the guest's program")
}

/// One of its programs as it was built last, if it was; for use within the guest, where building
/// takes minutes.
pub fn built_program(paths: &Paths, name: &str) -> Result<PathBuf> {
    let program = dir(paths).join(name);
    if program.is_file() {
        return Ok(program);
    }
    self::program(paths, name)
}

/// Where the programs are.
pub fn dir(paths: &Paths) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| paths.root.join("target"), |dir| paths.root.join(dir));
    target.join("release")
}
