// SPDX-License-Identifier: GPL-2.0

//! The setting of a list: all that works by itself in the background is off, so that a kernel does
//! the same in every run, and only what the list says.

#![allow(unsafe_code)]

use anyhow::{ensure, Context, Result};
use pagetables::map::Mapping;
use pagetables::{tools, TABLE_SPAN};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{fs, io, thread};

const ENABLED: &str = "/sys/kernel/mm/free_user_pte/enabled";
const DELAY_MS: &str = "/sys/kernel/mm/free_user_pte/delay_ms";
const THP: &str = "/sys/kernel/mm/transparent_hugepage";
const THP_64K: &str = "/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled";
const DEBUGFS: &str = "/sys/kernel/debug";
const FAULT_AROUND: &str = "/sys/kernel/debug/fault_around_bytes";
const SWAP: &std::ffi::CStr = c"/dev/zram0";

/// Set one of the knobs that operations may set; not all kernels have all.
pub fn set(which: u64, value: u64) {
    let _ = match which {
        0 => fs::write(ENABLED, value.to_string()),
        1 => fs::write(DELAY_MS, value.to_string()),
        2 => fs::write(THP_64K, if value == 0 { "never" } else { "madvise" }),
        _ => fs::write(FAULT_AROUND, value.to_string()),
    };
}

/// As every list begins.
pub fn reset() {
    set(0, 1);
    set(1, 0);
    set(2, 0);
    set(3, 65536);
}

/// Once after boot.
pub fn quiet() -> Result<()> {
    for (file, value) in [
        // What is swapped in is what was asked for, not its neighbours.
        ("/proc/sys/vm/page-cluster", "0"),
        ("/proc/sys/vm/overcommit_memory", "1"),
        // Dirty pages are written when an operation says so.
        ("/proc/sys/vm/dirty_writeback_centisecs", "0"),
        ("/proc/sys/vm/dirty_background_ratio", "80"),
        ("/proc/sys/vm/dirty_ratio", "90"),
        ("/proc/sys/vm/compaction_proactiveness", "0"),
        // Huge pages come from MADV_COLLAPSE only: a fault takes one where there is no table, so
        // that it would tell whether an empty one was freed.
        (&format!("{THP}/enabled"), "never"),
        // It scans when it starts and when the first process asks for huge pages, and then not for 49
        // days. `rest_khugepaged` has that behind it before the first list.
        (&format!("{THP}/khugepaged/pages_to_scan"), "1"),
        (
            &format!("{THP}/khugepaged/scan_sleep_millisecs"),
            "4294967295",
        ),
        ("/sys/kernel/mm/ksm/run", "0"),
        // From time to time it takes access away from pages, to see who uses them: what the fault
        // leaves behind can be seen.
        ("/proc/sys/kernel/numa_balancing", "0"),
    ] {
        if Path::new(file).exists() {
            tools::set(file, value)?;
        }
    }
    if !Path::new(FAULT_AROUND).exists() {
        tools::run(Command::new("mount").args(["-t", "debugfs", "none", DEBUGFS]))?;
    }
    ensure!(Path::new(FAULT_AROUND).exists(), "no {FAULT_AROUND}");
    Ok(())
}

/// Have khugepaged do what it does at once, and then nothing: for as long as the mapping exists, and
/// the size of folios that is enabled here stays so, there is always work for it, which it waits 49
/// days to begin.
pub fn rest_khugepaged() -> Result<Mapping> {
    tools::set(format!("{THP}/hugepages-32kB/enabled"), "madvise")?;
    let memory = Mapping::anon(TABLE_SPAN)?;
    // Memory without a page is not worth its while.
    memory.write(0);
    memory.huge_pages()?;
    // It looks at one VMA of one process; nothing tells when it has.
    thread::sleep(Duration::from_secs(1));
    Ok(memory)
}

/// File systems on a device are read page by page: how much is read ahead depends on time.
pub fn no_readahead() -> Result<()> {
    for entry in fs::read_dir("/sys/block").context("reading /sys/block")? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("loop") {
            tools::set(entry.path().join("queue/read_ahead_kb"), "0")?;
        }
    }
    Ok(())
}

pub fn swap_cycle() -> io::Result<()> {
    // SAFETY: the name is a C string.
    let done = unsafe { libc::swapoff(SWAP.as_ptr()) == 0 && libc::swapon(SWAP.as_ptr(), 0) == 0 };
    if done {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
