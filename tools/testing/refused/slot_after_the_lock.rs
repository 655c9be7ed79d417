// SPDX-License-Identifier: GPL-2.0

//! The place of an entry, kept after the mmap lock that keeps the tables above it.
// refused: E0505
#![forbid(unsafe_code)]

use kernel::mm::{
    pgtable::{PteLock, VmaStabilised},
    MmWithUser,
};

/// Looks for a table in one that may be freed.
pub fn late(mm: &MmWithUser, addr: usize) -> bool {
    let lock = mm.mmap_read_lock();
    let slot = lock.block(addr).and_then(|block| block.slot());

    drop(lock);
    let table: Option<PteLock<'_>> = slot.and_then(|slot| slot.map_lock(addr));
    table.is_some()
}
