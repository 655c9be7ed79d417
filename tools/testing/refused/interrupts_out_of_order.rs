// SPDX-License-Identifier: GPL-2.0

//! Interrupts, on again while somebody needs them to be off.
// refused: E0599
#![forbid(unsafe_code)]

use kernel::mm::walk::InterruptsOff;

/// Drops the outer one first.
pub fn order() {
    let outer = InterruptsOff::new();
    let inner = InterruptsOff::new();

    drop(outer);
    drop(inner);
}
