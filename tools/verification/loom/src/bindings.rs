// SPDX-License-Identifier: GPL-2.0

//! What bindgen would make of `include/linux/pte_table_types.h`.

/// Fewer than in the kernel, so that a few threads fill the ring.
pub const PTE_TABLE_HINTS: u32 = 2;

#[allow(non_camel_case_types)]
pub struct pte_table_ring {
    pub nr: u16,
    pub scheduled: bool,
    pub refused: u8,
    pub slots: [usize; PTE_TABLE_HINTS as usize],
    pub rescan_first: usize,
    pub rescan_last: usize,
}
