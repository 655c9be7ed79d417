// SPDX-License-Identifier: GPL-2.0

//! How a program of this crate ends.

use anyhow::Result;
use std::process::ExitCode;

/// Something is not as it must be, and was told
const EXIT_BAR: u8 = 1;
const EXIT_ERROR: u8 = 2;

/// The exit status for whether everything was as it must be.
pub fn with(result: Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EXIT_BAR),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(EXIT_ERROR)
        }
    }
}
