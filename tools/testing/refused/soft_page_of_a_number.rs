// SPDX-License-Identifier: GPL-2.0

//! The page that an entry which somebody made up holds the number of.
// refused: E0599
#![forbid(unsafe_code)]

use kernel::mm::{pgtable::Pte, walk::PteSlice};

/// Looks at whatever is there.
pub fn look(slice: &PteSlice<'_>, number: u64) -> bool {
    slice
        .soft_page(Pte::from_raw(number))
        .is_some_and(|page| page.is_anon())
}
