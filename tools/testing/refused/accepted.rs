// SPDX-License-Identifier: GPL-2.0

//! What a driver does: it looks at a range, chunk by chunk, and at the pages that are mapped there.
// accepted
#![forbid(unsafe_code)]

use kernel::mm::{virt::VmaRef, walk::Chunk, MmapReadGuard};

/// Counts pages of no file, and huge pages.
pub fn count(lock: &MmapReadGuard<'_>, addr: usize) -> (usize, usize) {
    let (mut anon, mut huge) = (0, 0);
    let Some(vma) = lock.vma_lookup(addr) else {
        return (0, 0);
    };
    let mut chunks = vma.chunks(addr..vma.end());

    while let Some(chunk) = chunks.next_chunk() {
        match chunk {
            Chunk::Ptes(slice) => anon += slice.iter().filter(|entry| is_anon(*entry)).count(),
            Chunk::Pmd(_) => huge += 1,
            _ => {}
        }
    }
    (anon, huge)
}

fn is_anon(entry: kernel::mm::walk::LockedPte<'_>) -> bool {
    entry.page().is_some_and(|page| page.is_anon())
}

/// Has writes to a VMA be noticed.
pub fn watch(vma: &VmaRef) {
    let mut chunks = vma.chunks(vma.start()..vma.end());

    while let Some(chunk) = chunks.next_chunk() {
        if let Chunk::Ptes(mut slice) = chunk {
            slice.clear_soft_dirty(|_| false).flush();
        }
    }
}
