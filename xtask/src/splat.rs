// SPDX-License-Identifier: GPL-2.0

//! Finding in a kernel's console log what must not be there.

use anyhow::Result;
use regex::{Regex, RegexSet};

/// What the kernel says when something is wrong, as it stands after the time stamp.
const WRONG: &[&str] = &[
    r"^BUG: ",
    r"^kernel BUG at ",
    r"^WARNING: ",
    r"^Oops: ",
    r"^Oops ",
    r"^KASAN: ",
    r"^UBSAN: ",
    r"^general protection fault",
    r"^double fault",
    r"^Kernel panic - not syncing",
    r"^watchdog: BUG: ",
    r"^(rcu: )?INFO: rcu_\S+ (self-)?detected",
    r"^INFO: rcu_\S+ (self-)?detected",
    r"^rcu: INFO: .*stall",
    r"^INFO: task .* blocked for more than",
    r"^INFO: trying to register non-static key",
    r"^INFO: lockdep is turned off",
    r"possible (circular|recursive) locking",
    r"possible irq lock inversion",
    r"inconsistent lock state",
    r"suspicious RCU usage",
    r"Bad rss-counter",
    r"non-zero pgtables_bytes",
    r"Bad page (state|map|cache)",
    r"bad p[gmu4]d ",
    r"page dumped because",
    r"^Unable to handle kernel",
];

/// What looks like it, but is what a test of upstream asks for.
const ASKED_FOR: &str = r"page dumped because: gup_test: dump_pages\(\) test";

/// One thing that went wrong: its line, and what stands around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splat {
    pub line: String,
    pub context: String,
}

pub struct Scanner {
    stamp: Regex,
    wrong: RegexSet,
    asked_for: Regex,
}

impl Scanner {
    pub fn new() -> Result<Self> {
        Ok(Self {
            // "[    1.234567]", perhaps with the caller: "[    1.234567][    T1]"
            stamp: Regex::new(r"^(<\d+>)?\[ *\d+\.\d+\](\[ *[TC]\d+\])? ?")?,
            wrong: RegexSet::new(WRONG)?,
            asked_for: Regex::new(ASKED_FOR)?,
        })
    }

    /// Every splat of a log; what follows one within a few lines is part of it.
    pub fn scan(&self, log: &str) -> Vec<Splat> {
        const BEFORE: usize = 3;
        const AFTER: usize = 50;
        let lines: Vec<&str> = log.lines().collect();
        // The very first lines come before the kernel has read that it shall stamp them.
        let early = lines
            .iter()
            .position(|l| self.stamp.is_match(l))
            .unwrap_or(lines.len());
        let mut found = Vec::new();
        let mut n = 0;
        while n < lines.len() {
            if !self.is_wrong(lines[n], n < early) {
                n += 1;
                continue;
            }
            let end = self.end_of(&lines, n, AFTER);
            found.push(Splat {
                line: lines[n].trim().to_owned(),
                context: lines[n.saturating_sub(BEFORE)..end].join("\n"),
            });
            n = end;
        }
        found
    }

    fn is_wrong(&self, line: &str, early: bool) -> bool {
        let line = line.trim_end();
        if self.asked_for.is_match(line) {
            return false;
        }
        match self.stamp.find(line) {
            Some(stamp) => self.wrong.is_match(&line[stamp.end()..]),
            None => early && self.wrong.is_match(line),
        }
    }

    /// A splat goes on to its end mark, but not for ever.
    fn end_of(&self, lines: &[&str], start: usize, most: usize) -> usize {
        let limit = lines.len().min(start + most);
        lines[start..limit]
            .iter()
            .position(|l| l.contains("---[ end "))
            .map_or(limit, |offset| start + offset + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(log: &str) -> Vec<String> {
        let scanner = Scanner::new();
        scanner
            .map(|s| s.scan(log).into_iter().map(|s| s.line).collect())
            .unwrap_or_default()
    }

    #[test]
    fn splats() {
        for bad in [
            "[    2.000001] BUG: Bad rss-counter state mm:0000 type:MM_ANONPAGES val:1",
            "[    2.000001] BUG: non-zero pgtables_bytes on freeing mm: 4096",
            "[    2.000001] WARNING: mm/memory.c:1 at zap_pte_range+0x1/0x2, CPU#0: x/1",
            "[    2.000001][   T12] WARNING: possible circular locking dependency detected",
            "[    2.000001] kernel BUG at mm/rmap.c:12!",
            "[    2.000001] Oops: int3: 0000 [#1] SMP",
            "[    2.000001] BUG: KASAN: use-after-free in f+0x1/0x2",
            "[   62.000001] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [x:1]",
            "[   62.000001] INFO: task x:1 blocked for more than 120 seconds.",
            "[   62.000001] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
            "[    2.000001] Kernel panic - not syncing: Fatal exception",
            "[    2.000001] x: bad pmd 00000000(deadbeef)",
            "[    2.000001] page dumped because: VM_BUG_ON_PAGE(x)",
            "Kernel panic - not syncing: before any time stamp",
        ] {
            assert_eq!(scan(bad).len(), 1, "{bad}");
        }
    }

    #[test]
    fn no_splats() {
        for good in [
            "[    0.100000] Spectre V2 : WARNING: Unprivileged eBPF is enabled",
            "[    0.100000] debug: BUG_ON is on",
            "[    0.000000] first\nWARNING: this is not the kernel's line",
            "[    0.100000] Memory failure: 0x1234: recovery action for dirty page: Recovered",
            "[    0.100000] rcu: RCU lockdep checking is enabled.",
            "[    9.000000] page dumped because: gup_test: dump_pages() test",
            "",
        ] {
            assert_eq!(scan(good).len(), 0, "{good}");
        }
    }

    #[test]
    fn a_splat_is_counted_once() {
        let log = "[    1.0] ------------[ cut here ]------------\n\
            [    1.1] WARNING: a.c:1 at f\n[    1.2] Call Trace:\n[    1.3] BUG: inside\n\
            [    1.4] ---[ end trace 0 ]---\n[    1.5] fine\n[    1.6] BUG: second\n";
        assert_eq!(
            scan(log),
            ["[    1.1] WARNING: a.c:1 at f", "[    1.6] BUG: second"]
        );
    }
}
