// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask ptmap`: the page tables of a process, drawn. `freepte-ptmap` of the guest crate
//! reads and draws; where the process runs, this runs too.

use crate::build::{self, Variant};
use crate::children;
use crate::guest;
use crate::paths::Paths;
use crate::setup;
use crate::vm::{self, Machine, Sink};
use anyhow::{bail, ensure, Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PROGRAM: &str = "freepte-ptmap";

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The process, on a machine that runs freepte's kernel: in the guest
    #[arg(value_name = "PID", required_unless_present_any = ["file", "demo"])]
    pid: Option<u32>,
    /// Draw a text that was saved before, anywhere
    #[arg(long, value_name = "TEXT", conflicts_with = "pid")]
    file: Option<PathBuf>,
    /// Where to write the picture, instead of to standard output
    #[arg(long, short, value_name = "SVG")]
    output: Option<PathBuf>,
    /// Instead: boot freepte's kernel, let a process use memory and give it back, and write the
    /// texts and pictures of before and after to this folder
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["pid", "file", "output"])]
    demo: Option<PathBuf>,
    /// Take the kernel as it was built last
    #[arg(long, requires = "demo")]
    no_build: bool,
    /// Boot this image instead
    #[arg(long, requires = "no_build")]
    image: Option<PathBuf>,
}

pub fn run(paths: &Paths, options: &Options) -> Result<()> {
    if let Some(folder) = &options.demo {
        return demo(paths, options, folder);
    }
    let program = if options.pid.is_some() {
        guest::built_program
    } else {
        guest::program
    };
    let mut command = Command::new(program(paths, PROGRAM)?);
    if let Some(pid) = options.pid {
        command.arg(pid.to_string());
    }
    if let Some(file) = &options.file {
        command.arg("--file").arg(file);
    }
    if let Some(output) = &options.output {
        command.arg("--output").arg(output);
    }
    done(command)
}

fn done(mut command: Command) -> Result<()> {
    command.stdin(Stdio::null());
    let status = children::status(&mut command).with_context(|| format!("running {PROGRAM}"))?;
    ensure!(status.success(), "{PROGRAM} ended with {status}");
    Ok(())
}

fn demo(paths: &Paths, options: &Options, folder: &Path) -> Result<()> {
    if !options.no_build {
        setup::provide(paths, setup::TO_SHOW)?;
        build::build(paths, Variant::Freepte)?;
    }
    let program = guest::program(paths, PROGRAM)?;
    let outcome = vm::run(
        paths,
        Variant::Freepte,
        options.image.as_deref(),
        &Machine {
            memory: Some("1G".to_owned()),
            timeout: 600,
            ..Machine::default()
        },
        Sink::Capture,
        &[program.to_string_lossy().into_owned(), "--demo".to_owned()],
    )?;
    if let Some(trouble) = outcome.trouble() {
        bail!("{trouble}");
    }
    ensure!(
        outcome.exit_code() == 0,
        "{PROGRAM} ended with {}: {}",
        outcome.exit_code(),
        outcome.stderr
    );

    let texts = parts(&outcome.stdout)?;
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    for (title, text) in texts {
        let file = folder.join(title.replace(' ', "-") + ".txt");
        fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
        let picture = file.with_extension("svg");
        let mut command = Command::new(&program);
        command.arg("--file").arg(&file);
        command.args(["--caption", &format!("the demonstration: {title}")]);
        command.arg("--output").arg(&picture);
        done(command)?;
        println!("{}", picture.display());
    }
    Ok(())
}

/// The texts that were printed one after the other, each below its title.
fn parts(printed: &str) -> Result<Vec<(String, String)>> {
    let mut parts = Vec::new();
    for line in printed.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            parts.push((title.to_owned(), String::new()));
            continue;
        }
        let (_, text) = parts.last_mut().context("no title comes first")?;
        text.push_str(line);
        text.push('\n');
    }
    ensure!(!parts.is_empty(), "there is no text");
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_by_title() -> Result<()> {
        assert_eq!(
            parts("# in use\na # b\nc\n# given back\nd\n")?,
            [("in use", "a # b\nc\n"), ("given back", "d\n")]
                .map(|(title, text)| (title.to_owned(), text.to_owned()))
        );
        assert!(parts("a\n# b\nc\n").is_err());
        assert!(parts("").is_err());
        Ok(())
    }
}
