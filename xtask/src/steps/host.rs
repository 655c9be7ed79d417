// SPDX-License-Identifier: GPL-2.0

//! Steps that need no kernel: formats, lints, tests of the tools themselves.

use super::{passed, Done};
use crate::children;
use crate::cmd;
use crate::guest;
use crate::paths::Paths;
use crate::series::Series;
use crate::tree;
use anyhow::{bail, ensure, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Run a command whose output is of interest only when it fails.
fn quiet(cmd: &mut Command) -> Result<()> {
    let line = cmd::show(cmd);
    let out = children::output(cmd).map_err(|e| anyhow::anyhow!("cannot run `{line}`: {e}"))?;
    if !out.status.success() {
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
        // A long list of files tells nothing.
        let line: String = line.chars().take(160).collect();
        bail!("`{line}` failed:\n{}", cmd::tail(&text, 60));
    }
    Ok(())
}

pub fn format(paths: &Paths) -> Result<Done> {
    quiet(guest::cargo(paths).args(["fmt", "--all", "--check"]))?;
    Ok(passed())
}

pub fn clippy(paths: &Paths) -> Result<Done> {
    if cmd::try_output(guest::cargo(paths).args(["clippy", "--version"])).is_none() {
        // Debian 12 has none for the rustc that it has for browsers.
        return Ok(Done::Skip("this toolchain has no clippy".to_owned()));
    }
    quiet(guest::cargo(paths).args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok(passed())
}

pub fn host_tests(paths: &Paths) -> Result<Done> {
    quiet(guest::cargo(paths).args(["test", "--workspace", "--quiet"]))?;
    Ok(passed())
}

/// All files below some directories of the repository with an extension.
fn files(paths: &Paths, dirs: &[&str], extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo: Vec<PathBuf> = dirs.iter().map(|d| paths.root.join(d)).collect();
    while let Some(dir) = todo.pop() {
        for path in fs::read_dir(&dir)
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
        {
            if path.is_dir() {
                todo.push(path);
            } else if path
                .extension()
                .is_some_and(|e| extensions.iter().any(|x| e == *x))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub fn kernel_rustfmt(paths: &Paths) -> Result<Done> {
    let list = files(paths, &["mm", "rust"], &["rs"]);
    ensure!(!list.is_empty(), "there is no Rust in mm/ or rust/");
    let config = tree::stock(paths)?.join(".rustfmt.toml");
    quiet(
        Command::new("rustfmt")
            .args([
                "--check",
                "--color",
                "never",
                "--edition",
                "2021",
                "--config-path",
            ])
            .arg(config)
            .args(&list),
    )?;
    Ok(Done::Pass(format!("{} files", list.len())))
}

pub fn checkpatch(paths: &Paths) -> Result<Done> {
    let src = tree::stock(paths)?;
    let series = Series::load(&paths.root.join("patches"))?;
    ensure!(!series.patches.is_empty(), "patches/series names no patch");
    let script = |src: &Path| {
        let mut cmd = Command::new("perl");
        cmd.arg(src.join("scripts/checkpatch.pl"));
        // No MAINTAINERS entry names files of an overlay, no commit is at hand to look up, signing
        // off is for a person who sends the patch on, a link's content is the name of a file, and
        // functions that are in Rust are exported from C.
        let not =
            "EMBEDDED_FILENAME,EXPORT_SYMBOL,FILE_PATH_CHANGES,GIT_COMMIT_ID,MISSING_SIGN_OFF";
        cmd.args([
            "--quiet",
            "--terse",
            "--no-summary",
            "--show-types",
            "--ignore",
            not,
        ]);
        cmd.current_dir(src);
        cmd
    };
    quiet(script(&src).args(series.patches.iter().map(|p| &p.path)))?;
    let folders = ["mm", "rust", "include", "tools"];
    let sources = files(paths, &folders, &["c", "h"]);
    if !sources.is_empty() {
        quiet(script(&src).arg("--file").args(&sources))?;
    }
    Ok(Done::Pass(format!(
        "{} patches, {} files",
        series.patches.len(),
        sources.len()
    )))
}
