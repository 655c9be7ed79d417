// SPDX-License-Identifier: GPL-2.0

//! What is looked at after every operation: quick, and enough to see most of what goes wrong when
//! it does.

#![allow(unsafe_code)]

use crate::arena::{BASE, END, PAGE};
use crate::digest::Digest;
use crate::observe::Record;
use crate::symbol::{self, Meaning, Symbol};
use crate::world;
use std::io;

const REGIONS: usize = 256;

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

const fn number(symbol: Symbol) -> u64 {
    match symbol.meaning {
        Meaning::Number(number) => number,
        _ => 0,
    }
}

const INTERESTING: u64 = number(symbol::PAGE_IS_PRESENT) | number(symbol::PAGE_IS_SWAPPED);
const TOLD: u64 = INTERESTING
    | number(symbol::PAGE_IS_WPALLOWED)
    | number(symbol::PAGE_IS_WRITTEN)
    | number(symbol::PAGE_IS_FILE)
    | number(symbol::PAGE_IS_PFNZERO)
    | number(symbol::PAGE_IS_SOFT_DIRTY)
    | number(symbol::PAGE_IS_GUARD);

/// All entries of the arena, and what kind of entry each is.
pub fn glance(record: &mut Record) {
    let mut regions = [Region::default(); REGIONS];
    let mut start = BASE;
    while start < END {
        let mut arg = [
            // size, flags, start, end, walk_end, vec, vec_len, max_pages
            96,
            0,
            start,
            END,
            0,
            regions.as_mut_ptr() as u64,
            REGIONS as u64,
            0,
            // inverted, mask, any of, returned
            0,
            0,
            INTERESTING,
            TOLD,
        ];
        let fd = world::value(Meaning::Pagemap) as i32;
        // SAFETY: the request matches the argument, which points to as many regions as it says.
        let count = unsafe { libc::ioctl(fd, number(symbol::PAGEMAP_SCAN), arg.as_mut_ptr()) };
        if count < 0 {
            record.line(&format!("no scan: {}", io::Error::last_os_error()));
            return;
        }
        for region in regions.iter().take(count as usize) {
            let (start, end, categories) = (region.start, region.end, region.categories);
            record.words(&[start, end, categories], || {
                format!("{start:x}-{end:x} is {categories:x}")
            });
        }
        let [_, _, _, _, walk_end, ..] = arg;
        if walk_end <= start {
            return;
        }
        start = walk_end;
    }
}

/// A digest of a page that is mapped and may be read.
pub fn content(address: u64) -> u64 {
    let mut digest = Digest::default();
    for at in (address..address + PAGE).step_by(8) {
        // SAFETY: the pagemap has just said that it is there, and nobody acts but us.
        digest.word(unsafe { (at as *const u64).read_volatile() });
    }
    digest.value()
}
