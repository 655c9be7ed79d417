// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask bench`: a kernel against another one.

pub mod look;
pub mod report;
pub mod result;
