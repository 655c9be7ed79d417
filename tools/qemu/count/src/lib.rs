// SPDX-License-Identifier: GPL-2.0

//! A plugin of QEMU's TCG. While the guest measures something it counts
//!
//! - locks taken: how often a function of the kernel is entered that takes a spinlock, a rwlock or
//!   a seqlock's (`_raw_*lock*`, but not those that give one back);
//! - atomic operations: instructions of the kernel with a lock prefix, and `xchg` on memory;
//! - instructions, by the function that they are in.
//!
//! The program in the guest tells by nops that mean nothing to a processor where a section of what
//! it measures begins and ends, and where a round of sections is over ([`marker`]). Wanted are a
//! guest with one processor, which keeps its lock prefixes (`noreplace-smp`), and a kernel that is
//! where System.map says (`nokaslr`).
//!
//! ```text
//! -plugin libfreepte_count.so,map=System.map,out=FILE
//! ```

#![warn(unsafe_op_in_unsafe_fn)]

// It has symbols that only QEMU defines.
#[cfg(not(test))]
mod api;
pub mod insn;
pub mod marker;
pub mod round;
pub mod symbols;
