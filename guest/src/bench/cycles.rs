// SPDX-License-Identifier: GPL-2.0

//! Cycles that this thread takes, in user space and in the kernel, where the machine counts them.

use perf_event::events::Hardware;
use perf_event::{Builder, Counter};
use std::cell::RefCell;

pub struct Cycles(RefCell<Counter>);

impl Cycles {
    /// None under emulation, and where perf is not allowed.
    pub fn open() -> Option<Self> {
        let mut builder = Builder::new().kind(Hardware::CPU_CYCLES);
        builder.include_kernel();
        let mut counter = builder.build().ok()?;
        counter.enable().ok()?;
        let cycles = Self(RefCell::new(counter));
        // An emulator may have the counter, and nothing in it.
        cycles.read().filter(|&count| count > 0)?;
        Some(cycles)
    }

    pub fn read(&self) -> Option<u64> {
        self.0.try_borrow_mut().ok()?.read().ok()
    }
}
