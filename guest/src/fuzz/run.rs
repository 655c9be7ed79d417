// SPDX-License-Identifier: GPL-2.0

//! Running lists of operations, each in a process of its own, and telling what was seen.
//!
//! For each list there is a line with its name, one for each operation (its number, actor, call,
//! result, and a digest), one for each observation, and at last one that starts with `#` and is not
//! for comparison.

#![allow(unsafe_code)]

use crate::observe::{self, Record};
use crate::op::{Actor, Op};
use crate::{access, actors, knobs, world};
use anyhow::{ensure, Context, Result};
use pagetables::cpus;
use pagetables::ext4::Ext4;
use pagetables::guard;
use pagetables::map::Mapping;
use pagetables::zram::Zram;
use std::env;
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::os::fd::FromRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const TMPFS: &str = "/dev/shm";

#[derive(Clone, Copy, clap::Args)]
pub struct Options {
    /// Look at everything after so many operations
    #[arg(long, default_value_t = 64, value_name = "OPS")]
    every: usize,
    /// Write out what is seen, then and after each operation, as well as a digest of it
    #[arg(long)]
    verbose: bool,
    /// Have the store of this number write another value
    #[arg(long, value_name = "ID")]
    distort: Option<u32>,
}

/// A list and what to call it.
pub struct Named {
    pub name: String,
    pub list: Vec<Op>,
}

/// The machine as all lists want it; as it was when this is dropped, but for settings.
pub struct Scene {
    ext4: Ext4,
    _zram: Zram,
    _work: Mapping,
}

impl Scene {
    pub fn set() -> Result<Self> {
        guard::check()?;
        same_addresses()?;
        stay_on_first_cpu()?;
        knobs::quiet()?;
        let zram = Zram::new("512M")?;
        // A fault maps the last folio of a file as a whole where there is no table, and a few pages
        // of it where there is one, empty or not.
        let ext4 = Ext4::with_small_folios(64)?;
        knobs::no_readahead()?;
        Ok(Self {
            ext4,
            _zram: zram,
            _work: knobs::rest_khugepaged()?,
        })
    }
}

/// Start again without random addresses: the size of a stack, for one, can be seen.
fn same_addresses() -> Result<()> {
    const ASK: libc::c_ulong = 0xffff_ffff;
    let fixed = libc::ADDR_NO_RANDOMIZE;
    // SAFETY: personality() touches no memory.
    let before = unsafe { libc::personality(ASK) };
    if before & fixed != 0 {
        return Ok(());
    }
    // SAFETY: as above.
    unsafe { libc::personality((before | fixed) as libc::c_ulong) };
    let error = Command::new("/proc/self/exe")
        .args(env::args_os().skip(1))
        .exec();
    Err(error).context("starting again")
}

/// Pages that were just used wait on a list of each CPU, on which reclaim does not see them: with
/// one CPU, the one that reclaims is the one that used them.
fn stay_on_first_cpu() -> Result<()> {
    cpus::run_on(0).context("staying on the first processor")
}

/// A file of memory that a process and its parent write to in turn.
fn memory_file() -> Result<File> {
    // SAFETY: the name is a C string; the new descriptor is ours.
    let fd = unsafe { libc::memfd_create(c"log".as_ptr(), libc::MFD_CLOEXEC) };
    ensure!(fd >= 0, "memfd_create: {}", io::Error::last_os_error());
    // SAFETY: just made.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// What the kernel has done since it was booted.
struct Counters {
    /// Tables freed; none where that is not counted
    freed: u64,
    /// Pages that were taken from processes which had not asked for it
    reclaimed: u64,
}

impl Counters {
    fn read() -> Result<Self> {
        const RECLAIM: [&str; 3] = ["pgsteal_kswapd", "pgsteal_direct", "pgsteal_khugepaged"];
        let text = fs::read_to_string("/proc/vmstat").context("reading /proc/vmstat")?;
        let sum = |is_meant: fn(&str) -> bool| {
            text.lines()
                .filter_map(|line| line.split_once(' '))
                .filter(|(name, _)| is_meant(name))
                .filter_map(|(_, value)| value.parse::<u64>().ok())
                .sum()
        };
        Ok(Self {
            freed: sum(|name| name.starts_with("pte_table_free_")),
            reclaimed: sum(|name| RECLAIM.contains(&name)),
        })
    }
}

pub fn run(scene: &Scene, named: Named, options: Options, out: &mut impl Write) -> Result<()> {
    let start = Instant::now();
    let before = Counters::read()?;
    let ops = named.list.len();
    writeln!(out, "list {}", named.name)?;
    knobs::reset();
    let mut log = memory_file()?;
    // SAFETY: we have one thread only. The child ends without returning.
    let pid = unsafe { libc::fork() };
    ensure!(pid >= 0, "fork: {}", io::Error::last_os_error());
    if pid == 0 {
        // SAFETY: a plain system call: children of the child end with it.
        unsafe { libc::setpgid(0, 0) };
        let result = subject(&scene.ext4.path(), named.list, options, &log);
        let failed = result.is_err();
        if let Err(error) = result {
            let _ = writeln!(log, "stopped: {error:#}");
        }
        // SAFETY: ends the process, and touches nothing.
        unsafe { libc::_exit(i32::from(failed)) }
    }
    let mut status = 0;
    // SAFETY: the status lives across the call; the group is the child's.
    unsafe {
        let done = libc::waitpid(pid, &raw mut status, 0);
        ensure!(done == pid, "waitpid: {}", io::Error::last_os_error());
        libc::kill(-pid, libc::SIGKILL);
    }
    log.rewind()?;
    io::copy(&mut log, out)?;
    if libc::WIFSIGNALED(status) {
        writeln!(out, "ended by signal {}", libc::WTERMSIG(status))?;
    }
    let now = Counters::read()?;
    writeln!(
        out,
        "# {ops} operations, {} tables freed, {} ms, {} pages reclaimed",
        now.freed - before.freed,
        start.elapsed().as_millis(),
        now.reclaimed - before.reclaimed
    )?;
    out.flush()?;
    Ok(())
}

/// The process that runs a list.
fn subject(ext4: &Path, list: Vec<Op>, options: Options, log: &File) -> Result<()> {
    let mut log = log;
    let names: Vec<String> = list
        .iter()
        .map(|op| format!("{} {} {}", op.id, op.actor, op.call.verb))
        .collect();
    access::catch_faults()?;
    world::open_files(Path::new(TMPFS), ext4)?;
    world::open_pagemap()?;
    actors::start(list, options.verbose, options.distort)?;
    observe::begin()?;
    for (number, name) in names.iter().enumerate() {
        // One call for each line: what was done last is there even if this process is ended.
        let lines = match actors::step(number)? {
            Some(seen) => {
                let title = format!("{name} {} {:016x}", seen.ret, seen.digest);
                with_text(&title, &seen.text)
            }
            None => format!("{name} absent\n"),
        };
        log.write_all(lines.as_bytes())?;
        if (number + 1) % options.every == 0 {
            observe(log, "seen", options.verbose, observe::everything)?;
        }
    }
    observe(log, "seen at the end", options.verbose, observe::everything)?;
    observe(
        log,
        "read at the end",
        options.verbose,
        observe::touch_everything,
    )?;
    observe(log, "seen after that", options.verbose, observe::everything)?;
    for child in 0..crate::op::CHILDREN {
        actors::reap_child(child);
    }
    Ok(())
}

/// What this process sees, and the files, and what its children see.
fn observe(mut log: &File, title: &str, verbose: bool, look: fn(&mut Record)) -> Result<()> {
    let mut record = Record::new(verbose);
    look(&mut record);
    observe::files(&mut record);
    let text = record.text.unwrap_or_default();
    let mut all = vec![(Actor::Thread(0), record.digest.value(), text)];
    all.extend(actors::children_observe()?);
    for (actor, digest, text) in all {
        let lines = with_text(&format!("{title} {actor} {digest:016x}"), &text);
        log.write_all(lines.as_bytes())?;
    }
    Ok(())
}

/// A line, and what it is about.
fn with_text(title: &str, text: &str) -> String {
    let mut lines = format!("{title}\n");
    for line in text.lines().filter(|line| !line.is_empty()) {
        lines.push_str("| ");
        lines.push_str(line);
        lines.push('\n');
    }
    lines
}
