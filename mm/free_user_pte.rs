// SPDX-License-Identifier: GPL-2.0

//! Freeing of empty user PTE tables.
//!
//! C code counts the populated entries of each table (`include/linux/free_user_pte.h`). When a
//! count falls to zero, this is what happens:
//!
//! - a zap of the whole table unhooks it at once ([`zap`]);
//! - all others leave a *hint* in a ring of the mm ([`hints`]): a table that is empty now may be
//!   populated again before its lock is dropped, or soon after;
//! - some time later the *reclaimer* ([`reclaim`]) looks at the tables that the hints name, and
//!   unhooks those that are empty then.
//!
//! # Lock order
//!
//! mmap lock, VMA lock, `i_mmap_rwsem`, `anon_vma` lock, lock of the PMD table, lock of the PTE
//! table (nested), a second PTE table's, lock of the hints, locks of the workqueue. The lock of a
//! PMD table is only tried under that of a PTE table, and that of a VMA under the lock of the
//! hints.

#[cfg(CONFIG_FREE_USER_PTE_DEBUG)]
mod debug;
mod entry;
mod hints;
mod reclaim;
mod references;
mod ring;
mod stats;
mod zap;
