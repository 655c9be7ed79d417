// SPDX-License-Identifier: GPL-2.0

//! What tells the plugin that counts (tools/qemu/count) what is measured: nops, which mean nothing
//! to a processor.

// Executing them.
#![allow(unsafe_code)]

use std::arch::asm;

/// The plugin's `Marker::Begin`; `End` and `Round` follow.
const MAGIC: u32 = 0x5e66_7074;

#[inline(always)]
fn nop<const MARKER: u32>() {
    // SAFETY: a nop. That no memory may move across it is as the plugin wants it.
    unsafe { asm!(".byte 0x0f, 0x1f, 0x80", ".long {}", const MARKER, options(nostack)) };
}

/// Something that is measured.
#[inline(always)]
pub fn section<T>(work: impl FnOnce() -> T) -> T {
    nop::<MAGIC>();
    let result = work();
    nop::<{ MAGIC + 1 }>();
    result
}

/// All sections since the last of these were of one round.
pub fn round() {
    nop::<{ MAGIC + 2 }>();
}
