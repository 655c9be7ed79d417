// SPDX-License-Identifier: GPL-2.0

//! Walking page tables.
//!
//! A *walk* goes over a range of addresses from its start to its end and tells what is there: at each
//! address an *entry* of some *level*, or a *hole* where there is none. A *leaf* is an entry that
//! maps memory, or holds something in place of memory (a page in swap, a marker); other entries
//! point to a table of the level below. A range is given as its start and its end; in an answer,
//! `end` is the first address behind what the answer is about.
//!
//! There are three ways to walk, each an iterator, so that `break` ends a walk and nothing has to be
//! given back:
//!
//! | what | yields | between two of them |
//! |---|---|---|
//! | [`Walk`] | one [`Item`] an entry, a copy | nothing is locked: one may sleep |
//! | [`LockedWalk`] | one [`Item`] an entry, which stays as it is | the table is locked: one may not sleep |
//! | [`Chunks`] | one [`Chunk`] a table or huge page, with its guard | nothing is locked: one may sleep |
//! | [`Tree`] | each entry of each level, of any tables | the PTE table is mapped: one may not sleep |
//!
//! The first three walk the memory of user space by its VMAs: [`VmaRef::chunks`] and [`VmaRef::walk`]
//! a part of one, [`MmapReadGuard::areas`] what VMAs there are, and [`MmapReadGuard::walk`] all that is
//! in them. A walk that holds nothing goes on where it was, whatever others have done to the tables
//! in the meantime: it looks again from the root if it has to.
//!
//! # Lock order
//!
//! mmap lock or VMA lock, then lock of the hugetlb VMA ([`HugetlbLock`]), then the lock of an entry:
//! [`PudLock`], [`PmdLock`], [`PteLock`] or [`HugetlbEntry`], one at a time.
//!
//! C headers: [`include/linux/mm_walk_state.h`](srctree/freepte/include/linux/mm_walk_state.h),
//! [`include/linux/pagewalk.h`](srctree/include/linux/pagewalk.h)
//!
//! [`PudLock`]: super::pgtable::PudLock
//! [`PmdLock`]: super::pgtable::PmdLock
//! [`PteLock`]: super::pgtable::PteLock

use super::{virt::VmaRef, MmapReadGuard};

mod areas;
mod chunks;
mod entry;
mod huge;
#[cfg(CONFIG_HUGETLB_PAGE)]
mod hugetlb;
mod iter;
mod lockless;
mod marks;
mod page;
mod place;
mod slice;
mod tree;

pub use areas::{Area, Areas};
pub use chunks::{Chunk, Chunks, Hole};
pub use entry::{Entry, Item};
pub use huge::{HugePmd, HugePud};
#[cfg(CONFIG_HUGETLB_PAGE)]
pub use hugetlb::{HugetlbEntry, HugetlbLock, HugetlbSlot, HugetlbVma};
pub use iter::{Hold, LockedWalk, Nothing, TableLock, Walk, WalkHolding};
pub use lockless::{InterruptsOff, Spot};
pub use marks::{MmTlbFlush, TlbFlush};
pub use page::{FolioFlags, FolioOwner, MappedPage};
pub use place::{Level, Place};
pub use slice::{Entries, LockedPte, PteSlice};
pub use tree::{Below, Node, Raw, Tree};
