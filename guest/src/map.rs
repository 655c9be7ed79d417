// SPDX-License-Identifier: GPL-2.0

//! A mapping of our own: all that the programs do to memory.

// mmap and its kin are unsafe calls; the type bounds what they can reach.
#![allow(unsafe_code)]

use crate::{PAGE, TABLE_SPAN};
use anyhow::{ensure, Context, Result};
use rustix::mm::{self, Advice, MapFlags, MprotectFlags, ProtFlags};
use std::ffi::c_void;
use std::fs::File;
use std::mem;
use std::ops::Range;
use std::ptr;

/// What a mapping is of.
#[derive(Clone, Copy)]
pub enum Of<'a> {
    /// Private anonymous memory
    Anon,
    Shared(&'a File),
    /// A file, copied where it is written to
    Private(&'a File),
}

/// Memory that nothing else refers to, aligned to 2 MiB unless it was [cut](Self::cut); unmapped when
/// dropped.
#[derive(Debug)]
pub struct Mapping {
    base: *mut u8,
    len: usize,
}

impl Mapping {
    /// Private anonymous memory, at an address that the kernel chooses.
    pub fn anon(len: usize) -> Result<Self> {
        Self::new(len, Of::Anon)
    }

    /// A shared mapping of a file's first `len` bytes.
    pub fn shared(file: &File, len: usize) -> Result<Self> {
        Self::new(len, Of::Shared(file))
    }

    /// At an address where nothing is mapped.
    pub fn at(address: usize, len: usize, of: Of) -> Result<Self> {
        Self::check_len(len)?;
        Self::place(address, len, of, MapFlags::empty())
    }

    /// The same with MAP_POPULATE: every page is there.
    pub fn populated_at(address: usize, len: usize, of: Of) -> Result<Self> {
        Self::check_len(len)?;
        Self::place(address, len, of, MapFlags::POPULATE)
    }

    fn check_len(len: usize) -> Result<()> {
        ensure!(
            len > 0 && len.is_multiple_of(TABLE_SPAN),
            "{len} is no multiple of 2 MiB"
        );
        Ok(())
    }

    fn new(len: usize, of: Of) -> Result<Self> {
        const TRIES: u32 = 16;
        Self::check_len(len)?;
        // Another thread may take what was free a moment ago.
        let mut tries = 0;
        loop {
            let made = Self::place(free_address(len)?, len, of, MapFlags::empty());
            tries += 1;
            if made.is_ok() || tries == TRIES {
                return made;
            }
        }
    }

    fn place(address: usize, len: usize, of: Of, extra: MapFlags) -> Result<Self> {
        ensure!(
            address.is_multiple_of(TABLE_SPAN),
            "{address:#x} is not aligned"
        );
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let place = MapFlags::FIXED_NOREPLACE | MapFlags::NORESERVE | extra;
        let hint = ptr::without_provenance_mut(address);
        // SAFETY: FIXED_NOREPLACE never replaces what is mapped; the new memory is ours alone.
        let base = unsafe {
            match of {
                Of::Anon => mm::mmap_anonymous(hint, len, prot, place | MapFlags::PRIVATE),
                Of::Shared(file) => mm::mmap(hint, len, prot, place | MapFlags::SHARED, file, 0),
                Of::Private(file) => mm::mmap(hint, len, prot, place | MapFlags::PRIVATE, file, 0),
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

    /// MADV_PAGEOUT
    pub fn page_out(&self, range: Range<usize>) -> Result<()> {
        self.advise(range, Advice::LinuxPageOut)
    }

    /// MADV_HUGEPAGE on all of it
    pub fn huge_pages(&self) -> Result<()> {
        self.advise(0..self.len, Advice::LinuxHugepage)
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

    /// mlock of all of it
    pub fn lock(&self) -> Result<()> {
        // SAFETY: the mapping is ours.
        unsafe { mm::mlock(self.base.cast(), self.len) }.context("mlock")
    }

    /// mremap to `offset` bytes into `place`, which it replaces; the rest of `place` goes.
    pub fn move_into(&mut self, place: Self, offset: usize) -> Result<()> {
        let end = offset
            .checked_add(self.len)
            .filter(|&end| end <= place.len && offset.is_multiple_of(PAGE))
            .context("there is no room for the move")?;
        let target = place.base.wrapping_add(offset);
        // SAFETY: no reference into either mapping is given out, and what is replaced is `place`'s.
        let moved = unsafe {
            mm::mremap_fixed(
                self.base.cast(),
                self.len,
                self.len,
                mm::MremapFlags::MAYMOVE,
                target.cast(),
            )
        }
        .context("mremap")?;
        self.base = moved.cast();
        let (base, len) = (place.base, place.len);
        mem::forget(place);
        for (start, len) in [(base, offset), (base.wrapping_add(end), len - end)] {
            if len > 0 {
                // SAFETY: what is left of `place`.
                unsafe { mm::munmap(start.cast(), len) }.context("munmap")?;
            }
        }
        Ok(())
    }
}

impl Mapping {
    /// Unmap all but a part.
    pub fn cut(mut self, range: Range<usize>) -> Result<Self> {
        let (start, len) = self.part(&range);
        ensure!(
            range.start.is_multiple_of(PAGE) && len.is_multiple_of(PAGE),
            "{range:?} is no range of pages"
        );
        let (base, end) = (self.base, self.len);
        self.base = start.cast();
        self.len = len;
        for rest in [0..range.start, range.end..end] {
            if !rest.is_empty() {
                // SAFETY: what was ours, and is no part of `self` any more.
                unsafe { mm::munmap(base.wrapping_add(rest.start).cast(), rest.len()) }
                    .context("munmap")?;
            }
        }
        Ok(self)
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
        assert!(Mapping::at(mapping.range().start as usize, TABLE_SPAN, Of::Anon).is_err());
        assert!(Mapping::anon(4096).is_err());
        Ok(())
    }

    #[test]
    fn a_part_is_left() -> Result<()> {
        let mapping = Mapping::anon(TABLE_SPAN)?;
        mapping.write(3 * PAGE);
        let range = mapping.range();
        let part = mapping.cut(3 * PAGE..5 * PAGE)?;
        let start = range.start + 3 * PAGE as u64;
        assert_eq!(part.range(), start..start + 2 * PAGE as u64);
        assert_eq!(part.read(0), 1);
        assert!(part.cut(0..1).is_err());
        // Nothing is in the way.
        Mapping::at(range.start as usize, TABLE_SPAN, Of::Anon).map(drop)
    }

    #[test]
    fn moves_with_its_contents() -> Result<()> {
        let mut mapping = Mapping::anon(TABLE_SPAN)?;
        mapping.write(PAGE);
        let place = Mapping::anon(2 * TABLE_SPAN)?;
        let start = place.range().start;
        mapping.move_into(place, PAGE)?;
        assert_eq!(mapping.range().start, start + PAGE as u64);
        assert_eq!((mapping.read(0), mapping.read(PAGE)), (0, 1));
        assert!(mapping.move_into(Mapping::anon(TABLE_SPAN)?, PAGE).is_err());
        Ok(())
    }
}
