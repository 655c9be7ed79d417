// SPDX-License-Identifier: GPL-2.0

//! The versions that this tree was tried with, of what comes from registries.

/// What makes Rust of the kernel's headers
pub const BINDGEN: &str = "0.72.1";
/// What boots the guests
pub const VIRTME_NG: &str = "1.42";
