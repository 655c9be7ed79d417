// SPDX-License-Identifier: GPL-2.0

//! Unhooking a table in the zap that emptied it.

use super::stats::Event;
use kernel::mm::{
    pgtable::{PmdSlot, Table},
    Mm,
};

/// Unhooks `table` from `slot` if nobody holds the lock of the PMD table, and returns whether it
/// did. The caller holds the lock of the table and frees it after it dropped that.
pub(super) fn unhook(mm: &Mm, slot: PmdSlot<'_>, table: &Table, addr: usize) -> bool {
    #[cfg(CONFIG_FREE_USER_PTE_DEBUG)]
    if super::debug::fail_trylock() {
        return false;
    }
    let Some(pmd) = slot.try_lock() else {
        return false;
    };
    let Ok(unhooked) = pmd.unhook(table) else {
        return false;
    };
    unhooked.leave_to_caller();
    Event::FreedAtOnce.record(mm, addr);
    true
}
