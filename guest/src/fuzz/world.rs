// SPDX-License-Identifier: GPL-2.0

//! What names of the list stand for in the process that acts: descriptors, and a buffer.
//!
//! All of it is static: threads share it, and a forked child has its copy. Operations are handed
//! out one at a time, so that nothing here is ever used by two threads at once.

#![allow(unsafe_code)]

use crate::arena::OUT_BYTES;
use crate::symbol::Meaning;
use anyhow::{ensure, Context, Result};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::IntoRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};

const NONE: i32 = -1;

static FILES: [AtomicI32; 4] = [const { AtomicI32::new(NONE) }; 4];
static UFFDS: [AtomicI32; 2] = [const { AtomicI32::new(NONE) }; 2];
static CHILDREN: [AtomicI32; 2] = [const { AtomicI32::new(NONE) }; 2];
static PAGEMAP: AtomicI32 = AtomicI32::new(NONE);

/// Atomic only so that it may be static; the kernel writes to it.
static OUT: [AtomicU64; OUT_BYTES / 8] = [const { AtomicU64::new(0) }; OUT_BYTES / 8];

/// What a name stands for, as a number that a system call takes.
pub fn value(meaning: Meaning) -> u64 {
    let descriptor = |cell: Option<&AtomicI32>| {
        let fd = cell.map_or(NONE, |cell| cell.load(Relaxed));
        fd as i64 as u64
    };
    match meaning {
        Meaning::Number(number) => number,
        Meaning::File(n) => descriptor(FILES.get(n)),
        Meaning::Uffd(n) => descriptor(UFFDS.get(n)),
        Meaning::Child(n) => descriptor(CHILDREN.get(n)),
        Meaning::Own => u64::from(std::process::id()),
        Meaning::Pagemap => descriptor(Some(&PAGEMAP)),
        Meaning::Out => OUT.as_ptr() as u64,
    }
}

pub fn clear_out() {
    OUT.iter().for_each(|word| word.store(0, Relaxed));
}

pub fn out() -> impl Iterator<Item = u64> {
    OUT.iter().map(|word| word.load(Relaxed))
}

/// Put a descriptor in a place, and close what was there.
fn put(cell: Option<&AtomicI32>, fd: i32) {
    let Some(cell) = cell else { return };
    let old = cell.swap(fd, Relaxed);
    if old != NONE {
        // SAFETY: the descriptor was made for this place, and nobody else knows it.
        unsafe { libc::close(old) };
    }
}

pub fn put_uffd(slot: usize, fd: i32) {
    put(UFFDS.get(slot), fd);
}

pub fn close_uffd(slot: usize) -> bool {
    let open = UFFDS.get(slot).is_some_and(|c| c.load(Relaxed) != NONE);
    put(UFFDS.get(slot), NONE);
    open
}

/// Whether a userfaultfd is open here.
pub fn any_uffd() -> bool {
    UFFDS.iter().any(|cell| cell.load(Relaxed) != NONE)
}

pub fn put_child(slot: usize, pidfd: i32) {
    put(CHILDREN.get(slot), pidfd);
}

pub fn drop_child(slot: usize) {
    put(CHILDREN.get(slot), NONE);
}

/// Take the pagemap of the process that we are now.
pub fn open_pagemap() -> Result<()> {
    let file = File::open("/proc/self/pagemap").context("opening the pagemap")?;
    put(Some(&PAGEMAP), file.into_raw_fd());
    Ok(())
}

/// Take a new memory file, a page short of two blocks large, in the place of one.
pub fn open_memfd(slot: usize) -> io::Result<()> {
    const SIZE: i64 = (4 << 20) - 4096;
    let name = if slot == 0 { c"F0" } else { c"F1" };
    // SAFETY: the name is a C string; the descriptor is only used for its size.
    let fd = unsafe {
        let fd = libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING);
        if fd < 0 || libc::ftruncate(fd, SIZE) < 0 {
            return Err(io::Error::last_os_error());
        }
        fd
    };
    put(FILES.get(slot), fd);
    Ok(())
}

/// A file without a name in a directory, its first bytes written.
fn open_in(slot: usize, dir: &Path) -> Result<()> {
    const WRITTEN: usize = 1 << 20;
    let name = CString::new(dir.as_os_str().as_bytes())?;
    let flags = libc::O_TMPFILE | libc::O_RDWR | libc::O_CLOEXEC;
    // SAFETY: the name is a C string that lives across the call.
    let fd = unsafe { libc::open(name.as_ptr(), flags, 0o600) };
    ensure!(
        fd >= 0,
        "a file in {}: {}",
        dir.display(),
        io::Error::last_os_error()
    );
    let bytes: Vec<u8> = (0..WRITTEN).map(|n| (n / 4096 + 1) as u8).collect();
    // SAFETY: the bytes live across the call.
    let done = unsafe { libc::pwrite(fd, bytes.as_ptr().cast(), WRITTEN, 0) };
    ensure!(
        done == WRITTEN as isize,
        "writing: {}",
        io::Error::last_os_error()
    );
    put(FILES.get(slot), fd);
    Ok(())
}

/// The files of a list: two of memory, one of tmpfs, one of ext4.
pub fn open_files(tmpfs: &Path, ext4: &Path) -> Result<()> {
    open_memfd(0)?;
    open_memfd(1)?;
    open_in(2, tmpfs)?;
    open_in(3, ext4)
}
