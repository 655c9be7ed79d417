// SPDX-License-Identifier: GPL-2.0

//! Only as root, and only in a guest: the workloads mount, swap and drop caches.

use anyhow::{ensure, Result};
use std::{env, fs};

pub fn check() -> Result<()> {
    ensure!(rustix::process::geteuid().is_root(), "this needs root");
    let told = env::var_os("FREEPTE_GUEST").is_some();
    let virtme = fs::read_to_string("/proc/cmdline").is_ok_and(|line| line.contains("virtme"));
    ensure!(
        told || virtme,
        "this sets up swap, mounts file systems and drops caches: run it in a virtual machine \
         (`make run` does), or set FREEPTE_GUEST=1 if this is one"
    );
    Ok(())
}
