// SPDX-License-Identifier: GPL-2.0

//! A mapping of our own: all that the programs do to memory.

// mmap and its kin are unsafe calls; the type bounds what they can reach.
#![allow(unsafe_code)]

use crate::TABLE_SPAN;
use anyhow::{ensure, Context, Result};
use rustix::mm::{self, Advice, MapFlags, MprotectFlags, ProtFlags};
use std::ffi::c_void;
use std::fs::File;
use std::ops::Range;
use std::ptr;

/// Memory that nothing else refers to, aligned to 2 MiB; unmapped when dropped.
#[derive(Debug)]
pub struct Mapping {
    base: *mut u8,
    len: usize,
}

impl Mapping {
    /// Private anonymous memory, at an address that the kernel chooses.
    pub fn anon(len: usize) -> Result<Self> {
        Self::new(None, len, None)
    }

    /// Private anonymous memory at an address where nothing is mapped.
    pub fn anon_at(address: usize, len: usize) -> Result<Self> {
        Self::new(Some(address), len, None)
    }

    /// A shared mapping of a file's first `len` bytes.
    pub fn shared(file: &File, len: usize) -> Result<Self> {
        Self::new(None, len, Some(file))
    }

    pub fn shared_at(address: usize, file: &File, len: usize) -> Result<Self> {
        Self::new(Some(address), len, Some(file))
    }

    fn new(address: Option<usize>, len: usize, file: Option<&File>) -> Result<Self> {
        const TRIES: u32 = 16;
        ensure!(
            len > 0 && len.is_multiple_of(TABLE_SPAN),
            "{len} is no multiple of 2 MiB"
        );
        if let Some(address) = address {
            return Self::place(address, len, file);
        }
        // Another thread may take what was free a moment ago.
        let mut tries = 0;
        loop {
            let made = Self::place(free_address(len)?, len, file);
            tries += 1;
            if made.is_ok() || tries == TRIES {
                return made;
            }
        }
    }

    fn place(address: usize, len: usize, file: Option<&File>) -> Result<Self> {
        ensure!(
            address.is_multiple_of(TABLE_SPAN),
            "{address:#x} is not aligned"
        );
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let place = MapFlags::FIXED_NOREPLACE | MapFlags::NORESERVE;
        let hint = ptr::without_provenance_mut(address);
        // SAFETY: FIXED_NOREPLACE never replaces what is mapped; the new memory is ours alone.
        let base = unsafe {
            match file {
                None => mm::mmap_anonymous(hint, len, prot, place | MapFlags::PRIVATE),
                Some(file) => mm::mmap(hint, len, prot, place | MapFlags::SHARED, file, 0),
            }
        }
        .with_context(|| format!("mapping {len} bytes at {address:#x}"))?;
        Ok(Self {
            base: base.cast(),
            len,
        })
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The addresses it takes.
    pub fn range(&self) -> Range<u64> {
        let start = self.base as u64;
        start..start + self.len as u64
    }

    fn pointer(&self, offset: usize) -> *mut u8 {
        assert!(offset < self.len);
        self.base.wrapping_add(offset)
    }

    fn part(&self, range: &Range<usize>) -> (*mut c_void, usize) {
        assert!(range.start < range.end && range.end <= self.len);
        (self.base.wrapping_add(range.start).cast(), range.len())
    }

    /// Write a byte.
    #[inline]
    pub fn write(&self, offset: usize) {
        // SAFETY: within the mapping, which only this thread's volatile accesses touch.
        unsafe { self.pointer(offset).write_volatile(1) }
    }

    /// Read a byte.
    #[inline]
    pub fn read(&self, offset: usize) -> u8 {
        // SAFETY: as for `write`.
        unsafe { self.pointer(offset).read_volatile() }
    }

    /// Copy bytes in.
    pub fn store(&self, offset: usize, bytes: &[u8]) {
        assert!(bytes.len() <= self.len - offset);
        // SAFETY: within the mapping, which `bytes` is no part of: no reference into it is given
        // out.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.pointer(offset), bytes.len()) }
    }

    fn advise(&self, range: Range<usize>, advice: Advice) -> Result<()> {
        let (start, len) = self.part(&range);
        // SAFETY: within the mapping, whose bytes nothing relies on.
        unsafe { mm::madvise(start, len, advice) }.context("madvise")
    }

    /// MADV_DONTNEED
    pub fn dont_need(&self, range: Range<usize>) -> Result<()> {
        self.advise(range, Advice::LinuxDontNeed)
    }

    /// MADV_FREE
    pub fn free(&self, range: Range<usize>) -> Result<()> {
        self.advise(range, Advice::LinuxFree)
    }

    /// MADV_NOHUGEPAGE on all of it
    pub fn no_huge_pages(&self) -> Result<()> {
        self.advise(0..self.len, Advice::LinuxNoHugepage)
    }

    /// mprotect of all of it: a write to what is made read-only ends the process.
    pub fn protect(&self, writable: bool) -> Result<()> {
        let flags = if writable {
            MprotectFlags::READ | MprotectFlags::WRITE
        } else {
            MprotectFlags::READ
        };
        // SAFETY: no reference into the mapping is given out.
        unsafe { mm::mprotect(self.base.cast(), self.len, flags) }.context("mprotect")
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: ours, and gone with `self`.
        let _ = unsafe { mm::munmap(self.base.cast(), self.len) };
    }
}

/// An aligned address range that is free at the moment.
fn free_address(len: usize) -> Result<usize> {
    let room = len + TABLE_SPAN;
    // SAFETY: a new mapping where the kernel likes, never accessed.
    let start = unsafe {
        mm::mmap_anonymous(
            ptr::null_mut(),
            room,
            ProtFlags::empty(),
            MapFlags::PRIVATE | MapFlags::NORESERVE,
        )
    }
    .with_context(|| format!("reserving {room} bytes"))?;
    // SAFETY: the mapping just made.
    unsafe { mm::munmap(start, room) }?;
    Ok((start as usize).next_multiple_of(TABLE_SPAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_and_zero() -> Result<()> {
        let mapping = Mapping::anon(2 * TABLE_SPAN)?;
        assert!((mapping.range().start as usize).is_multiple_of(TABLE_SPAN));
        mapping.write(5);
        assert_eq!(mapping.read(5), 1);
        mapping.dont_need(0..TABLE_SPAN)?;
        assert_eq!(mapping.read(5), 0);
        assert!(Mapping::anon_at(mapping.range().start as usize, TABLE_SPAN).is_err());
        assert!(Mapping::anon(4096).is_err());
        Ok(())
    }
}
