// SPDX-License-Identifier: GPL-2.0

//! Xen below the kernel: Debian's hypervisor, unpacked into the cache, boots the kernel as its first
//! domain (dom0), which is a PV guest and has the machine's devices.
//!
//! virtme-ng knows nothing of that. It is given a program for QEMU that puts Xen where it puts the
//! kernel, and the kernel where an initrd would be.

use super::script;
use crate::apt::PrivateApt;
use crate::children;
use crate::cmd;
use crate::kvm;
use crate::paths::Paths;
use crate::progress::Progress;
use crate::scratch;
use anyhow::{ensure, Context, Result};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const SUITE: &str = "bookworm";
const PACKAGE: &str = "xen-hypervisor-4.17-amd64";
const IN_PACKAGE: &str = "boot/xen-4.17-amd64.gz";

/// Xen speaks at the second serial port: the first one is the kernel's. All memory but some for Xen
/// itself is the kernel's, too. Without SMAP: QEMU's TCG reads the stack for an IRET as a kernel does,
/// whoever executes it, and that of a domain's kernel is user memory.
const OPTIONS: &str =
    "console=com2 com2=115200,8n1 loglvl=warning noreboot=0 dom0_max_vcpus=2 smap=off";

fn file(paths: &Paths) -> PathBuf {
    paths.cache.join("pkg").join(PACKAGE).join("xen")
}

/// Make sure that there is a hypervisor, where Debian's packages can be had.
pub fn setup(paths: &Paths) -> Result<()> {
    let file = file(paths);
    if file.is_file() {
        return Ok(());
    }
    let apt = PrivateApt::new(paths, SUITE)?
        .with_context(|| format!("{PACKAGE} is a package of Debian's, which this is not"))?;
    let progress = Progress::new("fetching Xen (unpacked into the cache, not installed)");
    apt.update()
        .context("apt-get update (private lists) failed: is there a network?")?;
    let newest = apt.candidates(PACKAGE);
    let newest = newest
        .first()
        .with_context(|| format!("{SUITE} has no {PACKAGE}"))?;
    let tmp = scratch::dir("xen")?;
    apt.download(PACKAGE, &newest.version, tmp.path())?;
    unpack(tmp.path(), &file)?;
    progress.done();
    Ok(())
}

fn unpack(debs: &Path, file: &Path) -> Result<()> {
    let made = debs.join("made");
    fs::create_dir_all(&made)?;
    for deb in fs::read_dir(debs)?.flatten().map(|entry| entry.path()) {
        if deb.extension().is_some_and(|extension| extension == "deb") {
            cmd::output(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(debs))?;
        }
    }
    let packed = debs.join(IN_PACKAGE);
    ensure!(packed.is_file(), "{PACKAGE} has no {IN_PACKAGE}");
    // QEMU wants it unpacked.
    let xen = fs::File::create(made.join("xen"))?;
    let mut gzip = Command::new("gzip");
    gzip.arg("-dc").arg(&packed).stdout(xen);
    let status = children::status(&mut gzip).context("running gzip")?;
    ensure!(status.success(), "{IN_PACKAGE} could not be unpacked");
    let home = file.parent().context("a file has a folder")?;
    scratch::place(&made, home)
}

/// Write the program that virtme-ng takes for QEMU; what Xen says goes to a file.
pub fn qemu(paths: &Paths, program: &Path, log: &Path) -> Result<()> {
    let xen = file(paths);
    ensure!(
        xen.is_file(),
        "{} is missing; run `cargo xtask setup`",
        xen.display()
    );
    let text = format!(
        r#"#!/bin/bash
args=()
while [ $# -gt 0 ]; do
	case $1 in
	-kernel) kernel=$2; shift ;;
	-append) append=$2; shift ;;
	*) args+=("$1") ;;
	esac
	shift
done
# A comma ends what is said of a module, but for two of them.
exec {qemu} "${{args[@]}}" -serial file:{log} -kernel {xen} -append '{OPTIONS}' \
	-initrd "$kernel ${{append//,/,,}}"
"#,
        qemu = script::quote(&kvm::qemu()?)?,
        log = script::quote(log)?,
        xen = script::quote(&xen)?,
    );
    fs::write(program, text)?;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("writing {}", program.display()))
}
