// SPDX-License-Identifier: GPL-2.0

//! `kernel::sync::atomic`, as far as it is used, on loom's atomics.

use loom::sync::atomic::{AtomicI32, Ordering};

pub struct Full;
pub struct Relaxed;

pub struct Atomic<T>(AtomicI32, std::marker::PhantomData<T>);

impl Atomic<i32> {
    pub fn new(value: i32) -> Self {
        Self(AtomicI32::new(value), std::marker::PhantomData)
    }

    pub fn load(&self, _: Relaxed) -> i32 {
        self.0.load(Ordering::Relaxed)
    }

    /// One that fails orders nothing, like the kernel's.
    pub fn cmpxchg(&self, old: i32, new: i32, _: Full) -> Result<i32, i32> {
        self.0
            .compare_exchange(old, new, Ordering::SeqCst, Ordering::Relaxed)
    }
}
