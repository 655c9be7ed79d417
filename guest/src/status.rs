// SPDX-License-Identifier: GPL-2.0

//! What `/proc/PID/status` says of a process's memory.

use anyhow::{Context, Result};
use std::fs;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    pub rss_kb: u64,
    /// PTE, PMD and PUD tables
    pub vmpte_kb: u64,
    pub hugetlb_kb: u64,
}

impl Status {
    pub fn read(pid: u32) -> Result<Self> {
        let file = format!("/proc/{pid}/status");
        let text = fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
        Self::parse(&text).with_context(|| format!("{file} shows no memory: has it exited?"))
    }

    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        };
        Some(Self {
            rss_kb: field("VmRSS")?,
            vmpte_kb: field("VmPTE")?,
            // Not every kernel has them.
            hugetlb_kb: field("HugetlbPages").unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn parsing() {
        let text = "Name:\tx\nVmRSS:\t    1234 kB\nVmPTE:\t      64 kB\nThreads:\t1\n";
        let status = Status {
            rss_kb: 1234,
            vmpte_kb: 64,
            hugetlb_kb: 0,
        };
        assert_eq!(Status::parse(text), Some(status));
        assert_eq!(Status::parse("Name:\tzombie\n"), None);
    }
}
