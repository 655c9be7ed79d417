// SPDX-License-Identifier: GPL-2.0

//! The page tables of any process.

use anyhow::Result;
use pagetables::maps;
use pagetables::pagemap::Pagemap;
use pagetables::sample::Sample;

pub fn run(pids: &[u32]) -> Result<()> {
    for &pid in pids {
        let sample = Sample::take(pid, None)?;
        println!(
            "{pid}: RSS {} kB, VmPTE {} kB, ideal {} kB ({} PTE tables, {} above), excess {} kB",
            sample.rss_kb,
            sample.vmpte_kb,
            sample.ideal_kb(),
            sample.shape.pte_tables(),
            sample.shape.upper_tables(),
            sample.excess_kb()
        );
        let words = Pagemap::open(pid)?.shape_by_words(&maps::areas(pid)?)?;
        if words != sample.shape {
            println!(
                "{pid}: the words of its pagemap alone, which know no huge pages: {} kB",
                words.kb()
            );
        }
    }
    Ok(())
}
