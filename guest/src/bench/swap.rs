// SPDX-License-Identifier: GPL-2.0

//! Memory that goes to zram and comes back.

use anyhow::{ensure, Context, Result};
use pagetables::map::Mapping;
use pagetables::zram::Zram;
use pagetables::PAGE;
use std::fs;

pub fn on() -> Result<Zram> {
    Zram::new("256M")
}

fn swapped_kb() -> Result<usize> {
    let status = fs::read_to_string("/proc/self/status")?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmSwap:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|word| word.parse().ok())
        .context("no VmSwap in /proc/self/status")
}

/// Page out all of a mapping whose every page was written to.
pub fn out(memory: &Mapping) -> Result<()> {
    let before = swapped_kb()?;
    memory.page_out(0..memory.len())?;
    let kb = swapped_kb()? - before;
    ensure!(
        kb * 1024 + 64 * PAGE >= memory.len(),
        "of {} kB only {kb} kB went to swap",
        memory.len() / 1024
    );
    Ok(())
}
