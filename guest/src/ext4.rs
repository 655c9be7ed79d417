// SPDX-License-Identifier: GPL-2.0

//! An ext4 file system on a loop device, its image in a tmpfs: a guest's root is 9p, whose page
//! cache is not reclaimed like that of a disk.

use crate::tools;
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub struct Ext4 {
    dir: TempDir,
    tmpfs: bool,
    mounted: bool,
}

impl Ext4 {
    pub fn new(mib: u64) -> Result<Self> {
        Self::with_features(mib, "^has_journal")
    }

    /// One whose page cache has small folios only: as long as it may have encrypted files, though
    /// there are none.
    pub fn with_small_folios(mib: u64) -> Result<Self> {
        Self::with_features(mib, "^has_journal,encrypt")
    }

    fn with_features(mib: u64, features: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut fs = Self {
            dir,
            tmpfs: false,
            mounted: false,
        };
        let size = format!("size={}m", mib + 16);
        tools::run(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", &size, "none"])
                .arg(fs.dir.path()),
        )?;
        fs.tmpfs = true;
        let image = fs.dir.path().join("image");
        File::create(&image)?.set_len(mib << 20)?;
        tools::run(
            Command::new("mkfs.ext4")
                .args(["-q", "-F", "-O", features, "-m", "0"])
                .arg(&image),
        )
        .context("making a file system (package e2fsprogs)")?;
        fs::create_dir(fs.path())?;
        tools::run(
            Command::new("mount")
                .args(["-t", "ext4", "-o", "loop,noatime"])
                .arg(&image)
                .arg(fs.path()),
        )?;
        fs.mounted = true;
        Ok(fs)
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("mnt")
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        let umount = |path: &Path| tools::run(Command::new("umount").arg(path));
        if self.mounted {
            let _ = umount(&self.path());
        }
        if self.tmpfs {
            let _ = umount(self.dir.path());
        }
    }
}

/// Write back what is dirty, then let go of the page cache.
pub fn drop_caches() -> Result<()> {
    rustix::fs::sync();
    tools::set("/proc/sys/vm/drop_caches", "1")
}
