// SPDX-License-Identifier: GPL-2.0

//! userfaultfd: a thread that answers the faults of another.

// Vouching for the layout of what the kernel is given.
#![allow(unsafe_code)]

use crate::sys::{self, Argument};
use anyhow::{ensure, Context, Result};
use pagetables::map::Mapping;
use pagetables::PAGE;
use rustix::ioctl::{opcode, Opcode};
use rustix::mm::{userfaultfd, UserfaultfdFlags};
use std::fs::File;
use std::io::Read;

const API: u64 = 0xaa;
const FEATURE_MINOR_SHMEM: u64 = 1 << 10;
const EVENT_PAGEFAULT: u8 = 0x12;
/// `struct uffd_msg`, and where a page fault's address is in it
const MESSAGE: usize = 32;
const ADDRESS: std::ops::Range<usize> = 16..24;

#[repr(C)]
struct Api {
    api: u64,
    features: u64,
    ioctls: u64,
}

#[repr(C)]
struct Register {
    start: u64,
    len: u64,
    mode: u64,
    ioctls: u64,
}

/// `struct uffdio_copy`
#[repr(C)]
struct Copy {
    to: u64,
    from: u64,
    len: u64,
    mode: u64,
    copied: i64,
}

/// `struct uffdio_continue`
#[repr(C)]
struct Continue {
    start: u64,
    len: u64,
    mode: u64,
    mapped: i64,
}

// SAFETY: plain numbers in the order of the kernel's structures; what is written to is a mapping's.
unsafe impl Argument for Api {}
// SAFETY: as above.
unsafe impl Argument for Register {}
// SAFETY: as above; what is copied from is the answerer's own page, alive across the call.
unsafe impl Argument for Copy {}
// SAFETY: as above.
unsafe impl Argument for Continue {}

const fn code<T>(number: u8) -> Opcode {
    opcode::read_write::<T>(0xaa, number)
}

/// Which faults are the answerer's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Faults {
    /// Pages that are nowhere: answered with a copy of a page
    Missing,
    /// Pages of shared memory that are there but not mapped: answered with "go on"
    Minor,
}

pub struct Uffd {
    file: File,
    faults: Faults,
}

impl Uffd {
    /// Have the faults of a mapping sent here.
    pub fn over(memory: &Mapping, faults: Faults) -> Result<Self> {
        // SAFETY: the descriptor only gets what happens in mappings that are registered with it.
        let fd = unsafe { userfaultfd(UserfaultfdFlags::CLOEXEC) }.context("userfaultfd")?;
        let file = File::from(fd);
        let (features, mode) = match faults {
            Faults::Missing => (0, 1),
            Faults::Minor => (FEATURE_MINOR_SHMEM, 4),
        };
        let mut api = Api {
            api: API,
            features,
            ioctls: 0,
        };
        sys::update::<{ code::<Api>(0x3f) }, _>(&file, &mut api).context("UFFDIO_API")?;
        let range = memory.range();
        let mut register = Register {
            start: range.start,
            len: memory.len() as u64,
            mode,
            ioctls: 0,
        };
        sys::update::<{ code::<Register>(0x00) }, _>(&file, &mut register)
            .context("UFFDIO_REGISTER")?;
        Ok(Self { file, faults })
    }

    /// Answer so many faults, then return.
    pub fn answer(&self, count: usize) -> Result<()> {
        let page = Page([1; PAGE]);
        let mut message = [0; MESSAGE];
        for _ in 0..count {
            (&self.file)
                .read_exact(&mut message)
                .context("userfaultfd")?;
            ensure!(
                message.first() == Some(&EVENT_PAGEFAULT),
                "not a page fault"
            );
            let word = message.get(ADDRESS).and_then(|bytes| bytes.try_into().ok());
            let address = u64::from_ne_bytes(word.context("a short message")?);
            let start = address & !(PAGE as u64 - 1);
            match self.faults {
                Faults::Missing => self.copy(start, &page)?,
                Faults::Minor => self.go_on(start)?,
            }
        }
        Ok(())
    }

    fn copy(&self, to: u64, page: &Page) -> Result<()> {
        let mut copy = Copy {
            to,
            from: page.0.as_ptr() as u64,
            len: PAGE as u64,
            mode: 0,
            copied: 0,
        };
        sys::update::<{ code::<Copy>(0x03) }, _>(&self.file, &mut copy).context("UFFDIO_COPY")
    }

    fn go_on(&self, start: u64) -> Result<()> {
        let mut go_on = Continue {
            start,
            len: PAGE as u64,
            mode: 0,
            mapped: 0,
        };
        sys::update::<{ code::<Continue>(0x07) }, _>(&self.file, &mut go_on)
            .context("UFFDIO_CONTINUE")
    }
}

#[repr(align(4096))]
struct Page([u8; PAGE]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        assert_eq!(code::<Api>(0x3f), 0xc018_aa3f);
        assert_eq!(code::<Register>(0x00), 0xc020_aa00);
        assert_eq!(code::<Copy>(0x03), 0xc028_aa03);
        assert_eq!(code::<Continue>(0x07), 0xc020_aa07);
    }
}
