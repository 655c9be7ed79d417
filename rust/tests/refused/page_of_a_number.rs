// SPDX-License-Identifier: GPL-2.0

//! The page of an entry that somebody made up.
// refused: E0599
#![forbid(unsafe_code)]

use kernel::mm::{pgtable::Pte, virt::VmaRef, walk::Chunk};

/// Looks at whatever is there.
pub fn look(vma: &VmaRef, number: u64) -> bool {
    let mut chunks = vma.chunks(vma.start()..vma.end());

    match (chunks.next_chunk(), Pte::from_raw(number).leaf()) {
        (Some(Chunk::Ptes(slice)), Some(leaf)) => slice
            .page(vma, slice.start(), leaf)
            .is_some_and(|page| page.is_anon()),
        _ => false,
    }
}
