// SPDX-License-Identifier: GPL-2.0

//! A reference of a table, dropped by who has none.
// refused: E0624
#![forbid(unsafe_code)]

use kernel::mm::pgtable::PmdLock;

/// Drops somebody else's.
pub fn put(pmd: &PmdLock<'_>) {
    if let Some(table) = pmd.lock_table() {
        let _ = table.refs().put();
    }
}
