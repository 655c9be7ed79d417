// SPDX-License-Identifier: GPL-2.0

//! A page, kept after the entry that keeps it is unlocked.
// refused: E0505
#![forbid(unsafe_code)]

use kernel::mm::{virt::VmaRef, walk::Chunk};

/// Looks at what may be freed.
pub fn late(vma: &VmaRef) -> bool {
    let mut chunks = vma.chunks(vma.start()..vma.end());
    let Some(Chunk::Ptes(slice)) = chunks.next_chunk() else {
        return false;
    };
    let page = slice.get(slice.start()).and_then(|entry| entry.page());

    drop(slice);
    page.is_some_and(|page| page.is_anon())
}
