// SPDX-License-Identifier: GPL-2.0

//! What a fork takes, seen by the parent, and what the child's end takes.

#![allow(unsafe_code)]

use crate::clock::Clock;
use anyhow::{Context, Result};
use rustix::process::{waitpid, Pid, WaitOptions};
use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::ptr;
use std::thread;
use std::time::Duration;

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

fn wait(child: libc::pid_t) -> Result<()> {
    let child = Pid::from_raw(child.max(0)).context("fork failed")?;
    waitpid(Some(child), WaitOptions::empty())?;
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
    wait(child)?;
    Ok(ticks)
}

/// Ticks from the word that lets a child end to its being gone.
pub fn time_exit(clock: &Clock) -> Result<u64> {
    let (end, start) = rustix::pipe::pipe()?;
    let mut byte = 0_u8;
    // SAFETY: the program has one thread; the child only calls read and _exit, which are safe
    // after a fork.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: one byte fits; then the child ends at once.
        unsafe {
            libc::read(end.as_raw_fd(), (&raw mut byte).cast(), 1);
            libc::_exit(0)
        }
    }
    // It gets to its read.
    thread::sleep(Duration::from_millis(20));
    let mut start = File::from(start);
    let (ticks, done) = clock.time(|| {
        start.write_all(b"x")?;
        wait(child)
    });
    done?;
    Ok(ticks)
}

/// Run a program without arguments or environment, and wait for its end.
pub fn run(program: &CStr) -> Result<()> {
    let mut child = 0;
    let arguments = [program.as_ptr().cast_mut(), ptr::null_mut()];
    let environment = [ptr::null_mut()];
    // SAFETY: all strings and arrays outlive the call, and end as they must.
    let error = unsafe {
        libc::posix_spawn(
            &raw mut child,
            program.as_ptr(),
            ptr::null(),
            ptr::null(),
            arguments.as_ptr(),
            environment.as_ptr(),
        )
    };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error)).context("posix_spawn");
    }
    wait(child)
}
