// SPDX-License-Identifier: GPL-2.0

//! The tree of a process's page tables, as `/sys/kernel/debug/page_tables/PID` tells it, and its
//! picture. Pure functions from text to text.

mod axis;
mod cells;
mod svg;
mod tree;

pub use svg::draw;
pub use tree::{Level, Table, Tree};
