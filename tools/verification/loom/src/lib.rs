// SPDX-License-Identifier: GPL-2.0

//! The pure parts of the page table code on a model of weak memory.
//!
//! The very files that the kernel compiles are compiled here, with just enough of the `kernel` crate
//! around them. loom runs each test in all the ways that its threads can interleave, and in all the
//! ways that their accesses can be reordered.

#![cfg(test)]

extern crate self as kernel;

mod atomic;
mod bindings;

#[path = "../../../../rust/kernel/mm/pgtable/refs.rs"]
mod refs;
// Not all of it is used here.
#[allow(dead_code)]
#[path = "../../../../mm/free_user_pte/ring.rs"]
mod ring;

mod memory;
mod refs_model;
mod ring_model;
