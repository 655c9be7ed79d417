// SPDX-License-Identifier: GPL-2.0

//! Walking down to the PMD entry of a block of the address space.

use super::{Mm, PmdSlot};
use crate::bindings;

/// A block of the address space, the [`TABLE_SPAN`](super::TABLE_SPAN) bytes that one PTE table maps, of which a VMA
/// has a part.
///
/// # Examples
///
/// ```
/// use kernel::mm::pgtable::{Found, VmaStabilised};
///
/// /// Returns whether there is a PMD table for `addr`.
/// fn has_pmd_table(lock: &impl VmaStabilised, addr: usize) -> bool {
///     lock.block(addr).is_some_and(|block| matches!(block.find(), Found::Slot(_)))
/// }
/// ```
///
/// # Invariants
///
/// A VMA of `mm` that may have PTE tables intersects the block, and is not unmapped during `'a`.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    start: usize,
    mm: &'a Mm,
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

impl<'a> Block<'a> {
    /// # Safety
    ///
    /// A VMA of `mm` that may have PTE tables intersects the `TABLE_SPAN` bytes at `start`, and is
    /// not unmapped during `'a`.
    #[inline]
    pub(super) unsafe fn new(mm: &'a Mm, start: usize) -> Self {
        // INVARIANT: As the caller promises.
        Self { start, mm }
    }

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
        let mm = self.mm.as_raw();
        let addr = self.start;
        // The last address there can be: a hole may reach up to it.
        let limit = usize::MAX;

        // SAFETY: `mm` is valid by its type. Each offset is taken only from an entry that points to a
        // table. The tables are not freed, as the VMA that the block belongs to is not unmapped, by
        // the type invariants.
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
            Found::Slot(PmdSlot::from_raw(mm, bindings::pmd_offset(pud, addr), addr))
        }
    }
}
