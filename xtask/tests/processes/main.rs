// SPDX-License-Identifier: GPL-2.0

//! What `cargo xtask` does with the programs that it runs, seen from outside. Stand-ins take the
//! places of those programs: no kernel, no QEMU, no root, no network.

// What is tested here is what becomes of processes that nobody looks after.
#![allow(clippy::disallowed_methods)]

mod clean;
mod interrupt;
mod stage;
mod trees;
#[allow(dead_code)]
#[path = "../../src/versions.rs"]
mod versions;
mod vm;
