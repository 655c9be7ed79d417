// SPDX-License-Identifier: GPL-2.0

//! One word of `/proc/PID/pagemap`: is there an entry behind it?

const UFFD_WP: u64 = 1 << 57;
const GUARD: u64 = 1 << 58;
const SWAP: u64 = 1 << 62;
const PRESENT: u64 = 1 << 63;

/// Whether the page table entry that this word describes is anything but none.
///
/// Present pages (the zero page too), swap and migration entries and markers are entries. Bit 55
/// (soft-dirty) is none: in a new mapping the kernel sets it on holes as well. Bits 56 and 61 and
/// the page frame number never stand alone.
pub fn is_entry(word: u64) -> bool {
    word & (PRESENT | SWAP | GUARD | UFFD_WP) != 0
}

#[cfg(test)]
mod tests {
    use super::is_entry;

    #[test]
    fn holes() {
        assert!(!is_entry(0));
        assert!(!is_entry(1 << 55), "a soft-dirty hole is a hole");
    }

    #[test]
    fn entries() {
        assert!(is_entry(1 << 63 | 0x1234));
        assert!(is_entry(1 << 63 | 1 << 61 | 1 << 55));
        assert!(is_entry(1 << 62 | 5), "swap");
        assert!(is_entry(1 << 62 | 1 << 58), "guard region");
        assert!(is_entry(1 << 62 | 1 << 57), "write-protect marker");
    }
}
