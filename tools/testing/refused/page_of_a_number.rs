// SPDX-License-Identifier: GPL-2.0

//! The page of an entry that somebody made up.
// refused: E0599
#![forbid(unsafe_code)]

use kernel::mm::{pgtable::Pte, virt::VmaRef, walk::PteSlice};

/// Looks at whatever is there.
pub fn look(slice: &PteSlice<'_>, vma: &VmaRef, number: u64) -> bool {
    Pte::from_raw(number).leaf().is_some_and(|leaf| {
        slice
            .page(vma, slice.start(), leaf)
            .is_some_and(|page| page.is_anon())
    })
}
