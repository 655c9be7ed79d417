// SPDX-License-Identifier: GPL-2.0

//! Walking down to the PMD entry of a block of the address space.

use super::{is_hugetlb, MmapReadGuard, PmdSlot, TABLE_SPAN};
use crate::bindings;

/// A block of the address space, the [`TABLE_SPAN`] bytes that one PTE table maps, of which a VMA
/// has a part.
///
/// # Examples
///
/// ```
/// use kernel::mm::{pgtable::Found, MmapReadGuard};
///
/// /// Returns whether there is a PMD table for `addr`.
/// fn has_pmd_table(lock: &MmapReadGuard<'_>, addr: usize) -> bool {
///     lock.block(addr).is_some_and(|block| matches!(block.find(), Found::Slot(_)))
/// }
/// ```
///
/// # Invariants
///
/// A VMA that may have PTE tables intersects the block, and cannot be unmapped while `lock` exists.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    start: usize,
    lock: &'a MmapReadGuard<'a>,
}

/// What [`Block::find`] finds.
pub enum Found<'a> {
    /// There is a PMD table for the block, and this entry of it is the block's own.
    Slot(PmdSlot<'a>),
    /// No PMD table before `end`.
    Hole {
        /// The first address behind the hole.
        end: usize,
    },
}

impl MmapReadGuard<'_> {
    /// Returns the first block at or above the one of `addr` that a VMA intersects which may have
    /// PTE tables.
    pub fn next_block(&self, addr: usize) -> Option<Block<'_>> {
        let mut start = addr & !(TABLE_SPAN - 1);

        loop {
            let vma = self.find_vma(start)?;

            if !is_hugetlb(vma) {
                let first = vma.start() & !(TABLE_SPAN - 1);

                // INVARIANT: The VMA ends above `start`, and the mmap lock keeps it.
                return Some(Block {
                    start: first.max(start),
                    lock: self,
                });
            }
            start = vma.end().checked_next_multiple_of(TABLE_SPAN)?;
        }
    }

    /// Returns the block of `addr`, if a VMA intersects it which may have PTE tables.
    #[inline]
    pub fn block(&self, addr: usize) -> Option<Block<'_>> {
        self.next_block(addr).filter(|block| block.start <= addr)
    }
}

impl<'a> Block<'a> {
    /// Where it starts.
    #[inline]
    pub fn start(self) -> usize {
        self.start
    }

    /// Returns the slot of the block, if there is a PMD table.
    #[inline]
    pub fn slot(self) -> Option<PmdSlot<'a>> {
        match self.find() {
            Found::Slot(slot) => Some(slot),
            Found::Hole { .. } => None,
        }
    }

    /// Walks down to the PMD entry of the block.
    pub fn find(self) -> Found<'a> {
        let mm = self.lock.mm.as_raw();
        let addr = self.start;
        // The last address there can be: a hole may reach up to it.
        let limit = usize::MAX;

        // SAFETY: `mm` is valid as `lock` borrows it, and its page tables exist while it has users.
        // Each offset is taken only from an entry that points to a table. The tables are not freed,
        // as the block belongs to a VMA by the type invariants, and unmapping one needs the mmap
        // lock for writing until the VMA can no longer be found.
        unsafe {
            let pgd = bindings::pgd_offset(mm, addr);
            if !bindings::pgd_points_to_table(pgd) {
                let end = bindings::pgd_addr_end(addr, limit);
                return Found::Hole { end };
            }
            let p4d = bindings::p4d_offset(pgd, addr);
            if !bindings::p4d_points_to_table(p4d) {
                let end = bindings::p4d_addr_end(addr, limit);
                return Found::Hole { end };
            }
            let pud = bindings::pud_offset(p4d, addr);
            if !bindings::pud_points_to_table(pud) {
                let end = bindings::pud_addr_end(addr, limit);
                return Found::Hole { end };
            }
            Found::Slot(PmdSlot::from_raw(mm, bindings::pmd_offset(pud, addr)))
        }
    }
}
