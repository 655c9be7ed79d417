// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/mm/free_user_pte/enabled`

use anyhow::{ensure, Context, Result};
use std::fs;
use std::path::Path;

const ENABLED: &str = "/sys/kernel/mm/free_user_pte/enabled";

/// The run-time switch; put back as it was when dropped.
pub struct Knob {
    found: String,
}

impl Knob {
    /// None on a kernel without freepte.
    pub fn find() -> Result<Option<Self>> {
        if !Path::new(ENABLED).exists() {
            return Ok(None);
        }
        let found = fs::read_to_string(ENABLED).with_context(|| format!("reading {ENABLED}"))?;
        Ok(Some(Self { found }))
    }

    pub fn set(&self, on: bool) -> Result<()> {
        let value = if on { "1" } else { "0" };
        fs::write(ENABLED, value).with_context(|| format!("writing {value} to {ENABLED}"))?;
        let now = fs::read_to_string(ENABLED)?;
        ensure!(
            now.trim() == value,
            "{ENABLED} is {} after {value} was written to it",
            now.trim()
        );
        Ok(())
    }
}

impl Drop for Knob {
    fn drop(&mut self) {
        let _ = fs::write(ENABLED, self.found.trim());
    }
}
