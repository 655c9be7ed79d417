// SPDX-License-Identifier: GPL-2.0

//! The lock of a table, released by another thread than the one that took it.
// refused: E0277
#![forbid(unsafe_code)]

use kernel::mm::walk::PteSlice;

fn send<T: Send>(_what: T) {}

/// Sends it away.
pub fn away(slice: PteSlice<'static>) {
    send(slice);
}
