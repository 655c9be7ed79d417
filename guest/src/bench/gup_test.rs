// SPDX-License-Identifier: GPL-2.0

//! The kernel's gup_test: it takes pages of the caller's memory and gives them back, and says how
//! long either took.

// Vouching for the layout of what the kernel is given.
#![allow(unsafe_code)]

use crate::marker;
use crate::sys::{self, Argument};
use anyhow::{ensure, Context, Result};
use pagetables::map::Mapping;
use pagetables::{tools, PAGE};
use rustix::ioctl::{opcode, Opcode};
use std::fs::File;
use std::path::Path;
use std::process::Command;

const DEBUGFS: &str = "/sys/kernel/debug";
const FILE: &str = "/sys/kernel/debug/gup_test";
const FOLL_WRITE: u32 = 1;

/// `struct gup_test`
#[repr(C)]
#[derive(Default)]
struct Request {
    get_us: u64,
    put_us: u64,
    address: u64,
    size: u64,
    pages_per_call: u32,
    gup_flags: u32,
    test_flags: u32,
    which_pages: [u32; 8],
}

// SAFETY: plain numbers in the order of the kernel's structure; the one address is a mapping's.
unsafe impl Argument for Request {}

const fn code(number: u8) -> Opcode {
    opcode::read_write::<Request>(b'g', number)
}

/// How pages are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    GetFast,
    PinFast,
    PinLongterm,
    Get,
    Pin,
}

pub struct GupTest(File);

/// Ticks; the kernel counts in whole microseconds of a thousand, and leaves out half a one on
/// average.
pub struct Ticks {
    pub get: u64,
    pub put: u64,
}

impl GupTest {
    pub fn open() -> Result<Self> {
        if !Path::new(FILE).exists() {
            tools::run(Command::new("mount").args(["-t", "debugfs", "none", DEBUGFS]))?;
        }
        let file = File::options()
            .read(true)
            .write(true)
            .open(FILE)
            .with_context(|| format!("opening {FILE} (CONFIG_GUP_TEST)"))?;
        Ok(Self(file))
    }

    /// Take all pages of a mapping, so many a call, and put them.
    pub fn run(&self, how: How, memory: &Mapping, pages_per_call: u32) -> Result<Ticks> {
        let size = memory.len() as u64;
        let mut request = Request {
            address: memory.range().start,
            size,
            pages_per_call,
            gup_flags: FOLL_WRITE,
            ..Request::default()
        };
        marker::section(|| match how {
            How::GetFast => sys::update::<{ code(1) }, _>(&self.0, &mut request),
            How::PinFast => sys::update::<{ code(2) }, _>(&self.0, &mut request),
            How::PinLongterm => sys::update::<{ code(3) }, _>(&self.0, &mut request),
            How::Get => sys::update::<{ code(4) }, _>(&self.0, &mut request),
            How::Pin => sys::update::<{ code(5) }, _>(&self.0, &mut request),
        })
        .with_context(|| format!("gup_test {how:?}"))?;
        ensure!(
            request.size == size,
            "{how:?} took {} pages of {}",
            request.size / PAGE as u64,
            size / PAGE as u64
        );
        Ok(Ticks {
            get: request.get_us * 1000 + 500,
            put: request.put_us * 1000 + 500,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_and_codes() {
        assert_eq!(size_of::<Request>(), 80);
        assert_eq!(code(1), 0xc050_6701);
    }
}
