// SPDX-License-Identifier: GPL-2.0

//! Swap on zram, as long as this lives.

use crate::tools;
use anyhow::{ensure, Context, Result};
use std::path::Path;
use std::process::Command;

const SYS: &str = "/sys/block/zram0";
const DEV: &str = "/dev/zram0";

pub struct Zram(());

impl Zram {
    pub fn new(size: &str) -> Result<Self> {
        if !Path::new(SYS).exists() {
            let _ = tools::run(Command::new("modprobe").arg("zram"));
        }
        ensure!(
            Path::new(SYS).exists(),
            "the kernel has no zram (CONFIG_ZRAM)"
        );
        let sys = Path::new(SYS);
        tools::set(sys.join("reset"), "1")?;
        tools::set(sys.join("disksize"), size)?;
        tools::run(Command::new("mkswap").arg(DEV)).context("preparing swap")?;
        tools::run(Command::new("swapon").arg(DEV))?;
        Ok(Self(()))
    }
}

impl Drop for Zram {
    fn drop(&mut self) {
        let _ = tools::run(Command::new("swapoff").arg(DEV));
        let _ = tools::set(Path::new(SYS).join("reset"), "1");
    }
}
