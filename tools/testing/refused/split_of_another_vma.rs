// SPDX-License-Identifier: GPL-2.0

//! A huge page of one VMA, split by the walk of another.
// refused: E0599
#![forbid(unsafe_code)]

use kernel::mm::walk::{Chunks, HugePmd};

/// Mixes both up.
pub fn mix<'a>(walk: &mut Chunks<'a>, huge: HugePmd<'a>) {
    walk.split(huge);
}
