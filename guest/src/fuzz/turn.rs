// SPDX-License-Identifier: GPL-2.0

//! Who acts is not interrupted: on the one CPU that there is, the kernel's workers run while an
//! operation waits, and not in the midst of it.
//!
//! Otherwise a table may be freed between two looks of one fault, which then maps its own page and
//! not those around it; and a worker that still looks at an address space keeps it when its last
//! process has been reaped.

#![allow(unsafe_code)]

use std::io;

fn schedule(policy: libc::c_int, priority: libc::c_int) -> io::Result<()> {
    let param = libc::sched_param {
        sched_priority: priority,
    };
    // SAFETY: the parameters live across the call; 0 is the thread that calls.
    match unsafe { libc::sched_setscheduler(0, policy, &raw const param) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// From now on this thread, and all threads and children that it makes, go before all others.
pub fn before_all() -> io::Result<()> {
    schedule(libc::SCHED_FIFO, 1)
}

/// Do something, and come back when nobody else has anything to do.
pub fn behind_all<T>(what: impl FnOnce() -> T) -> io::Result<T> {
    schedule(libc::SCHED_IDLE, 0)?;
    let done = what();
    before_all()?;
    Ok(done)
}
