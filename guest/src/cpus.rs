// SPDX-License-Identifier: GPL-2.0

//! Processors, and who is awake on them.
//!
//! What the kernel may put off, such as its look for empty tables, it puts off for as long as the
//! processor sleeps that has the timer. On a guest with nothing else to do that can be many seconds.

use anyhow::Result;
use rustix::thread::{sched_getaffinity, sched_setaffinity, CpuSet};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than a tick, whatever CONFIG_HZ is: it is the tick that runs timers which were put off.
const AWAKE: Duration = Duration::from_millis(20);
/// Time for workers that were started meanwhile
const ASLEEP: Duration = Duration::from_millis(30);

/// The processors that this thread may run on.
pub fn allowed() -> Result<Vec<usize>> {
    let may = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU)
        .filter(|&cpu| may.is_set(cpu))
        .collect())
}

/// Has this thread run on one processor from now on.
pub fn run_on(cpu: usize) -> Result<()> {
    let mut only = CpuSet::new();
    only.set(cpu);
    Ok(sched_setaffinity(None, &only)?)
}

/// Waits for so long, while no processor sleeps for long; where this thread may run stays as it is.
pub fn wait_awake(time: Duration) -> Result<()> {
    let stay = move || -> Result<()> {
        let start = Instant::now();
        for cpu in allowed()?.into_iter().cycle() {
            if start.elapsed() >= time {
                break;
            }
            run_on(cpu)?;
            let woken = Instant::now();
            while woken.elapsed() < AWAKE {
                std::hint::spin_loop();
            }
            thread::sleep(ASLEEP);
        }
        Ok(())
    };
    match thread::spawn(stay).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_and_leaves_the_thread_where_it_was() -> Result<()> {
        let before = allowed()?;
        let start = Instant::now();
        wait_awake(Duration::from_millis(120))?;
        assert!(start.elapsed() >= Duration::from_millis(120));
        assert_eq!(allowed()?, before);
        Ok(())
    }

    #[test]
    fn runs_where_it_is_told() -> Result<()> {
        let last = *allowed()?.last().expect("there is a processor");
        // Not this thread: others of the tests use it again.
        let only = thread::spawn(move || run_on(last).and_then(|()| allowed())).join();
        assert_eq!(only.expect("it does not panic")?, [last]);
        Ok(())
    }
}
