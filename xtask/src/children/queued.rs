// SPDX-License-Identifier: GPL-2.0

//! How long programs of ours could not run because others had the processors. A limit that is to
//! stop what hangs does not count that time: a busy machine is no fault of who waits for it.

use super::mark::{self, Mark};
use std::fs;
use std::time::Duration;

/// Of all threads that work for a child, the longest time that one was ready to run and did not.
/// Zero where the kernel does not say (CONFIG_SCHED_INFO).
pub fn longest(mark: &Mark) -> Duration {
    mark::processes(mark)
        .filter_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok())
        .flatten()
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|text| queued(&text))
        .max()
        .unwrap_or_default()
}

/// A thread's schedstat: ns on a processor, ns in the queue for one, and how often.
fn queued(schedstat: &str) -> Option<Duration> {
    let ns = schedstat.split_whitespace().nth(1)?.parse().ok()?;
    Some(Duration::from_nanos(ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_number_of_schedstat() {
        let time = Duration::from_millis(2500);
        assert_eq!(queued("1172835 2500000000 2\n"), Some(time));
        assert_eq!(queued("1172835\n"), None);
        assert_eq!(queued(""), None);
    }
}
