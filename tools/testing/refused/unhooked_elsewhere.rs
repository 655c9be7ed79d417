// SPDX-License-Identifier: GPL-2.0

//! A table, unhooked at an address where it is not: processors are made to forget another one.
// refused: E0061
#![forbid(unsafe_code)]

use kernel::mm::pgtable::PmdLock;

/// Lies about the address.
pub fn unhook(pmd: &PmdLock<'_>, addr: usize) -> bool {
    pmd.lock_table()
        .is_some_and(|table| pmd.unhook(&table, addr).is_ok())
}
