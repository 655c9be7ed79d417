// SPDX-License-Identifier: GPL-2.0

//! The mark that every process has which works for us: a variable of its environment, which what
//! it starts inherits. A process may leave its process group, or outlive who started it; it is
//! found by its mark all the same.

use super::GRACE;
use rustix::process::{self, Pid, PidfdFlags, Signal};
use std::env;
use std::fs;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// The variable. Its value has a word for each `cargo xtask` that the process works for: one may
/// run another, as the host tests do.
pub const VARIABLE: &str = "FREEPTE_XTASK";

/// A process that was killed is gone soon, if the kernel can be rid of it at all.
const PATIENCE: Duration = Duration::from_secs(10);

static OWN: OnceLock<String> = OnceLock::new();

/// Give this process a name that no other has, or had since the machine started.
pub fn set_own(name: &str) {
    // Only the first one counts: children may have it already.
    let _ = OWN.set(name.to_owned());
}

fn own() -> &'static str {
    OWN.get_or_init(|| format!("pid-{}", std::process::id()))
}

/// Which processes are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// One child of one `cargo xtask`, and what it started
    Child { owner: String, number: u64 },
    /// All that work for one `cargo xtask`
    Owner(String),
}

impl Mark {
    /// For the next child of ours.
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self::Child {
            owner: own().to_owned(),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// For all children of ours.
    pub fn ours() -> Self {
        Self::all_of(own())
    }

    pub fn all_of(owner: &str) -> Self {
        Self::Owner(owner.to_owned())
    }

    /// The variable's value for a process with this mark, beside those that we have ourselves.
    pub fn value(&self) -> String {
        let word = match self {
            Self::Child { owner, number } => format!("{owner}.{number}"),
            Self::Owner(owner) => owner.clone(),
        };
        match env::var(VARIABLE) {
            Ok(outer) => format!("{outer} {word}"),
            Err(_) => word,
        }
    }

    /// Whether a process with this environment is meant.
    fn is_in(&self, environment: &[u8]) -> bool {
        environment
            .split(|byte| *byte == 0)
            .filter_map(|variable| std::str::from_utf8(variable).ok())
            .filter_map(|variable| variable.strip_prefix(VARIABLE)?.strip_prefix('='))
            .flat_map(str::split_whitespace)
            .any(|word| self.covers(word))
    }

    fn covers(&self, word: &str) -> bool {
        let (name, child) = match word.split_once('.') {
            Some((name, child)) => (name, child.parse().ok()),
            None => (word, None),
        };
        match self {
            Self::Child { owner, number } => owner == name && child == Some(*number),
            Self::Owner(owner) => owner == name,
        }
    }
}

fn has(mark: &Mark, pid: Pid) -> bool {
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|text| mark.is_in(&text))
}

/// The numbers of the processes with a mark; one of them may end at any time.
pub fn processes(mark: &Mark) -> impl Iterator<Item = Pid> + '_ {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .filter(|pid| has(mark, *pid))
}

/// The processes with a mark, held so that no other one is hit should it end meanwhile.
fn find(mark: &Mark) -> Vec<OwnedFd> {
    processes(mark)
        .filter_map(|pid| {
            let process = process::pidfd_open(pid, PidfdFlags::empty()).ok()?;
            // The number may have become another process's before we got hold of it.
            has(mark, pid).then_some(process)
        })
        .collect()
}

/// Ask all processes with a mark to end, and kill those that do not. Says whether all have ended.
pub fn end(mark: &Mark) -> bool {
    const POLL: Duration = Duration::from_millis(20);
    let start = Instant::now();
    let mut asked = false;
    while start.elapsed() < GRACE + PATIENCE {
        let found = find(mark);
        if found.is_empty() {
            return true;
        }
        let kill = start.elapsed() >= GRACE;
        for process in &found {
            // It may have ended just now.
            if kill {
                let _ = process::pidfd_send_signal(process, Signal::KILL);
            } else if !asked {
                let _ = process::pidfd_send_signal(process, Signal::TERM);
                // One that is stopped does not hear it.
                let _ = process::pidfd_send_signal(process, Signal::CONT);
            }
        }
        asked = true;
        thread::sleep(POLL);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(owner: &str, number: u64) -> Mark {
        Mark::Child {
            owner: owner.to_owned(),
            number,
        }
    }

    #[test]
    fn marks_in_an_environment() {
        let environment = b"HOME=/\0FREEPTE_XTASK=outer.1 inner.12\0PATH=/bin\0";
        for mark in [
            Mark::all_of("outer"),
            Mark::all_of("inner"),
            child("outer", 1),
            child("inner", 12),
        ] {
            assert!(mark.is_in(environment), "{mark:?}");
        }
        for mark in [
            Mark::all_of("inn"),
            Mark::all_of("other"),
            child("inner", 1),
            child("outer", 12),
        ] {
            assert!(!mark.is_in(environment), "{mark:?}");
        }
        assert!(!Mark::all_of("a").is_in(b"XFREEPTE_XTASK=a.1\0OTHER=FREEPTE_XTASK=a.1\0\0"));
        assert!(!Mark::all_of("a").is_in(b""));
    }
}
