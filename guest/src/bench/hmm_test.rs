// SPDX-License-Identifier: GPL-2.0

//! The kernel's test_hmm: a device that mirrors our page tables, in software.

// Vouching for the layout of what the kernel is given.
#![allow(unsafe_code)]

use crate::sys::{self, Argument};
use anyhow::{ensure, Context, Result};
use pagetables::map::Mapping;
use pagetables::{tools, PAGE};
use rustix::ioctl::{opcode, Opcode};
use std::fs::File;
use std::path::Path;
use std::process::Command;

const FILE: &str = "/dev/hmm_dmirror0";

/// `struct hmm_dmirror_cmd`
#[repr(C)]
#[derive(Default)]
struct Request {
    address: u64,
    buffer: u64,
    pages: u64,
    copied: u64,
    faults: u64,
}

// SAFETY: plain numbers in the order of the kernel's structure; the addresses are a mapping's and
// that of a buffer that lives across the call.
unsafe impl Argument for Request {}

const fn code(number: u8) -> Opcode {
    opcode::read_write::<Request>(b'H', number)
}

/// A device that has mirrored nothing yet.
pub struct Mirror(File);

impl Mirror {
    pub fn open() -> Result<Self> {
        if !Path::new(FILE).exists() {
            tools::run(Command::new("modprobe").arg("test_hmm"))
                .context("CONFIG_TEST_HMM is needed")?;
        }
        let file = File::options()
            .read(true)
            .write(true)
            .open(FILE)
            .with_context(|| format!("opening {FILE}"))?;
        Ok(Self(file))
    }

    /// Ask how each page is mapped, faulting in none.
    pub fn snapshot(&self, memory: &Mapping, bytes: &mut [u8]) -> Result<()> {
        ensure!(bytes.len() >= memory.len() / PAGE);
        let mut request = Self::request(memory, bytes);
        sys::update::<{ code(0x04) }, _>(&self.0, &mut request).context("HMM_DMIRROR_SNAPSHOT")?;
        Self::check(&request)
    }

    /// Let the device read all pages, through its own page table, which it fills from ours.
    pub fn read(&self, memory: &Mapping, bytes: &mut [u8]) -> Result<()> {
        ensure!(bytes.len() >= memory.len());
        let mut request = Self::request(memory, bytes);
        sys::update::<{ code(0x00) }, _>(&self.0, &mut request).context("HMM_DMIRROR_READ")?;
        ensure!(request.faults > 0, "the device had all pages already");
        Self::check(&request)
    }

    fn request(memory: &Mapping, bytes: &mut [u8]) -> Request {
        Request {
            address: memory.range().start,
            buffer: bytes.as_mut_ptr() as u64,
            pages: (memory.len() / PAGE) as u64,
            ..Request::default()
        }
    }

    fn check(request: &Request) -> Result<()> {
        ensure!(
            request.copied == request.pages,
            "{} pages of {}",
            request.copied,
            request.pages
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn codes() {
        assert_eq!(code(0x04), 0xc028_4804);
    }
}
