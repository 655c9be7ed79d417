// SPDX-License-Identifier: GPL-2.0

//! Walks against the C that they replace.
//!
//! Logs of callbacks hold all that callbacks are called with, and what they find in `struct mm_walk`.
//! Functions that nobody calls beside their C are found by a test of the tools (`xtask/src/twins/called.rs`).
//!
//! Each of these mistakes was made in the code, alone, and made these tests fail:
//!
//! | mistake | what failed (`rust_pagewalk_`...) |
//! |---|---|
//! | a callback gets the end of the entry, not that of the range | `tables`, `memory` |
//! | another end of a hole | `tables`, `memory` |
//! | what a callback has said last stays in `action` | `tables`, `memory` |
//! | `vma` stays between VMAs | `memory` |
//! | `post_vma` is not called | `memory`, `vmas`, `mapping` |
//! | `test_walk` gets another end | `memory`, `mapping` |
//! | its answer to skip is ignored | `memory`, `mapping` |
//! | only the first VMA of a file is walked, or more of it than was asked for | `mapping` |
//! | the first page of a huge one is found in place of the one asked for | `folio::huge` |
//! | the level of a small page is not told | `folio::small` |
//! | pages of zeroes are found without being asked for | `folio` |
//! | nothing is installed | `install` |
//! | everybody may install | `install::refused`, `mapping::refused` |
//! | tables of user space are left out of dumps | `any_mm::of_a_process` |
//! | the last entry of a table is | `any_mm::given_root` |
//! | a range that begins before the VMA is walked | `vmas::refused` |
//! | empty tables are not freed (`enabled` is 0) | `memory::goes_on_without_the_table` |

mod any_mm;
mod folio;
mod forest;
mod install;
mod log;
mod mapping;
mod memory;
mod tables;
mod vmas;
