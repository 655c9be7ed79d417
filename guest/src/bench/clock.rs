// SPDX-License-Identifier: GPL-2.0

//! The time stamp counter. Under QEMU's `-icount shift=0` it counts guest instructions, exactly:
//! the kernel's clocks are made from it, but round.

// Reading the counter, and a loop whose length is known.
#![allow(unsafe_code)]

use anyhow::Result;
use std::arch::asm;

pub struct Clock {
    own_cost: u64,
}

#[inline(always)]
fn now() -> u64 {
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
    pub fn new() -> Result<Self> {
        let mut costs: Vec<u64> = (0..101)
            .map(|_| {
                let start = now();
                now() - start
            })
            .collect();
        costs.sort_unstable();
        Ok(Self {
            own_cost: costs[costs.len() / 2],
        })
    }

    /// Ticks that `work` takes.
    #[inline(always)]
    pub fn time<T>(&self, work: impl FnOnce() -> T) -> (u64, T) {
        let start = now();
        let result = work();
        let ticks = now() - start;
        (ticks.saturating_sub(self.own_cost), result)
    }

    /// Whether a tick is an instruction: a loop of known length tells.
    pub fn counts_instructions(&self) -> bool {
        const TURNS: u64 = 10_000;
        // Timer interrupts take more; the least of some tries has none.
        let least = (0..20)
            .map(|_| self.time(|| turns(TURNS)).0)
            .min()
            .unwrap_or(0);
        least.abs_diff(2 * TURNS) < 50
    }
}
