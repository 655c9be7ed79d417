// SPDX-License-Identifier: GPL-2.0

//! An entry that is said to stay as it was read, while its table is changed.
// refused: E0502
#![forbid(unsafe_code)]

use kernel::mm::{virt::VmaRef, walk::Chunk};

/// Changes what it has in its hands.
pub fn change(vma: &VmaRef) -> bool {
    let mut chunks = vma.chunks(vma.start()..vma.end());
    let Some(Chunk::Ptes(mut slice)) = chunks.next_chunk() else {
        return false;
    };
    let Some(entry) = slice.get(slice.start()) else {
        return false;
    };

    slice.clear_young(|_| true);
    entry.is_present()
}
