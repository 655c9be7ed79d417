// SPDX-License-Identifier: GPL-2.0

//! Input and output that goes through user space's page tables.

use crate::arena::Arena;
use crate::clock::Clock;
use crate::row::{per, Row, Took};
use crate::sys;
use anyhow::{Context, Result};
use pagetables::ext4::Ext4;
use pagetables::map::{Mapping, Of};
use pagetables::{PAGE, TABLE_SPAN};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

/// 512 pages a call
const CALL: usize = 512 * PAGE;
/// A ramdisk; what was never written to it reads as zeroes
const DISK: &str = "/dev/ram0";

pub fn rows() -> Vec<Row> {
    let row = |name, what, round: fn(&Clock) -> Result<Took>| {
        Row::new("input and output", name, what, "page", round)
    };
    vec![
        row(
            "vm_readv",
            "process_vm_readv of 512 pages, with the copy",
            vm_readv,
        ),
        row(
            "vm_readv_pins",
            "process_vm_readv of 512 pages, without the copy",
            vm_readv_pins,
        ),
        row(
            "direct_read",
            "O_DIRECT read of 512 pages from a ramdisk, with the copy",
            direct_read,
        ),
        row(
            "writeback_sparse",
            "fdatasync of a file on ext4, mapped, one page written to in each 2 MiB",
            writeback_sparse,
        ),
    ]
}

fn vm_readv(clock: &Clock) -> Result<Took> {
    const CALLS: usize = 8;
    let arena = Arena::full()?;
    let local = Arena::elsewhere()?;
    local.no_huge_pages()?;
    (0..CALL)
        .step_by(PAGE)
        .for_each(|offset| local.write(offset));
    let (ticks, done) =
        clock.time(|| (0..CALLS).try_for_each(|_| sys::vm_read(&arena.memory, &local, CALL)));
    done?;
    Ok(per(ticks, CALLS * CALL / PAGE))
}

fn vm_readv_pins(clock: &Clock) -> Result<Took> {
    const CALLS: usize = 32;
    let arena = Arena::full()?;
    let local = Arena::elsewhere()?;
    local.protect(false)?;
    let (ticks, done) = clock
        .time(|| (0..CALLS).try_for_each(|_| sys::vm_read_nothing(&arena.memory, &local, CALL)));
    done?;
    Ok(per(ticks, CALLS * CALL / PAGE))
}

fn direct_read(clock: &Clock) -> Result<Took> {
    const CALLS: usize = 8;
    let arena = Arena::anon_tables(1)?;
    arena.fill();
    let disk = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECT)
        .open(DISK)
        .with_context(|| format!("opening {DISK}"))?;
    let (ticks, done) =
        clock.time(|| (0..CALLS).try_for_each(|_| sys::read_into(&disk, 0, &arena.memory, CALL)));
    done?;
    Ok(per(ticks, CALLS * CALL / PAGE))
}

fn writeback_sparse(clock: &Clock) -> Result<Took> {
    const TABLES: usize = 64;
    const TIMES: usize = 8;
    let ext4 = Ext4::with_small_folios(32)?;
    let file = File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(ext4.path().join("sparse"))?;
    file.set_len((TABLES * TABLE_SPAN) as u64)?;
    let anchor = Arena::bare()?;
    let memory = Mapping::at(Arena::base(), TABLES * TABLE_SPAN, Of::Shared(&file))?;
    let dirty = || {
        (0..memory.len())
            .step_by(TABLE_SPAN)
            .for_each(|offset| memory.write(offset));
    };
    // Once before, so that the file has its blocks.
    dirty();
    file.sync_data()?;
    let mut sum = 0;
    for _ in 0..TIMES {
        dirty();
        let (ticks, done) = clock.time(|| file.sync_data());
        done?;
        sum += ticks;
    }
    drop((memory, anchor));
    Ok(per(sum, TIMES * TABLES))
}
