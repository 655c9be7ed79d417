// SPDX-License-Identifier: GPL-2.0

//! How a guest ended.

use crate::cmd;
use crate::splat::Splat;
use std::fs;
use std::path::PathBuf;

/// Exit status of `vm` when the kernel complained.
pub const EXIT_SPLAT: i32 = 99;
/// Exit status of `vm` when the guest ended without telling a status.
pub const EXIT_NO_STATUS: i32 = 98;
/// Exit status of `vm` when the time ran out, as with timeout(1).
pub const EXIT_TIMEOUT: i32 = 124;

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The command's exit status, if the guest came to tell it.
    pub status: Option<i32>,
    pub timed_out: bool,
    pub splats: Vec<Splat>,
    pub stdout: String,
    pub stderr: String,
    pub console: PathBuf,
}

impl Outcome {
    /// The command ended with 0 and the kernel had nothing to complain about.
    pub fn ok(&self) -> bool {
        self.status == Some(0) && !self.timed_out && self.splats.is_empty()
    }

    /// What `cargo xtask vm` exits with.
    pub fn exit_code(&self) -> i32 {
        if !self.splats.is_empty() {
            EXIT_SPLAT
        } else if self.timed_out {
            EXIT_TIMEOUT
        } else {
            self.status.unwrap_or(EXIT_NO_STATUS)
        }
    }

    /// What went wrong with the machine itself, if anything did; the log's part included.
    pub fn trouble(&self) -> Option<String> {
        let log = self.console.display();
        if let Some(first) = self.splats.first() {
            return Some(format!(
                "the kernel complained ({} times), first:\n{}\n(whole log: {log})",
                self.splats.len(),
                first.context
            ));
        }
        if self.timed_out || self.status.is_none() {
            let what = if self.timed_out {
                "the guest was stopped when its time ran out"
            } else {
                "the guest ended without an exit status"
            };
            let text = fs::read(&self.console).unwrap_or_default();
            let end = cmd::tail(&String::from_utf8_lossy(&text), 30);
            return Some(format!(
                "{what}; the end of its log:\n{end}\n(whole log: {log})"
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: Option<i32>, timed_out: bool, splat: bool) -> Outcome {
        let splat = splat.then(|| Splat {
            line: "BUG".into(),
            context: "BUG".into(),
        });
        Outcome {
            status,
            timed_out,
            splats: splat.into_iter().collect(),
            stdout: String::new(),
            stderr: String::new(),
            console: PathBuf::from("/nonexistent"),
        }
    }

    #[test]
    fn exit_codes() {
        assert_eq!(outcome(Some(0), false, false).exit_code(), 0);
        assert_eq!(outcome(Some(7), false, false).exit_code(), 7);
        assert_eq!(outcome(Some(0), false, true).exit_code(), EXIT_SPLAT);
        assert_eq!(outcome(None, true, false).exit_code(), EXIT_TIMEOUT);
        assert_eq!(outcome(None, false, false).exit_code(), EXIT_NO_STATUS);
        assert!(!outcome(Some(0), false, true).ok());
        assert!(!outcome(None, false, false).ok());
        assert!(outcome(Some(0), false, false).ok());
    }
}
