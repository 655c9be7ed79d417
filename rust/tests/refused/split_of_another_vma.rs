// SPDX-License-Identifier: GPL-2.0

//! A huge page of one VMA, split by the walk of another.
// refused: E0599
#![forbid(unsafe_code)]

use kernel::mm::{virt::VmaRef, walk::Chunk};

/// Mixes both up.
pub fn mix(one: &VmaRef, other: &VmaRef) {
    let mut walk = one.chunks(one.start()..one.end());
    let mut others = other.chunks(other.start()..other.end());

    if let Some(Chunk::Pmd(huge)) = others.next_chunk() {
        walk.split(huge);
    }
}
