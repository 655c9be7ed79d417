// SPDX-License-Identifier: GPL-2.0

//! What a kernel is made from and with, besides this repository.

use crate::cmd;
use crate::paths::Paths;
use crate::source;
use crate::toolchain;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::process::Command;

/// Versions, each in the words of what has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tools {
    /// The kernel's pristine source: "linux-source-7.3 7.3.4-1"
    pub source: String,
    /// "Debian clang version 22.1.0"
    pub clang: String,
    /// "rustc 1.96.0"
    pub rustc: String,
    /// "bindgen 0.72.1"
    pub bindgen: String,
}

impl Tools {
    /// Those that the next build takes.
    pub fn here(paths: &Paths) -> Result<Self> {
        let toolchain = toolchain::require()?;
        let version = |program: &mut Command| first_line(program.arg("--version"));
        Ok(Self {
            source: source::identity(paths),
            clang: version(&mut Command::new(toolchain.clang()))?,
            rustc: version(&mut Command::new(&toolchain.rustc.path))?,
            bindgen: version(&mut Command::new(toolchain::bindgen(paths)))?,
        })
    }

    /// What each is called, and its version.
    pub fn entries(&self) -> [(&'static str, &str); 4] {
        [
            ("kernel source", &self.source),
            ("clang", &self.clang),
            ("rustc", &self.rustc),
            ("bindgen", &self.bindgen),
        ]
    }
}

/// What a program prints first.
pub fn first_line(command: &mut Command) -> Result<String> {
    let text = cmd::output(command)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
