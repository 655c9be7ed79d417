// SPDX-License-Identifier: GPL-2.0

//! The PAGEMAP_SCAN ioctl: runs of entries that are not none, and how they are mapped.
//!
//! It jumps over holes, so that a reserved address space of any size costs nothing, and it alone
//! tells a PMD leaf from 512 PTEs.

// The one ioctl; everything else here is safe.
#![allow(unsafe_code)]

use anyhow::{Context, Result};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;

const PAGE_IS_FILE: u64 = 1 << 2;
const PAGE_IS_PRESENT: u64 = 1 << 3;
const PAGE_IS_SWAPPED: u64 = 1 << 4;
const PAGE_IS_HUGE: u64 = 1 << 6;

/// `_IOWR('f', 16, struct pm_scan_arg)`
const PAGEMAP_SCAN: libc::c_ulong = 0xc060_6610;
const REGIONS: usize = 256;

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

#[repr(C)]
struct ScanArg {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// A run of entries that are not none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub range: Range<u64>,
    pub huge: bool,
    pub file: bool,
}

impl From<&Region> for Run {
    fn from(region: &Region) -> Self {
        Self {
            range: region.start..region.end,
            huge: region.categories & PAGE_IS_HUGE != 0,
            file: region.categories & PAGE_IS_FILE != 0,
        }
    }
}

/// Fill `regions` from `range`, with at most `max_pages` pages (0: no limit); returns how many
/// were found and where the kernel stopped looking.
fn scan(
    pagemap: &File,
    range: &Range<u64>,
    regions: &mut [Region],
    max_pages: u64,
) -> Result<(usize, u64)> {
    let mut arg = ScanArg {
        size: size_of::<ScanArg>() as u64,
        flags: 0,
        start: range.start,
        end: range.end,
        walk_end: 0,
        vec: regions.as_mut_ptr() as u64,
        vec_len: regions.len() as u64,
        max_pages,
        category_inverted: 0,
        category_mask: 0,
        category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
        return_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_HUGE | PAGE_IS_FILE,
    };
    // SAFETY: the request matches the argument's type; `arg` and the `vec_len` regions that it
    // points to are ours and live across the call.
    let count = unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN, &raw mut arg) };
    if count < 0 {
        return Err(io::Error::last_os_error()).context("PAGEMAP_SCAN (Linux 6.7 or later)");
    }
    Ok((count as usize, arg.walk_end))
}

/// The runs of entries in `range` of the process whose pagemap this is.
///
/// Swap entries, migration entries and markers all come as "swapped". Areas of raw page frames
/// (VM_PFNMAP: device memory, the paravirtual clock's page) are not walked by the kernel.
pub fn runs(pagemap: &File, range: Range<u64>) -> Result<Vec<Run>> {
    let mut found = Vec::new();
    let mut regions = [Region::default(); REGIONS];
    let mut start = range.start;
    while start < range.end {
        let (count, walk_end) = scan(pagemap, &(start..range.end), &mut regions, 0)?;
        found.extend(regions.iter().take(count).map(Run::from));
        if walk_end <= start {
            break;
        }
        start = walk_end;
    }
    Ok(found)
}

/// The first page in `range` that has an entry, and from where on to look for the next.
pub fn first(pagemap: &File, range: &Range<u64>) -> Result<Option<(Run, u64)>> {
    let mut regions = [Region::default()];
    let (count, walk_end) = scan(pagemap, range, &mut regions, 1)?;
    let found = regions.iter().take(count).next();
    Ok(found.map(|region| (region.into(), walk_end)))
}
