// SPDX-License-Identifier: GPL-2.0

//! The Rust part of memory management.
//!
//! One crate, as crates in the tree cannot import each other; each module has its own Kconfig
//! switch.

const __LOG_PREFIX: &[u8] = b"freepte\0";

mod free_user_pte;
#[cfg(CONFIG_RUST_GUP)]
mod gup;
#[cfg(CONFIG_RUST_PAGE_READERS)]
mod mincore;
#[cfg(CONFIG_PAGE_TABLES_DEBUGFS)]
mod page_tables;
#[cfg(CONFIG_RUST_PAGEWALK)]
mod pagewalk;
#[cfg(all(CONFIG_RUST_PAGE_READERS, CONFIG_PTDUMP))]
mod ptdump;
#[cfg(CONFIG_RUST_PTE_MAP)]
mod pte_map;
#[cfg(CONFIG_RUST_PAGE_READERS)]
#[path = "../fs/proc/task_mmu.rs"]
mod task_mmu;
#[cfg(CONFIG_RUST_PAGEWALK)]
mod walk_state;
