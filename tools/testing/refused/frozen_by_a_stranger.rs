// SPDX-License-Identifier: GPL-2.0

//! A table that is in use, and can't be referenced any more.
// refused: E0624
#![forbid(unsafe_code)]

use kernel::mm::pgtable::PmdLock;

/// Freezes what is hooked.
pub fn freeze(pmd: &PmdLock<'_>) -> bool {
    pmd.lock_table().is_some_and(|table| table.refs().freeze())
}
