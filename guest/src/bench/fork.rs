// SPDX-License-Identifier: GPL-2.0

//! What a fork takes, seen by the parent.

#![allow(unsafe_code)]

use crate::clock::Clock;
use anyhow::{Context, Result};
use rustix::process::{waitpid, Pid, WaitOptions};
use std::io;

fn schedule(policy: libc::c_int, priority: libc::c_int) -> Result<()> {
    let param = libc::sched_param {
        sched_priority: priority,
    };
    // SAFETY: the parameter lives across the call.
    let done = unsafe { libc::sched_setscheduler(0, policy, &raw const param) };
    if done < 0 {
        return Err(io::Error::last_os_error()).context("sched_setscheduler");
    }
    Ok(())
}

/// Ticks from the call of fork to its return in the parent. The parent is a real-time process
/// meanwhile, and the child is not, so that the child does not run in between.
pub fn time(clock: &Clock) -> Result<u64> {
    schedule(libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, 1)?;
    let (ticks, child) = clock.time(|| {
        // SAFETY: the program has one thread, and the child only exits.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(0) }
        }
        child
    });
    schedule(libc::SCHED_OTHER, 0)?;
    let child = Pid::from_raw(child.max(0)).context("fork failed")?;
    waitpid(Some(child), WaitOptions::empty())?;
    Ok(ticks)
}
