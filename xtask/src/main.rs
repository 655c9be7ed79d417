// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask`: builds, boots and tests the kernels of freepte.

mod apt;
mod build;
mod cmd;
mod kconfig;
mod kvm;
mod lock;
mod paths;
mod progress;
mod series;
mod source;
mod splat;
mod toolchain;
mod tree;
mod vm;

use crate::build::Variant;
use crate::paths::Paths;
use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Build, boot and test the kernels of freepte"
)]
struct Cli {
    #[command(subcommand)]
    command: Cmd,
}

#[derive(Subcommand)]
enum Cmd {
    /// Build a kernel
    Build(BuildArgs),
    /// Run a command as root in a virtual machine, on the host's files (copy-on-write)
    ///
    /// Exits with the command's status; with 99 when the kernel complained, with 124 when the time
    /// ran out, with 98 when the guest ended without a status.
    Vm(VmArgs),
}

#[derive(Args)]
struct BuildArgs {
    /// What to build
    #[arg(long, value_enum, default_value_t = Variant::Freepte)]
    kernel: Variant,
    /// Only print the path of the image
    #[arg(long)]
    print_image: bool,
    /// Only print the configuration that is asked for
    #[arg(long)]
    print_config: bool,
}

#[derive(Args)]
struct VmArgs {
    /// What to boot
    #[arg(long, value_enum, default_value_t = Variant::Freepte)]
    kernel: Variant,
    /// Boot this image instead
    #[arg(long)]
    image: Option<PathBuf>,
    #[command(flatten)]
    machine: vm::Machine,
    /// Say nothing but what the command says
    #[arg(long)]
    quiet: bool,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

fn main() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(code) => code,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> Result<ExitCode> {
    let paths = Paths::discover()?;
    match cli.command {
        Cmd::Build(args) => build_command(&paths, &args),
        Cmd::Vm(args) => vm_command(&paths, &args),
    }
}

fn build_command(paths: &Paths, args: &BuildArgs) -> Result<ExitCode> {
    if args.print_image {
        println!("{}", build::image(paths, args.kernel)?.display());
    } else if args.print_config {
        print!(
            "{}",
            kconfig::render(&build::wanted_config(paths, args.kernel)?)
        );
    } else {
        let image = build::build(paths, args.kernel)?;
        println!("{}", image.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn vm_command(paths: &Paths, args: &VmArgs) -> Result<ExitCode> {
    let outcome = vm::run(
        paths,
        args.kernel,
        args.image.as_deref(),
        &args.machine,
        vm::Sink::Inherit,
        &args.command,
    )?;
    if let Some(trouble) = outcome.trouble() {
        eprintln!("error: {trouble}");
    } else if !args.quiet && outcome.status != Some(0) {
        eprintln!("note: the guest's console: {}", outcome.console.display());
    }
    Ok(ExitCode::from(
        u8::try_from(outcome.exit_code()).unwrap_or(1),
    ))
}
