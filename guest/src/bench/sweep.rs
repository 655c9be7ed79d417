// SPDX-License-Identifier: GPL-2.0

//! Touch 64 KiB of each 2 MiB and give it back, over a large address space, and watch how many
//! empty tables there are at any time.

use anyhow::{Context, Result};
use pagetables::map::{Mapping, Of};
use pagetables::status::Status;
use pagetables::{PAGE, TABLE_SPAN};
use std::fs;

const BASE: usize = 0x2000_0000_0000;
const PIECE: usize = 64 << 10;
const GIB: usize = 1 << 30;
const TABLE_KB: i64 = 4;
/// Never more than 1 MiB of empty tables
const BAR_KB: i64 = 1024;
const ENABLED: &str = "/sys/kernel/mm/free_user_pte/enabled";

#[derive(clap::Args)]
pub struct Options {
    /// Size of the address space
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..512))]
    gib: u16,
    /// Look at VmPTE once in so many tables
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    every: u16,
}

/// What VmPTE must have grown by: the PUD table, and the PMD tables of the gibibytes visited.
fn upper_kb(tables_visited: usize) -> i64 {
    let pmds = tables_visited.div_ceil(GIB / TABLE_SPAN) as i64;
    TABLE_KB * (1 + pmds)
}

struct Sweep {
    memory: Mapping,
    pid: u32,
    base_kb: i64,
}

impl Sweep {
    /// Empty tables, in kB, after so many tables were visited and all of them emptied.
    fn excess_kb(&self, visited: usize) -> Result<i64> {
        let vmpte = Status::read(self.pid)?.vmpte_kb as i64;
        Ok(vmpte - self.base_kb - upper_kb(visited))
    }

    fn visit(&self, table: usize) -> Result<()> {
        // A different piece each time.
        let piece = table * 7 % (TABLE_SPAN / PIECE);
        let start = table * TABLE_SPAN + piece * PIECE;
        for offset in (start..start + PIECE).step_by(PAGE) {
            self.memory.write(offset);
        }
        self.memory.dont_need(start..start + PIECE)
    }
}

/// Returns whether the bar holds, if there is one: not with the freeing off.
pub fn run(options: &Options) -> Result<bool> {
    let enabled = match fs::read_to_string(ENABLED) {
        Ok(text) => text.trim() == "1",
        Err(_) => {
            eprintln!("note: this kernel has no free_user_pte");
            false
        }
    };
    let len = usize::from(options.gib) * GIB;
    let memory = Mapping::at(BASE, len, Of::Anon).context("reserving the address space")?;
    memory.no_huge_pages()?;
    let pid = std::process::id();
    // The first look makes the tables of what it needs itself.
    Status::read(pid)?;
    let base_kb = Status::read(pid)?.vmpte_kb as i64;
    let sweep = Sweep {
        memory,
        pid,
        base_kb,
    };
    let tables = len / TABLE_SPAN;
    let mut most = 0;
    for table in 0..tables {
        sweep.visit(table)?;
        let visited = table + 1;
        if visited.is_multiple_of(usize::from(options.every)) || visited == tables {
            most = most.max(sweep.excess_kb(visited)?);
        }
        if visited.is_multiple_of(tables.div_ceil(8)) {
            eprintln!("{visited} of {tables} tables, at most {most} kB empty");
        }
    }
    println!(
        "{} GiB, one 64 KiB piece of each 2 MiB touched and given back: at most {most} kB of \
         empty tables at any time",
        options.gib
    );
    if !enabled {
        println!("the freeing is not enabled: no bar");
        return Ok(true);
    }
    println!(
        "at most {BAR_KB} kB allowed: {}",
        if most <= BAR_KB { "ok" } else { "FAILED" }
    );
    Ok(most <= BAR_KB)
}

#[cfg(test)]
mod tests {
    use super::upper_kb;

    #[test]
    fn upper_tables() {
        assert_eq!(upper_kb(1), 8);
        assert_eq!(upper_kb(512), 8);
        assert_eq!(upper_kb(513), 12);
    }
}
