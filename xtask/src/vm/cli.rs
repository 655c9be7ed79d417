// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask vm`.

use super::gdb::Gdb;
use super::{programs, Guest, Machine, Sink};
use crate::build::{self, Variant};
use crate::needs::Part;
use crate::paths::Paths;
use crate::setup;
use crate::terminal;
use anyhow::{ensure, Result};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// What to boot
    #[arg(long, value_enum, default_value_t = Variant::Freepte)]
    kernel: Variant,
    /// Boot this image instead
    #[arg(long)]
    image: Option<PathBuf>,
    #[command(flatten)]
    machine: Machine,
    /// Have the guest wait for a debugger; how to attach it is printed
    #[arg(long)]
    gdb: bool,
    /// Say nothing but what the command says
    #[arg(long)]
    quiet: bool,
    /// The command and its arguments; without one, a shell on this terminal. The guest has the
    /// programs of this clone in its PATH: freepte-ptmap and its kin, and kselftests (for a command
    /// as they were built last)
    #[arg(last = true)]
    command: Vec<String>,
}

pub fn command(paths: &Paths, options: &Options) -> Result<ExitCode> {
    let wants_shell = options.command.is_empty();
    ensure!(
        !wants_shell || terminal::is_there(),
        "a shell needs a terminal, and standard input is none; name a command to run:\n    \
         cargo xtask vm -- sh -c 'COMMANDS'"
    );
    if options.machine.xen {
        setup::provide(paths, &[Part::Xen])?;
    }
    let image = options.image.as_deref();
    let mut guest = Guest::new(paths, options.kernel.into(), image, &options.machine)?;
    if image.is_none() {
        build::note_if_stale(paths, options.kernel);
    }
    programs::build(paths, wants_shell);
    if options.gdb {
        let gdb = Gdb::on_a_free_port()?;
        eprintln!("{}", gdb.how_to_attach(&guest.image));
        guest.gdb = Some(gdb);
    }
    let outcome = if wants_shell {
        if !options.quiet {
            eprintln!(
                "Booting {}; `exit` or Ctrl-D ends the guest, Ctrl-A x does so at once.",
                options.kernel.name()
            );
        }
        guest.shell()?
    } else {
        guest.run(Sink::Inherit, &options.command)?
    };
    if let Some(trouble) = outcome.trouble() {
        eprintln!("error: {trouble}");
    } else if !wants_shell && !options.quiet && outcome.status != Some(0) {
        eprintln!("note: the guest's console: {}", outcome.console.display());
    }
    Ok(ExitCode::from(
        u8::try_from(outcome.exit_code()).unwrap_or(1),
    ))
}
