// SPDX-License-Identifier: GPL-2.0

//! User PTE tables: finding, reading, locking, keeping, unhooking and freeing them.
//!
//! A *table* has 512 *entries*; it is *hooked* while a PMD entry points to it, and *populated* by
//! the entries that are not none. A populated table is never unhooked here. Once it is unhooked
//! nothing finds it any more, but those who found it before may still look at it until an RCU
//! grace period has passed, which is why an [`Unhooked`] can only be given to a [`Gather`].
//!
//! Who may do what is a matter of what they hold:
//!
//! | type | holds | may |
//! |---|---|---|
//! | [`Pte`], [`Pmd`], [`Pud`] | nothing: they are copies | be looked at |
//! | [`Block`], [`PmdSlot`] | places: the mmap lock or a VMA's is held | find a table; sleep |
//! | [`PteMap`] | the RCU read lock | read entries; not sleep |
//! | [`PteLock`] | that, and the table's lock | change entries; not sleep |
//! | [`PteTableRef`] | a reference of the table | sleep, and get one of the two above afterwards |
//! | [`PmdLock`] | the lock of the PMD table | hook and unhook tables; not sleep |
//! | [`Unhooked`] | a table that nobody finds any more | be given to a [`Gather`] |
//!
//! See `Documentation/mm/pte_table_guards.rst`.
//!
//! # Lock order
//!
//! mmap lock, lock of a VMA, then the lock of the PMD table ([`PmdLock`]), then that of the PTE
//! table ([`PteLock`], [`TableGuard`]). Who holds the latter may only try to take the former.
//!
//! C headers: [`include/linux/pgtable.h`](srctree/include/linux/pgtable.h),
//! [`include/linux/free_user_pte.h`](srctree/freepte/include/linux/free_user_pte.h)

use super::{virt::VmaRef, Mm, MmWithUser, MmapReadGuard};
use crate::{bindings, sync::atomic};

mod bits;
mod block;
mod gather;
mod leaf;
mod lock;
mod map;
mod pmd;
mod pmd_lock;
mod pte;
mod pud;
mod pud_slot;
mod refs;
mod rights;
mod slot;
mod softleaf;
mod table;
mod table_ref;
#[cfg(all(CONFIG_KUNIT, CONFIG_RUST_MM_TWINS))]
pub mod testing;
#[cfg(all(CONFIG_KUNIT, CONFIG_RUST_MM_TWINS))]
mod tests;
mod vma;
mod vma_stabilised;
mod warn;

pub use block::{Block, Found};
pub use gather::{Gather, Unhooked};
pub use leaf::Leaf;
pub use lock::PteLock;
pub use map::PteMap;
pub use pmd::{Pmd, PmdCell, PmdKind, PmdLeaf, PteTable};
pub use pmd_lock::{Busy, PmdLock, TableGuard};
pub use pte::{Pte, PteKind, PteLeaf};
pub use pud::{Pud, PudKind, PudLeaf};
pub use pud_slot::{PudLock, PudSlot};
pub use refs::{Put, Refs};
pub use rights::Rights;
pub use slot::PmdSlot;
pub use softleaf::{Access, Device, Marker, Migration, Swap};
pub use table::{Glance, Table};
pub use table_ref::{give_up, put, take, take_or_alloc, PteTableRef};
pub use vma::is_hugetlb;
pub use vma_stabilised::{VmaContended, VmaScanGuard, VmaStabilised};

/// Bytes of address space that one PTE table maps.
pub const TABLE_SPAN: usize = 1 << TABLE_SHIFT;

/// Log2 of [`TABLE_SPAN`].
pub const TABLE_SHIFT: u32 = bindings::PMD_SHIFT;
