// SPDX-License-Identifier: GPL-2.0

//! What is in Rust, against the C that it replaced and that the same kernel still has.

#[cfg(test)]
mod called;
pub mod calls;
pub mod cost;
