// SPDX-License-Identifier: GPL-2.0

//! A bench that never was, to try the report on. Every figure is invented.

use super::super::result::{Bench, Count, Counts, Kernel, Memory, Moment, Row, Setting, Wall};
use crate::inputs::Inputs;
use crate::provenance::{Provenance, Tools};

/// Name, group, what, unit, baseline, ratio, bar, noise
type Line = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    f64,
    f64,
    f64,
    f64,
);

/// A bar of 0 is none; a figure of 0 was not measured.
#[rustfmt::skip]
const ROWS: &[Line] = &[
    ("anon_write", "faults", "write fault on anonymous memory", "page", 2712.4, 1.0042, 1.01, 0.0001),
    ("zero_read", "faults", "read fault that maps the zero page", "page", 1210.9, 1.0071, 1.01, 0.0002),
    ("shmem_read_around", "faults", "read fault on shared memory, with its neighbours", "fault", 4471.0, 0.9983, 1.0, 0.0004),
    ("shmem_write", "faults", "write fault on shared memory", "page", 3120.2, 1.0128, 1.01, 0.0003),
    ("file_cow", "faults", "write fault on a private mapping of a file", "page", 3554.8, 1.0, 1.0, 0.0),
    ("reuse_after_fork", "faults", "write fault on a page that the child let go", "page", 1498.3, 0.9962, 1.0, 0.0011),
    ("new_table", "faults", "first fault in a new table", "fault", 5233.6, 1.0214, 1.03, 0.0009),
    ("mthp_64k", "faults", "fault that maps a folio of 64 KiB", "fault", 19_204.1, 1.0012, 1.01, 0.0007),
    ("zram_swap_in", "faults", "fault that reads from zram", "page", 14_811.7, 1.0003, 1.01, 0.0048),
    ("uffd_minor", "faults", "minor fault resolved through userfaultfd", "page", 9120.4, 1.0, 1.0, 0.0012),
    ("fork_entry", "fork and exit", "fork, for each entry", "entry", 92.31, 1.0065, 1.01, 0.0),
    ("exit_entry", "fork and exit", "exit, for each entry", "entry", 61.02, 0.9120, 1.01, 0.0002),
    ("munmap", "fork and exit", "unmap 2 MiB", "call", 48_120.0, 0.9905, 1.01, 0.0001),
    ("mprotect", "fork and exit", "change the protection of 2 MiB", "call", 21_007.5, 1.0, 1.01, 0.0),
    ("mremap", "fork and exit", "move 2 MiB", "call", 2301.5, 1.1890, 1.25, 0.0),
    ("dontneed_whole", "advice", "MADV_DONTNEED over a table", "call", 44_201.7, 0.8931, 1.0, 0.0003),
    ("dontneed_64k", "advice", "MADV_DONTNEED of 64 KiB", "call", 5011.0, 1.0044, 1.01, 0.0),
    ("touch_dontneed_4k_cycle_in_one_table", "advice", "touch a page and give it back, again and again, in a table that is otherwise empty", "cycle", 6410.2, 1.0312, 1.02, 0.0056),
    ("madv_free", "advice", "MADV_FREE over a table", "call", 31_900.4, 0.0, 1.01, 0.0),
    ("pageout", "advice", "MADV_PAGEOUT over a table", "call", 2_412_004.6, 1.0003, 0.0, 0.0021),
    ("mincore", "walks", "mincore() over 2 MiB", "call", 4120.7, 0.7120, 0.8, 0.0),
    ("pagemap", "walks", "read 512 entries of /proc/self/pagemap", "call", 14_120.7, 0.8841, 0.9, 0.0),
    ("pagemap_scan", "walks", "PAGEMAP_SCAN over 2 MiB", "call", 8211.2, 0.5204, 0.5, 0.0),
    ("smaps", "walks", "read /proc/self/smaps", "call", 1_244_120.7, 0.9998, 1.0, 0.0029),
    ("smaps_rollup", "walks", "read /proc/self/smaps_rollup", "call", 920_411.1, 0.9991, 1.0, 0.0),
    ("gup_fast_1", "pins", "get_user_pages_fast(), one page a call", "page", 310.5, 1.0, 1.0, 0.0),
    ("gup_fast_512", "pins", "get_user_pages_fast(), 512 pages a call", "page", 55.2, 1.0, 1.0, 0.0),
    ("pin_longterm_512_thp", "pins", "pin_user_pages(FOLL_LONGTERM), 512 pages a call, PMD THP", "page", 31.7, 0.9481, 1.0, 0.0),
    ("hmm_fault_cold", "pins", "hmm_range_fault() over memory that was never touched", "page", 0.0, 0.0, 1.0, 0.0),
];

/// Name, title, peak of RSS and of page tables, what each kernel has at the end, what is needed
type Curve = (&'static str, &'static str, u64, u64, u64, u64, u64);

#[rustfmt::skip]
const MEMORY: &[Curve] = &[
    ("lmdb", "LMDB on ext4, scanned; page cache reclaimed", 404_480, 848, 836, 48, 48),
    ("shmem", "Shared memory, swapped out to zram", 411_648, 860, 848, 40, 40),
    ("redis", "Redis (jemalloc), filled and flushed", 437_248, 880, 820, 544, 540),
    ("java", "Java (G1), heap grown and collected", 644_000, 1400, 364, 328, 320),
    ("dontneed_64k", "1024 tables, a page each: MADV_DONTNEED in 64 KiB pieces", 6144, 4148, 4148, 44, 44),
    ("dontneed_whole", "1024 tables, a page each: one MADV_DONTNEED over everything", 6144, 4148, 48, 48, 48),
    ("glibc", "glibc malloc, churned, given back with malloc_trim()", 210_000, 520, 496, 92, 88),
];

/// The rows that `make test` would show, and those that are hard to show.
pub fn bench() -> Bench {
    Bench {
        setting: setting(),
        rows: ROWS.iter().map(row).collect(),
        wall: wall(),
        counts: counts(),
        memory: memory(),
    }
}

fn setting() -> Setting {
    let kernel = |name: &str, release: &str| Kernel {
        name: name.into(),
        release: release.into(),
    };
    Setting {
        provenance: Provenance {
            date: "0000-00-00 00:00 (a sample: every figure is invented)".into(),
            command: "cargo xtask bench --baseline stock --candidate freepte --json bench.json --html bench.html".into(),
            commit: "0123456789ab+".into(),
            tools: Tools {
                source: "linux-source-0.0 0.0.0-1".into(),
                clang: "clang 0.0.0".into(),
                rustc: "rustc 0.0.0".into(),
                bindgen: "bindgen 0.0.0".into(),
            },
            qemu: "QEMU emulator version 0.0.0 (Debian 1:0.0+dfsg-0+deb12u0)".into(),
            accelerator: "TCG".into(),
            processor: "No Processor at 0.00 GHz".into(),
            inputs: Inputs::default(),
        },
        baseline: kernel("stock", "0.0.0"),
        candidate: kernel("freepte", "0.0.0-freepte"),
        seconds: 843,
    }
}

fn row(line: &Line) -> Row {
    let &(name, group, what, unit, baseline, ratio, bar, noise) = line;
    Row {
        name: name.into(),
        group: group.into(),
        what: what.into(),
        unit: unit.into(),
        baseline,
        candidate: baseline * ratio,
        bar: (bar > 0.0).then_some(bar),
        noise,
    }
}

fn wall() -> Vec<Wall> {
    (1u32..)
        .zip(["anon_write", "zero_read", "gup_fast_512"])
        .map(|(n, name)| Wall {
            name: name.into(),
            what: format!("{name}, by the clock"),
            baseline_ns: f64::from(n) * 812.5,
            candidate_ns: f64::from(n) * 812.5 * (0.93 + 0.04 * f64::from(n)),
            ..Wall::default()
        })
        .collect()
}

fn counts() -> Vec<Counts> {
    [("anon_write", 3.02, 2.98), ("munmap", 0.13, 0.42)]
        .map(|(name, baseline, candidate)| {
            let count = |locks: f64| Count {
                locks,
                atomics: locks * 2.0,
            };
            Counts {
                name: name.into(),
                what: format!("{name}, counted"),
                unit: "page".into(),
                baseline: count(baseline),
                candidate: count(candidate),
            }
        })
        .into()
}

fn memory() -> Vec<Memory> {
    let mut rows: Vec<Memory> = MEMORY.iter().map(curve).collect();
    rows.push(Memory {
        name: "tcmalloc".into(),
        title: "tcmalloc, churned, released".into(),
        skipped: Some("libtcmalloc_minimal.so.4 is not on this machine".into()),
        ..Memory::default()
    });
    rows
}

/// Filled in 4 s, emptied from 6 s to 8 s, watched until 12 s.
fn curve(curve: &Curve) -> Memory {
    let &(name, title, rss, peak, baseline, candidate, ideal) = curve;
    let series = |end: u64| {
        (0..=240)
            .map(|n: u64| {
                let filled = n.min(80);
                let gone = n.saturating_sub(120).min(40);
                let between = |from: u64, to: u64| from - from.saturating_sub(to) * gone / 40;
                let part = |most: u64| 40 + most.saturating_sub(40) * filled / 80;
                let whole = n > 80;
                Moment {
                    ms: n * 50,
                    rss_kb: if whole {
                        between(rss, rss / 100)
                    } else {
                        part(rss)
                    },
                    vmpte_kb: if whole {
                        between(peak, end)
                    } else {
                        part(peak)
                    },
                    ideal_kb: if whole {
                        between(peak - 4, ideal)
                    } else {
                        part(peak - 4)
                    },
                }
            })
            .collect()
    };
    Memory {
        name: name.into(),
        title: title.into(),
        baseline: series(baseline),
        candidate: series(candidate),
        skipped: None,
    }
}
