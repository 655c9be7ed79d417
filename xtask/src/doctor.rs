// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask doctor`: what was found, and the command that gets what is missing.

use crate::cmd;
use crate::distro::Manager;
use crate::kvm;
use crate::models;
use crate::needs::NEEDS;
use crate::paths::Paths;
use crate::source;
use crate::toolchain;
use anyhow::Result;
use std::process::Command;

struct Report {
    missing: usize,
}

impl Report {
    fn line(&mut self, state: State, what: &str, detail: &str) {
        let word = match state {
            State::Ok => "ok",
            State::Note => "note",
            State::Missing => "MISSING",
        };
        self.missing += usize::from(state == State::Missing);
        println!("{word:<8} {what:<24} {detail}");
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    Note,
    Missing,
}

/// Print what was found; false when something required is missing.
pub fn run(paths: &Paths) -> Result<bool> {
    let mut report = Report { missing: 0 };
    let manager = Manager::here();
    compilers(&mut report, manager);
    tools(&mut report, paths);
    for need in NEEDS {
        let fix = || manager.install(&[manager.package(need).to_owned()]);
        match (need.met(), need.required) {
            (true, _) => report.line(State::Ok, need.what, ""),
            (false, true) => report.line(State::Missing, need.what, &fix()),
            (false, false) => {
                report.line(State::Note, need.what, &format!("not installed; {}", fix()));
            }
        }
    }
    machine(&mut report, paths)?;
    if report.missing > 0 {
        println!(
            "\n{} missing; as root on Debian or Ubuntu `cargo xtask setup` installs them",
            report.missing
        );
    }
    Ok(report.missing == 0)
}

fn compilers(report: &mut Report, manager: Manager) {
    for rustc in toolchain::rustcs() {
        let source = if rustc.has_source {
            "library source found"
        } else {
            "no library source"
        };
        let text = format!("{} (LLVM {}), {source}", rustc.release, rustc.llvm);
        report.line(State::Note, &rustc.path.display().to_string(), &text);
    }
    match toolchain::find() {
        Some(t) => {
            let text = format!("{} with {}", t.rustc.path.display(), t.clang());
            report.line(State::Ok, "kernel compilers", &text);
        }
        None => {
            let fix = manager.install(&manager.toolchain());
            report.line(State::Missing, "kernel compilers", &fix);
        }
    }
}

fn tools(report: &mut Report, paths: &Paths) {
    let bindgen = toolchain::bindgen(paths);
    let version = |program: &std::path::Path| {
        cmd::try_output(Command::new(program).arg("--version")).map(|v| v.trim().to_owned())
    };
    match version(&bindgen) {
        Some(v) => report.line(State::Ok, "bindgen", &v),
        None => report.line(State::Missing, "bindgen", "cargo xtask setup"),
    }
    match version(&paths.vng()) {
        Some(v) => report.line(State::Ok, "virtme-ng", &v),
        None => report.line(State::Missing, "virtme-ng", "cargo xtask setup"),
    }
    match models::herd_version(paths) {
        Some(v) => report.line(State::Ok, "herd7", &v),
        None => report.line(State::Note, "herd7", "not there: litmus tests are skipped"),
    }
}

fn machine(report: &mut Report, paths: &Paths) -> Result<()> {
    if kvm::qemu().is_ok() {
        let text = if kvm::works(paths)? {
            "works"
        } else {
            "does not work: TCG is used"
        };
        report.line(State::Note, "KVM", text);
    }
    let src = paths.cache.join("src").join(source::id());
    let text = if src.is_dir() {
        src.display().to_string()
    } else {
        "not there yet: fetched by the first build".to_owned()
    };
    report.line(State::Note, "kernel source", &text);
    let free = source::free_gib(&paths.cache)?;
    let text = format!("{free} GiB free for {}", paths.cache.display());
    report.line(State::Note, "disk", &text);
    Ok(())
}
