// SPDX-License-Identifier: GPL-2.0

//! Draws a process's page tables.

mod demo;

use anyhow::{Context, Result};
use clap::Parser;
use pagetables::end;
use pagetables::ptmap::{self, Tree};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(version, about = "A process's page tables, drawn as an SVG")]
struct Cli {
    /// The process, or `-` for a text from standard input
    #[arg(value_name = "PID", required_unless_present_any = ["file", "demo"])]
    process: Option<Source>,
    /// Draw a text that was saved before
    #[arg(long, value_name = "TEXT", conflicts_with = "process")]
    file: Option<PathBuf>,
    /// What to write above the picture instead of what it is of
    #[arg(long)]
    caption: Option<String>,
    /// Where to write the picture, instead of to standard output
    #[arg(long, short, value_name = "SVG")]
    output: Option<PathBuf>,
    /// Instead: use memory and give it back, and print the texts of before and after
    #[arg(long, conflicts_with_all = ["process", "file", "caption", "output"])]
    demo: bool,
}

#[derive(Clone)]
enum Source {
    Process(u32),
    Stdin,
}

impl std::str::FromStr for Source {
    type Err = std::num::ParseIntError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        if word == "-" {
            return Ok(Self::Stdin);
        }
        word.parse().map(Self::Process)
    }
}

/// What the kernel tells of a process.
fn text_of(pid: u32) -> Result<String> {
    let path = format!("/sys/kernel/debug/page_tables/{pid}");
    fs::read_to_string(&path)
        .with_context(|| format!("reading {path}, which freepte's kernel shows to root"))
}

fn name_of(pid: u32) -> String {
    match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("PID {pid} ({})", name.trim_end()),
        Err(_) => format!("PID {pid}"),
    }
}

fn saved(path: &Path) -> Result<(String, String)> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).with_context(|| format!("reading {name}"))?;
    Ok((text, name))
}

/// The text, and what it is of.
fn read(cli: &Cli) -> Result<(String, String)> {
    if let Some(path) = &cli.file {
        return saved(path);
    }
    if let Some(Source::Process(pid)) = cli.process {
        return Ok((text_of(pid)?, name_of(pid)));
    }
    Ok((
        io::read_to_string(io::stdin())?,
        "standard input".to_owned(),
    ))
}

fn run() -> Result<bool> {
    let cli = Cli::parse();
    if cli.demo {
        demo::run()?;
        return Ok(true);
    }
    let (text, name) = read(&cli)?;
    let tree = Tree::parse(&text).with_context(|| name.clone())?;
    let svg = ptmap::draw(&tree, cli.caption.as_deref().unwrap_or(&name));
    match &cli.output {
        Some(path) => {
            fs::write(path, svg).with_context(|| format!("writing {}", path.display()))?;
        }
        None => io::stdout().write_all(svg.as_bytes())?,
    }
    Ok(true)
}

fn main() -> ExitCode {
    end::with(run())
}
