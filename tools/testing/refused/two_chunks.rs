// SPDX-License-Identifier: GPL-2.0

//! Two chunks, each with its lock, at once: to take the second one waits for the first for ever, or
//! sleeps with it.
// refused: E0499
#![forbid(unsafe_code)]

use kernel::mm::virt::VmaRef;

/// Holds two.
pub fn hold(vma: &VmaRef) -> bool {
    let mut chunks = vma.chunks(vma.start()..vma.end());
    let first = chunks.next_chunk();
    let second = chunks.next_chunk();

    first.is_some() && second.is_some()
}
