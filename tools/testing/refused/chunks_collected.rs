// SPDX-License-Identifier: GPL-2.0

//! The same by an adaptor of iterators.
// refused: E0599
#![forbid(unsafe_code)]

use kernel::mm::virt::VmaRef;

/// Holds one while it asks for the next.
pub fn peek(vma: &VmaRef) -> bool {
    let mut chunks = vma.chunks(vma.start()..vma.end()).peekable();

    chunks.next().is_some() && chunks.peek().is_some()
}
