// SPDX-License-Identifier: GPL-2.0

//! virtme-ng's command line.

use super::{script, Guest};
use crate::build::Variant;
use crate::kvm;
use crate::paths::Paths;
use anyhow::{ensure, Result};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

/// The command that boots a guest and runs a script in it.
pub fn command(guest: &Guest, qemu: &Path, script: &Path, qemu_opts: &[String]) -> Result<Command> {
    let (paths, machine) = (guest.paths, guest.machine);
    let vng = paths.vng();
    ensure!(
        vng.is_file(),
        "{} is missing; run `cargo xtask setup`",
        vng.display()
    );
    let mut cmd = Command::new(&vng);
    cmd.arg("--run").arg(&guest.image);
    cmd.args([
        "-v",
        "--user",
        "root",
        "--force-9p",
        "--disable-microvm",
        "--skip-modules",
    ]);
    cmd.arg("--qemu").arg(qemu);
    cmd.args(["--memory", machine.memory.as_deref().unwrap_or("2G")]);
    cmd.args([
        "--cpus",
        &if machine.icount { 1 } else { machine.cpus }.to_string(),
    ]);
    cmd.args(["--cwd", "/"]);
    // The scanner tells the kernel's lines from others by their time stamps.
    cmd.arg("--append=printk.time=1");
    for dir in overlays(paths) {
        cmd.arg("--overlay-rwdir").arg(dir);
    }
    if !use_kvm(guest)? {
        cmd.arg("--disable-kvm");
        if !machine.icount && !machine.mttcg && !kvm::mttcg_is_sound()? {
            cmd.arg("--qemu-opts=-accel tcg,thread=single");
        }
    }
    if machine.icount {
        cmd.arg("--qemu-opts=-icount shift=0,sleep=off");
        // What is counted is not to depend on where things happen to lie.
        cmd.arg("--append=nokaslr norandmaps");
    }
    // While it boots it waits for some ticks of a timer, but not on a host that is busy elsewhere.
    cmd.arg("--append=no_timer_check");
    if guest.kernel.variant == Variant::Debug {
        // KASAN asks the boot CPU's features how many levels there are, and they are gone for a
        // moment while they are read: an interrupt just then is taken for a wild access.
        cmd.arg("--append=no5lvl");
    }
    if guest.gdb.is_some() {
        // The debugger takes addresses from the kernel's file.
        cmd.arg("--append=nokaslr");
    }
    for words in &machine.append {
        cmd.arg(format!("--append={words}"));
    }
    for opts in qemu_opts {
        cmd.arg(format!("--qemu-opts={opts}"));
    }
    cmd.arg("--exec")
        .arg(format!("bash {}", script::quote(script)?));
    cmd.env_remove("PYTHONPATH").env("PATH", path_with(&vng)?);
    Ok(cmd)
}

/// PATH with a program's own directory first: vng calls its siblings by name.
fn path_with(program: &Path) -> Result<OsString> {
    let own = program.parent().map(Path::to_owned);
    let path = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths(
        own.into_iter().chain(env::split_paths(&path)),
    )?)
}

/// Whether to use KVM; says once when it cannot be used.
fn use_kvm(guest: &Guest) -> Result<bool> {
    let machine = guest.machine;
    if machine.icount {
        ensure!(
            !machine.kvm,
            "--icount counts what QEMU itself executes: it excludes --kvm"
        );
        return Ok(false);
    }
    if machine.kvm || machine.no_kvm {
        return Ok(machine.kvm);
    }
    let works = kvm::works(guest.paths)?;
    if !works {
        static SAY: Once = Once::new();
        SAY.call_once(|| {
            eprintln!("note: KVM does not work here; running under TCG, which is slow")
        });
    }
    Ok(works)
}

/// Directories outside of what virtme-ng makes copy-on-write by itself, that a command may want
/// to write to.
fn overlays(paths: &Paths) -> Vec<PathBuf> {
    const BY_VNG: [&str; 8] = [
        "/etc", "/lib", "/home", "/opt", "/srv", "/usr", "/var", "/tmp",
    ];
    let mut list = vec![
        PathBuf::from("/root"),
        paths.root.clone(),
        paths.cache.clone(),
    ];
    list.retain(|dir| dir.is_dir() && !BY_VNG.iter().any(|by| dir.starts_with(by)));
    let all = list.clone();
    list.retain(|dir| {
        !all.iter()
            .any(|other| other != dir && dir.starts_with(other))
    });
    list.dedup();
    list
}
