// SPDX-License-Identifier: GPL-2.0

//! The locks of two slices, swapped: then each claims entries of the other's table.
// refused: E0614
#![forbid(unsafe_code)]

use kernel::mm::walk::PteSlice;

/// Swaps them.
pub fn swap<'a>(one: &mut PteSlice<'a>, other: &mut PteSlice<'a>) {
    core::mem::swap(&mut **one, &mut **other);
}
