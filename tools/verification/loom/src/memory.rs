// SPDX-License-Identifier: GPL-2.0

//! The memory of a table: whoever looks at it must do so before it is given back, and in a way that
//! the one who gives it back can rely on.

use loom::cell::UnsafeCell;

pub struct Memory(UnsafeCell<bool>);

impl Memory {
    pub fn new() -> Self {
        Self(UnsafeCell::new(true))
    }

    /// Looks at it. loom complains if it may be given back at the same time.
    pub fn look(&self) {
        // SAFETY: loom checks that nobody writes to it meanwhile.
        self.0
            .with(|there| assert!(unsafe { *there }, "looked at after it was freed"));
    }

    /// Gives it back.
    pub fn free(&self) {
        // SAFETY: loom checks that nobody else looks at it meanwhile.
        self.0.with_mut(|there| {
            assert!(unsafe { *there }, "freed twice");
            // SAFETY: As above.
            unsafe { *there = false };
        });
    }

    pub fn is_free(&self) -> bool {
        // SAFETY: loom checks that nobody writes to it meanwhile.
        self.0.with(|there| unsafe { !*there })
    }
}

// SAFETY: loom checks each access.
unsafe impl Sync for Memory {}
// SAFETY: As above.
unsafe impl Send for Memory {}
