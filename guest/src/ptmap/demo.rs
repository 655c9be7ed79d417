// SPDX-License-Identifier: GPL-2.0

//! Memory that is used and given back, for a picture of before and after.

use crate::text_of;
use anyhow::Result;
use pagetables::cpus;
use pagetables::map::Mapping;
use pagetables::{PAGE, TABLE_SPAN};
use std::process;
use std::time::Duration;

/// Tables that are filled to different degrees, and so many that hold a page each.
const FILLED: usize = 16;
const SPARSE: usize = 48;
/// In pieces that leave it to the kernel to notice that a table became empty
const PIECE: usize = 64 << 10;
/// Several times as long as the reclaimer waits
const WAIT: Duration = Duration::from_secs(1);

fn show(title: &str) -> Result<()> {
    print!("# {title}\n{}", text_of(process::id())?);
    Ok(())
}

pub fn run() -> Result<()> {
    let mapping = Mapping::anon((FILLED + SPARSE) * TABLE_SPAN)?;
    mapping.no_huge_pages()?;
    for table in 0..FILLED {
        let pages = TABLE_SPAN / PAGE * (table + 1) / FILLED;
        for page in 0..pages {
            mapping.write(table * TABLE_SPAN + page * PAGE);
        }
    }
    for table in FILLED..FILLED + SPARSE {
        mapping.write(table * TABLE_SPAN);
    }
    show("in use")?;
    for start in (0..mapping.len()).step_by(PIECE) {
        mapping.dont_need(start..start + PIECE)?;
    }
    show("given back")?;
    cpus::wait_awake(WAIT)?;
    show("a second later")
}
