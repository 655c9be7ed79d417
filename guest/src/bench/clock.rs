// SPDX-License-Identifier: GPL-2.0

//! What is counted. Under QEMU's `-icount shift=0` the time stamp counter counts guest
//! instructions, exactly: the kernel's clocks are made from it, but round.

// Reading the counter, and a loop whose length is known.
#![allow(unsafe_code)]

use crate::cycles::Cycles;
use crate::marker;
use anyhow::{ensure, Context, Result};
use std::arch::asm;
use std::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Unit {
    /// Guest instructions
    Instructions,
    /// Nanoseconds of wall time
    Ns,
    /// Processor cycles, which perf must be able to count
    Cycles,
}

enum Source {
    Counter,
    Wall(Instant),
    Perf(Cycles),
}

pub struct Clock {
    source: Source,
    own_cost: u64,
}

#[inline(always)]
fn counter() -> u64 {
    // SAFETY: reads a counter; every x86_64 processor has it.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// Two instructions a turn.
fn turns(count: u64) {
    // SAFETY: changes the named register and the flags only.
    unsafe {
        asm!(
            "2:",
            "dec {0}",
            "jnz 2b",
            inout(reg) count => _,
            options(nomem, nostack)
        );
    }
}

impl Clock {
    pub fn new(unit: Unit) -> Result<Self> {
        let source = match unit {
            Unit::Instructions => Source::Counter,
            Unit::Ns => Source::Wall(Instant::now()),
            Unit::Cycles => Source::Perf(Cycles::open().context("perf counts no cycles here")?),
        };
        let mut clock = Self {
            source,
            own_cost: 0,
        };
        let mut costs: Vec<u64> = (0..101).map(|_| clock.time(|| ()).0).collect();
        costs.sort_unstable();
        clock.own_cost = costs[costs.len() / 2];
        ensure!(
            unit != Unit::Instructions || clock.counts_instructions(),
            "a loop of known length does not take its number of ticks: boot with -icount shift=0 \
             and one CPU (`cargo xtask vm --icount`), or choose another --unit"
        );
        Ok(clock)
    }

    #[inline(always)]
    fn now(&self) -> u64 {
        match &self.source {
            Source::Counter => counter(),
            Source::Wall(start) => start.elapsed().as_nanos() as u64,
            Source::Perf(cycles) => cycles.read().unwrap_or_default(),
        }
    }

    /// Ticks that `work` takes. A plugin of QEMU's is told of it.
    #[inline(always)]
    pub fn time<T>(&self, work: impl FnOnce() -> T) -> (u64, T) {
        let start = self.now();
        let result = marker::section(work);
        let ticks = self.now().saturating_sub(start);
        (ticks.saturating_sub(self.own_cost), result)
    }

    /// Whether a tick is an instruction: a loop of known length tells.
    fn counts_instructions(&self) -> bool {
        const TURNS: u64 = 10_000;
        // Timer interrupts take more; the least of some tries has none.
        let least = (0..20)
            .map(|_| self.time(|| turns(TURNS)).0)
            .min()
            .unwrap_or(0);
        least.abs_diff(2 * TURNS) < 50
    }
}
