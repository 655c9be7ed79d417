// SPDX-License-Identifier: GPL-2.0

//! Walking down from the root to the entry of an address.

use crate::{
    bindings,
    mm::pgtable::{PmdSlot, PudKind, PudSlot},
};

/// A level of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Entries of 4 KiB.
    Pte,
    /// Entries of 2 MiB.
    Pmd,
    /// Entries of 1 GiB.
    Pud,
    /// Entries of 512 GiB.
    P4d,
    /// Entries of the root: of 512 GiB where there are four levels of tables, else of 256 TiB.
    Pgd,
}

impl Level {
    /// Returns the level of the tables whose entries point to tables of this level.
    #[inline]
    pub(super) fn above(self) -> Option<Self> {
        match self {
            Self::Pte => Some(Self::Pmd),
            Self::Pmd => Some(Self::Pud),
            Self::Pud => Some(Self::P4d),
            Self::P4d => Some(Self::Pgd),
            Self::Pgd => None,
        }
    }
}

/// Where the tables of an address lead to.
pub enum Place<'a> {
    /// Nowhere: an entry above the PMD table is none.
    Hole {
        /// The level of that entry.
        level: Level,
        /// The last address that it stands for.
        last: usize,
    },
    /// To an entry of a PUD table that does not point to a PMD table.
    Pud(PudSlot<'a>),
    /// To an entry of a PMD table, whatever that is.
    Pmd(PmdSlot<'a>),
}

impl<'a> Place<'a> {
    /// Walks down to the PMD entry of `addr`, or as far as there are tables.
    ///
    /// # Safety
    ///
    /// `mm` must be valid, and the tables above PTE tables that lead to `addr` not be freed during
    /// `'a`.
    #[inline]
    pub unsafe fn of(mm: *mut bindings::mm_struct, addr: usize) -> Self {
        let hole = |level, shift: u32| Self::Hole {
            level,
            last: addr | !(usize::MAX.wrapping_shl(shift)),
        };

        // SAFETY: As the caller promises. Each offset is taken only from an entry that points to a
        // table, or stands for a table that this machine has not.
        unsafe {
            let pgd = bindings::pgd_offset(mm, addr);
            if bindings::pgd_none_or_clear_bad(pgd) != 0 {
                return hole(Level::Pgd, bindings::pgdir_shift_now());
            }
            let p4d = bindings::p4d_offset(pgd, addr);
            if bindings::p4d_none_or_clear_bad(p4d) != 0 {
                return hole(Level::P4d, bindings::P4D_SHIFT);
            }
            let pud = PudSlot::from_raw(mm, bindings::pud_offset(p4d, addr));
            match pud.read().kind() {
                PudKind::None => hole(Level::Pud, bindings::PUD_SHIFT),
                PudKind::Present(_) | PudKind::Bad => Self::Pud(pud),
                PudKind::Table => Self::Pmd(PmdSlot::from_raw(
                    mm,
                    bindings::pmd_offset(pud.as_raw(), addr),
                    addr,
                )),
            }
        }
    }
}
