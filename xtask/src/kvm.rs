// SPDX-License-Identifier: GPL-2.0

//! Whether KVM works: found out by running something in it, since /dev/kvm may be there and be of
//! no use.

use crate::cmd;
use crate::paths::{short_hash, Paths};
use anyhow::{Context, Result};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const QEMU: &str = "qemu-system-x86_64";

pub fn qemu() -> Result<PathBuf> {
    cmd::which(QEMU).with_context(|| format!("{QEMU} is missing; run `cargo xtask setup`"))
}

/// Whether KVM works here; asked once per boot of this machine and per QEMU.
pub fn works(paths: &Paths) -> Result<bool> {
    let qemu = qemu()?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let modified = fs::metadata(&qemu)?.modified()?;
    let key = short_hash(&format!("{boot}{}{modified:?}", qemu.display()));
    let answer = paths.cache_subdir("state")?.join("kvm");
    if let Ok(text) = fs::read_to_string(&answer) {
        if let Some((k, v)) = text.trim().split_once(' ') {
            if k == key {
                return Ok(v == "works");
            }
        }
    }
    let works = Path::new("/dev/kvm").exists() && firmware_runs(&qemu)?;
    fs::write(
        &answer,
        format!("{key} {}\n", if works { "works" } else { "no" }),
    )?;
    Ok(works)
}

/// Whether TCG may run each virtual CPU in a thread of its own.
///
/// Before 8.1, QEMU could translate a piece of code while another CPU changed it, and keep the old
/// one: a guest that patches its own code (jump labels) dies now and then of an `int3` that is
/// long gone.
pub fn mttcg_is_sound() -> Result<bool> {
    let text = cmd::output(Command::new(qemu()?).arg("--version"))?;
    Ok(version(&text).is_some_and(|v| v >= (8, 1)))
}

/// The version in "QEMU emulator version 7.2.19 (…)".
pub fn version(text: &str) -> Option<(u32, u32)> {
    let word = text.split("version ").nth(1)?.split_whitespace().next()?;
    let mut numbers = word.split('.').map(|n| n.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// Start QEMU's own firmware under KVM and see whether it says anything.
fn firmware_runs(qemu: &Path) -> Result<bool> {
    let mut child = Command::new(qemu)
        .args([
            "-accel",
            "kvm",
            "-cpu",
            "host",
            "-m",
            "32",
            "-nodefaults",
            "-display",
            "none",
        ])
        .args(["-monitor", "none", "-chardev", "stdio,id=out"])
        .args(["-device", "isa-debugcon,iobase=0x402,chardev=out"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("running {}", qemu.display()))?;
    let mut stdout = child.stdout.take().context("QEMU has no output")?;
    let (said, hear) = mpsc::channel();
    std::thread::spawn(move || {
        let mut byte = [0];
        let _ = said.send(stdout.read(&mut byte).unwrap_or(0) == 1);
    });
    let works = hear.recv_timeout(Duration::from_secs(10)).unwrap_or(false);
    let _ = child.kill();
    let _ = child.wait();
    Ok(works)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_qemu() {
        assert_eq!(
            version("QEMU emulator version 7.2.19 (Debian 1:7.2+dfsg-7)"),
            Some((7, 2))
        );
        assert_eq!(version("QEMU emulator version 10.0.2\n"), Some((10, 0)));
        assert_eq!(version("something else"), None);
    }
}
