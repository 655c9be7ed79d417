// SPDX-License-Identifier: GPL-2.0

//! The page that an entry which somebody made up holds the number of.
// refused: E0599
#![forbid(unsafe_code)]

use kernel::mm::{pgtable::Pte, virt::VmaRef, walk::Chunk};

/// Looks at whatever is there.
pub fn look(vma: &VmaRef, number: u64) -> bool {
    let mut chunks = vma.chunks(vma.start()..vma.end());

    match chunks.next_chunk() {
        Some(Chunk::Ptes(slice)) => slice
            .soft_page(Pte::from_raw(number))
            .is_some_and(|page| page.is_anon()),
        _ => false,
    }
}
