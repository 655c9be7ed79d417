// SPDX-License-Identifier: GPL-2.0

//! Page tables of a process: how many it has, and how many it needs.
//!
//! What it has is `VmPTE` in `/proc/PID/status`: the PTE, PMD and PUD tables of its address space
//! (not the top level). What it needs, the *ideal*, is countable from outside: one PTE table for
//! each 2 MiB range in which at least one entry is not none, and the upper tables above those.
//! The difference is the *excess*.

pub mod cgroup;
pub mod cpus;
pub mod end;
pub mod entry;
pub mod ext4;
pub mod guard;
pub mod map;
pub mod maps;
pub mod pagemap;
pub mod ptmap;
pub mod random;
pub mod sample;
pub mod scan;
pub mod shape;
pub mod status;
pub mod tools;
pub mod zram;

pub const PAGE: usize = 4096;
/// What one PTE table maps.
pub const TABLE_SPAN: usize = 2 << 20;
