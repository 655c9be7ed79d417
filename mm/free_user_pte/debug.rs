// SPDX-License-Identifier: GPL-2.0

//! Knobs of debug kernels that provoke what is rare.

use core::ptr::{addr_of, read_volatile};
use kernel::{bindings, time::delay::udelay, time::Delta};

macro_rules! knob {
    ($name:ident) => {
        // SAFETY: The knobs live for ever, and a torn or old value does no harm.
        unsafe { read_volatile(addr_of!(bindings::free_user_pte_debug.$name)) }
    };
}

/// Whether to look at each table at once, however briefly it is empty.
pub(super) fn force_free() -> bool {
    knob!(force_free)
}

/// Whether to act as if the lock of the PMD table was taken.
pub(super) fn fail_trylock() -> bool {
    knob!(fail_trylock)
}

/// Waits between unhooking a table and freeing it.
pub(super) fn delay() {
    let micros = knob!(delay_us);

    if micros > 0 {
        udelay(Delta::from_micros(i64::from(micros.min(1000))));
    }
}
