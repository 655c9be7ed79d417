// SPDX-License-Identifier: GPL-2.0

//! The end from outside: Ctrl-C, SIGTERM, a closed terminal. All that runs for us is ended, what
//! is half-made is removed, and the exit status is that of a program that the signal killed.

use crate::children::mark::{self, Mark};
use crate::paths::Paths;
use crate::progress;
use crate::reaper::Reaper;
use crate::scratch;
use crate::terminal;
use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::env;
use std::fmt;
use std::fs;
use std::io::Write;
use std::mem;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::thread;

/// Whoever starts a program holds this for reading. Once we are interrupted, it is held for
/// writing and never let go: no thread starts anything any more, or goes on with the failure of
/// what was ended.
static GATE: RwLock<()> = RwLock::new(());

/// Held while a program is started; waits for ever once we are interrupted.
pub fn gate() -> RwLockReadGuard<'static, ()> {
    GATE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Go on, but not once we are interrupted.
pub fn pass() {
    drop(gate());
}

/// Whether somebody holds the gate.
#[cfg(test)]
pub fn would_wait() -> bool {
    GATE.try_write().is_err()
}

/// What is set up for a process that starts others, until it ends by itself.
pub struct Guard {
    reaper: Option<Reaper>,
}

/// Have nothing of ours outlive us from now on, and take what was left by those before us.
pub fn guard(paths: &Paths) -> Result<Guard> {
    let dir = scratch::claim(paths)?;
    let reaper = Reaper::start(dir)?;
    let heard: Vec<i32> = [SIGHUP, SIGINT, SIGTERM]
        .into_iter()
        .filter(|signal| !is_ignored(*signal))
        .collect();
    let signals = Signals::new(heard).context("asking for signals")?;
    thread::spawn(move || listen(signals));
    // A guest sees the files of the host, but not who holds a lock on them.
    if env::var_os("FREEPTE_GUEST").is_none() {
        if let Err(err) = scratch::sweep(paths) {
            eprintln!("note: what an earlier run left stays: {err:#}");
        }
    }
    Ok(Guard {
        reaper: Some(reaper),
    })
}

impl Drop for Guard {
    fn drop(&mut self) {
        pass();
        match (scratch::remove(), self.reaper.take()) {
            (Ok(()), Some(reaper)) => reaper.dismiss(),
            // It tries again.
            (Err(_), reaper) => drop(reaper),
            (Ok(()), None) => {}
        }
    }
}

/// Whether a signal was ignored when this process started, as nohup(1) and shells without job
/// control have it: then it is not for us.
fn is_ignored(signal: i32) -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, signal))
}

fn ignores(status: &str, signal: i32) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

fn listen(mut signals: Signals) {
    let mut again = None;
    for signal in signals.forever() {
        let status = 128 + signal;
        if again.is_some() {
            // Whoever asks twice does not want to wait; the reaper does the rest.
            std::process::exit(status);
        }
        again = Some(thread::spawn(move || end(signal)));
    }
}

fn end(signal: i32) {
    progress::clear();
    terminal::restore();
    let name = signal_hook::low_level::signal_name(signal).unwrap_or("a signal");
    say(format_args!("{name}: ending what runs"));
    let gate = GATE.try_write().unwrap_or_else(|_| {
        say(format_args!(
            "waiting for a program that must not be cut in half"
        ));
        GATE.write().unwrap_or_else(PoisonError::into_inner)
    });
    mem::forget(gate);
    if !mark::end(&Mark::ours()) {
        say(format_args!("error: not all that runs can be ended"));
    }
    if let Err(err) = scratch::remove() {
        say(format_args!("error: {err:#}"));
    }
    std::process::exit(128 + signal);
}

fn say(text: fmt::Arguments<'_>) {
    // There may be no terminal any more.
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals() {
        let status = "Name:\tx\nSigIgn:\t0000000000001003\nSigCgt:\tffffffffffffffff\n";
        assert!(ignores(status, SIGHUP) && ignores(status, SIGINT));
        assert!(!ignores(status, SIGTERM));
        assert!(!ignores("", SIGHUP));
    }
}
