// SPDX-License-Identifier: GPL-2.0

//! System calls that take addresses as numbers, and that no crate of ours wraps.

#![allow(unsafe_code)]

use anyhow::{ensure, Context, Result};
use pagetables::map::Mapping;
use pagetables::PAGE;
use rustix::ioctl::{self, Opcode, Updater};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// What an ioctl of a test module may be told: it writes where its argument points to.
///
/// # Safety
///
/// A structure of plain numbers whose layout is the kernel's, and whose addresses, if any, are
/// those of memory that `Mapping`s own or of buffers that outlive the call.
pub unsafe trait Argument {}

/// An ioctl that reads and writes its argument.
pub fn update<const CODE: Opcode, T: Argument>(file: impl AsFd, argument: &mut T) -> Result<()> {
    // SAFETY: the implementor of `Argument` vouches for its layout and for what it points to; all
    // codes are made from the size of their own argument.
    unsafe { ioctl::ioctl(file, Updater::<CODE, T>::new(argument)) }?;
    Ok(())
}

/// mincore of all of a mapping; one byte a page.
pub fn mincore(memory: &Mapping, residency: &mut [u8]) -> Result<()> {
    ensure!(residency.len() * PAGE == memory.len());
    let start = memory.range().start as *mut libc::c_void;
    // SAFETY: the vector has a byte for each page; the memory itself is not accessed.
    let done = unsafe { libc::mincore(start, memory.len(), residency.as_mut_ptr()) };
    if done < 0 {
        return Err(io::Error::last_os_error()).context("mincore");
    }
    Ok(())
}

fn all(what: &str, done: libc::ssize_t, expected: usize) -> Result<()> {
    if done < 0 {
        return Err(io::Error::last_os_error()).context(what.to_owned());
    }
    ensure!(
        done as usize == expected,
        "{what}: {done} bytes of {expected}"
    );
    Ok(())
}

/// Read `len` bytes of one mapping of ours into another with process_vm_readv.
pub fn vm_read(from: &Mapping, to: &Mapping, len: usize) -> Result<()> {
    ensure!(len <= from.len() && len <= to.len());
    let part = |memory: &Mapping| libc::iovec {
        iov_base: memory.range().start as *mut libc::c_void,
        iov_len: len,
    };
    let (local, remote) = (part(to), part(from));
    // SAFETY: both ranges are inside of mappings that nothing has references into.
    let done = unsafe {
        libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0)
    };
    all("process_vm_readv", done, len)
}

/// Have process_vm_readv pin `len` bytes of a mapping, and not copy them to `to`, which can't be
/// written to.
pub fn vm_read_nothing(from: &Mapping, to: &Mapping, len: usize) -> Result<()> {
    let refused = vm_read(from, to, len).map_err(|error| error.downcast::<io::Error>());
    ensure!(
        matches!(&refused, Err(Ok(error)) if error.raw_os_error() == Some(libc::EFAULT)),
        "process_vm_readv copied to memory that can't be written to"
    );
    Ok(())
}

/// Read from a file into a mapping.
pub fn read_into(file: &File, at: usize, to: &Mapping, len: usize) -> Result<()> {
    ensure!(len <= to.len());
    let start = to.range().start as *mut libc::c_void;
    // SAFETY: inside of a mapping that nothing has references into.
    let done = unsafe { libc::pread(file.as_raw_fd(), start, len, at as libc::off_t) };
    all("pread", done, len)
}
