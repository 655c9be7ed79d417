// SPDX-License-Identifier: GPL-2.0

//! The scratch disk.

use crate::children;
use anyhow::{ensure, Result};
use std::path::Path;
use std::process::Command;

/// Make an empty disk in a directory; returns what QEMU is told of it.
pub fn make(dir: &Path, size: &str) -> Result<String> {
    let file = dir.join("disk");
    let made = children::output(Command::new("truncate").args(["-s", size]).arg(&file));
    ensure!(
        made.is_ok_and(|made| made.status.success()),
        "`{size}` is no size for --disk; 2G is one"
    );
    Ok(format!(
        "-drive file={},if=virtio,format=raw,cache=unsafe,discard=unmap",
        file.display()
    ))
}
