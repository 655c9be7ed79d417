// SPDX-License-Identifier: GPL-2.0

//! Whether KVM is of use: found out by running something in it, since /dev/kvm may be there, and
//! answer, and yet be slower than an emulator, or not know all instructions, as where a virtual
//! machine has it without the hardware's help.

use crate::children;
use crate::cmd;
use crate::paths::{short_hash, Paths};
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const QEMU: &str = "qemu-system-x86_64";

/// Changes with the question that is asked, so that an answer to another one is not taken.
const PROBE: &str = "in hardware, and faster than TCG";

pub fn qemu() -> Result<PathBuf> {
    cmd::which(QEMU).with_context(|| format!("{QEMU} is missing; run `cargo xtask setup`"))
}

/// Whether KVM works here; asked once per boot of this machine and per QEMU, and again when whoever
/// asks may open the device and could not before.
pub fn works(paths: &Paths) -> Result<bool> {
    let qemu = qemu()?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let modified = fs::metadata(&qemu)?.modified()?;
    let device = Path::new("/dev/kvm");
    let may_open = File::options().read(true).write(true).open(device).is_ok();
    let key = format!("{boot}{}{modified:?}{may_open}{PROBE}", qemu.display());
    let key = short_hash(&key);
    let answer = paths.cache_subdir("state")?.join("kvm");
    if let Ok(text) = fs::read_to_string(&answer) {
        if let Some((k, v)) = text.trim().split_once(' ') {
            if k == key {
                return Ok(v == "works");
            }
        }
    }
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let works = may_open && has_virtualization(&cpuinfo) && is_of_use(&qemu)?;
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

/// Whether the processor runs guests. A KVM that does so in software runs firmware, but there are
/// instructions of a kernel that it does not know: the guest stops at one of them, for good.
fn has_virtualization(cpuinfo: &str) -> bool {
    let flags = cpuinfo.lines().find_map(|line| line.strip_prefix("flags"));
    flags.is_some_and(|flags| {
        flags
            .split_whitespace()
            .any(|flag| matches!(flag, "vmx" | "svm"))
    })
}

/// What QEMU's own firmware says when it has come to its end: there is nothing to boot.
const FIRMWARE_ENDS: &str = "No bootable device";
/// Ample for an emulator on a busy machine, where it takes a second.
const LONGEST: Duration = Duration::from_secs(60);

/// How long the firmware takes, if it comes to its end.
fn firmware(qemu: &Path, accelerator: &[&str]) -> Result<Option<Duration>> {
    let start = Instant::now();
    let mut command = Command::new(qemu);
    command
        .args(accelerator)
        .args(["-m", "64", "-nodefaults", "-display", "none"])
        .args(["-monitor", "none", "-chardev", "stdio,id=out"])
        .args(["-device", "isa-debugcon,iobase=0x402,chardev=out"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child =
        children::spawn(&mut command).with_context(|| format!("running {}", qemu.display()))?;
    let stdout = child.stdout.take().context("QEMU has no output")?;
    let (said, hear) = mpsc::channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let _ = said.send(lines.any(|line| line.contains(FIRMWARE_ENDS)));
    });
    let ended = hear.recv_timeout(LONGEST).unwrap_or(false);
    let took = start.elapsed();
    child.end();
    Ok(ended.then_some(took))
}

/// Whether guests run faster by KVM than in the emulator.
fn is_of_use(qemu: &Path) -> Result<bool> {
    let kvm = firmware(qemu, &["-accel", "kvm", "-cpu", "host"])?;
    let tcg = firmware(qemu, &["-accel", "tcg"])?;
    Ok(faster(kvm, tcg))
}

fn faster(kvm: Option<Duration>, tcg: Option<Duration>) -> bool {
    kvm.is_some_and(|kvm| tcg.is_none_or(|tcg| kvm <= tcg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kvm_that_is_slower_is_of_no_use() {
        let seconds = |n| Some(Duration::from_secs(n));
        assert!(faster(seconds(1), seconds(1)));
        assert!(!faster(seconds(12), seconds(1)));
        assert!(!faster(None, seconds(1)));
        assert!(faster(seconds(1), None));
    }

    #[test]
    fn processors_that_run_guests() {
        let of = |flags| format!("processor\t: 0\nflags\t\t: fpu {flags} lm\nbugs\t\t: svm\n");
        assert!(has_virtualization(&of("vmx")));
        assert!(has_virtualization(&of("svm")));
        assert!(!has_virtualization(&of("hypervisor svm_lock")));
        assert!(!has_virtualization(""));
    }

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
