// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask`: builds, boots and tests the kernels of freepte.

mod apt;
mod bench;
mod build;
mod cachedir_tag;
mod children;
mod clean;
mod cmd;
mod configs;
mod demo;
mod distro;
mod docs;
mod doctor;
mod figures;
mod fuzz;
mod guest;
mod half_made;
mod inputs;
mod interrupt;
mod kconfig;
mod ksft;
mod ktap;
mod kunit;
mod kvm;
mod lock;
mod misuse;
mod models;
mod needs;
mod paths;
mod pins;
mod progress;
mod provenance;
mod ptmap;
mod reaper;
mod scratch;
mod series;
mod setup;
mod skips;
mod source;
mod splat;
mod steps;
mod storm;
mod terminal;
mod test;
mod textcmp;
mod toolchain;
mod tree;
mod twins;
mod versions;
mod vm;

use crate::build::Variant;
use crate::needs::Part;
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
    /// Tell what was found, and the command that gets what is missing
    Doctor,
    /// Install what is missing (build, run, ksft and test do this by themselves)
    Setup,
    /// Bring a variant's kernel tree up to date with the patches, and print where it is
    Tree {
        /// Whose tree
        #[arg(long, value_enum, default_value_t = Variant::Freepte)]
        kernel: Variant,
    },
    /// Build a kernel
    Build(BuildArgs),
    /// Run a command, or a shell, as root in a virtual machine, on the host's files (copy-on-write)
    ///
    /// Without a command it is a shell on this terminal. Exits with the command's status; with 99
    /// when the kernel complained, with 124 when the time ran out, with 98 when the guest ended
    /// without a status.
    Vm(vm::Options),
    /// The main job: show the page tables of real programs with the freeing off and on
    Run(demo::Options),
    /// Tell whether the measured tables of the README are what the committed figures give
    Figures(figures::Options),
    /// Run every check; the last line is `N passed, N failed`
    Test {
        /// Also compare the code of `off` with stock's, and run upstream's whole mm suite
        #[arg(long)]
        full: bool,
        /// Only the steps whose name contains one of these
        #[arg(long, value_name = "TEXT")]
        only: Vec<String>,
        /// Name the steps, run nothing
        #[arg(long)]
        list: bool,
    },
    /// Check the models of the protocol that keeps and frees PTE tables (no kernel is built)
    Models {
        /// Only the models whose name contains one of these
        #[arg(long, value_name = "TEXT")]
        only: Vec<String>,
    },
    /// Compile what freepte touches in other configurations (configs/compile.toml)
    Configs {
        /// Only those whose names contain one of these
        #[arg(value_name = "TEXT")]
        only: Vec<String>,
    },
    /// Run upstream's mm selftests on several kernels and tell what differs
    Ksft(KsftArgs),
    /// Do all that empties and fills tables at once, for some time, and look for damage and leaks
    Storm(storm::Options),
    /// Measure a kernel against another: instructions, locks and atomic operations, memory
    ///
    /// Exits with 1 when a figure is above its bar, noisy or missing.
    Bench(bench::Options),
    /// Run random memory calls on several kernels, which must agree on all that can be seen
    ///
    /// Exits with 1 at the first difference, cut down to the calls that are needed and written as
    /// a program in C.
    Fuzz(fuzz::Options),
    /// Draw the page tables of a process as an SVG (run it in the guest)
    Ptmap(ptmap::Options),
    /// Compare the machine code of two build directories, object by object
    Textcmp {
        /// One build directory
        a: PathBuf,
        /// The other one
        b: PathBuf,
    },
    /// Remove this clone's kernel trees and builds
    Clean {
        /// Also downloads, tools, ccache and what other clones built
        #[arg(long)]
        all: bool,
    },
    /// Tidy up after another `cargo xtask`
    #[command(name = reaper::COMMAND, hide = true)]
    Reaper(reaper::Options),
}

#[derive(Args)]
struct KsftArgs {
    /// Categories of run_vmtests.sh, or names of our tests with --own (all when none is named)
    tests: Vec<String>,
    /// The kernels; each is compared with the first
    #[arg(long, value_enum, value_delimiter = ',')]
    kernels: Vec<Variant>,
    /// Run freepte's own kselftests instead (on freepte, unless --kernels says otherwise)
    #[arg(long)]
    own: bool,
    /// How long each of our races between threads takes at least, in ms, though enough happened before
    #[arg(long, value_name = "MS", requires = "own")]
    race_ms: Option<u32>,
    /// How many allocations gup_failures has fail [default: 1000]
    #[arg(long, value_name = "NUMBER", requires = "own")]
    failures: Option<u32>,
    /// Take the kernels as they were built last
    #[arg(long)]
    no_build: bool,
    #[command(flatten)]
    machine: vm::Machine,
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
    let _guard = match cli.command {
        Cmd::Reaper(_) => None,
        _ => Some(interrupt::guard(&paths)?),
    };
    match cli.command {
        Cmd::Doctor => Ok(code(doctor::run(&paths)?)),
        Cmd::Setup => setup::everything(&paths).map(|()| ExitCode::SUCCESS),
        Cmd::Figures(options) => figures::run(&paths, &options).map(|()| ExitCode::SUCCESS),
        Cmd::Run(options) => {
            setup::provide(&paths, setup::TO_SHOW)?;
            demo::run(&paths, &options).map(|()| ExitCode::SUCCESS)
        }
        Cmd::Test { full, only, list } => test_command(&paths, full, &only, list),
        Cmd::Models { only } => {
            setup::provide(&paths, &[Part::Kernel])?;
            models::run(&paths, &only).map(|()| ExitCode::SUCCESS)
        }
        Cmd::Configs { only } => {
            setup::provide(&paths, &[Part::Kernel])?;
            println!("{}", configs::run(&paths, &only)?);
            Ok(ExitCode::SUCCESS)
        }
        Cmd::Ksft(args) => ksft_command(&paths, &args),
        Cmd::Storm(options) => storm::run(&paths, &options).map(|()| ExitCode::SUCCESS),
        Cmd::Bench(options) => bench_command(&paths, &options),
        Cmd::Fuzz(options) => {
            println!("{}", fuzz::run(&paths, &options)?);
            Ok(ExitCode::SUCCESS)
        }
        Cmd::Ptmap(options) => ptmap::run(&paths, &options).map(|()| ExitCode::SUCCESS),
        Cmd::Textcmp { a, b } => {
            let objdump = format!("llvm-objdump{}", toolchain::require()?.suffix);
            let found = textcmp::compare(&a, &b, &objdump)?;
            println!("{}", found.summary());
            Ok(code(found.equal()))
        }
        Cmd::Clean { all } => clean::run(&paths, all).map(|()| ExitCode::SUCCESS),
        Cmd::Tree { kernel } => {
            println!("{}", kernel.tree(&paths)?.display());
            Ok(ExitCode::SUCCESS)
        }
        Cmd::Build(args) => build_command(&paths, &args),
        Cmd::Vm(options) => vm::command(&paths, &options),
        Cmd::Reaper(options) => reaper::run(&options).map(|()| ExitCode::SUCCESS),
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
        setup::provide(paths, &[Part::Kernel])?;
        let image = build::build(paths, args.kernel)?;
        println!("{}", image.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn code(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn test_command(paths: &Paths, full: bool, only: &[String], list: bool) -> Result<ExitCode> {
    if list {
        for step in steps::STEPS {
            println!(
                "{}{}",
                step.name,
                if step.full { " (with --full)" } else { "" }
            );
        }
        return Ok(ExitCode::SUCCESS);
    }
    let tally = test::run(paths, full, only);
    Ok(code(tally.failed == 0 && tally.passed > 0))
}

fn ksft_command(paths: &Paths, args: &KsftArgs) -> Result<ExitCode> {
    if !args.no_build {
        setup::provide(paths, setup::TO_TEST)?;
    }
    let kernels = match (args.kernels.is_empty(), args.own) {
        (false, _) => args.kernels.clone(),
        (true, true) => vec![Variant::Freepte],
        (true, false) => vec![Variant::Stock, Variant::Freepte],
    };
    for kernel in &kernels {
        if args.no_build {
            build::note_if_stale(paths, *kernel);
        } else {
            build::build(paths, *kernel)?;
        }
    }
    let machine = ksft::suited(&args.machine);
    if args.own {
        let own = ksft::Own {
            part: None,
            tests: &args.tests,
            race_ms: args.race_ms,
            failures: args.failures,
        };
        for kernel in &kernels {
            let run = ksft::run_own(paths, *kernel, &machine, &own)?;
            println!("{}: {}", kernel.name(), ksft::summary(&run.report.results));
        }
    } else {
        let text = ksft::compare_upstream(paths, &kernels, &machine, &args.tests)?;
        println!("nothing differs ({text})");
    }
    Ok(ExitCode::SUCCESS)
}

fn bench_command(paths: &Paths, options: &bench::Options) -> Result<ExitCode> {
    if options.list {
        return bench::list(paths).map(|()| ExitCode::SUCCESS);
    }
    if options.measures() {
        setup::provide(paths, setup::TO_MEASURE)?;
    }
    bench::run(paths, options).map(code)
}
