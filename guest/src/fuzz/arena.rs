// SPDX-License-Identifier: GPL-2.0

//! Where all operations take place: addresses that are the same in every run.

/// Below everything that the loader and the allocator use, so that the areas of the arena are the
/// first ones of /proc/PID/smaps and the rest need not be read.
pub const BASE: u64 = 0x1000_0000;
/// What one PTE table maps
pub const BLOCK: u64 = 2 << 20;
pub const BLOCKS: u64 = 12;
pub const END: u64 = BASE + BLOCKS * BLOCK;
pub const PAGE: u64 = 4096;
/// Pages of a block
pub const SLOTS: u64 = BLOCK / PAGE;
/// How large a file of the list may become
pub const FILE_BYTES: u64 = 4 * BLOCK;
/// How many bytes of output a call may have
pub const OUT_BYTES: usize = 16 << 10;
