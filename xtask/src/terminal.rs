// SPDX-License-Identifier: GPL-2.0

//! The terminal that we are on.

use anyhow::{Context, Result};
use rustix::termios::{tcgetattr, tcgetwinsize, tcsetattr, OptionalActions, Termios};
use std::io::{stdin, IsTerminal};
use std::sync::{Mutex, PoisonError};

/// How it was before it was made raw.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Whether there is one.
pub fn is_there() -> bool {
    stdin().is_terminal()
}

/// Its rows and columns.
pub fn size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(stdin()).ok()?;
    Some((size.ws_row, size.ws_col))
}

/// The terminal hands on every key, until this is dropped.
pub struct Raw(());

impl Raw {
    pub fn new() -> Result<Self> {
        let before = tcgetattr(stdin()).context("asking for the terminal's settings")?;
        let mut raw = before.clone();
        raw.make_raw();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        tcsetattr(stdin(), OptionalActions::Drain, &raw).context("setting the terminal")?;
        Ok(Self(()))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

/// Have the terminal as it was, if it was made raw.
pub fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(before) = before {
        // It may be gone.
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &before);
    }
}
