// SPDX-License-Identifier: GPL-2.0

//! Pages taken for the kernel's own use (GUP), and put.

use crate::arena::{Arena, Folios, PAGES};
use crate::clock::Clock;
use crate::gup_test::{GupTest, How, Ticks};
use crate::row::{per, Row, Took};
use anyhow::Result;

/// The kernel measures in microseconds: more of them, for the cheap ones.
fn repeats(folios: Folios) -> u32 {
    match folios {
        Folios::Small => 8,
        Folios::Kib64 => 16,
        Folios::Pmd => 128,
    }
}

const WAYS: &[(How, &str, &str)] = &[
    (How::GetFast, "gup_fast", "get_user_pages_fast"),
    (How::PinFast, "pin_fast", "pin_user_pages_fast"),
    (How::Get, "gup_slow", "get_user_pages"),
    (How::Pin, "pin_slow", "pin_user_pages"),
    (
        How::PinLongterm,
        "pin_longterm",
        "pin_user_pages, long-term",
    ),
];
const SIZES: &[(Folios, &str, &str)] = &[
    (Folios::Small, "", "small pages"),
    (Folios::Kib64, "_64k", "64 KiB folios"),
    (Folios::Pmd, "_thp", "2 MiB folios"),
];
const CALLS: &[u32] = &[1, 512];

fn row(name: String, what: String, round: impl Fn(&Clock) -> Result<Took> + 'static) -> Row {
    Row::new("getting and pinning pages", name, what, "page", round).by_kernel_clock()
}

pub fn rows() -> Vec<Row> {
    let mut list = Vec::new();
    for &(folios, suffix, memory) in SIZES {
        for &(how, name, what) in WAYS {
            for &pages in CALLS {
                list.push(row(
                    format!("{name}_{pages}{suffix}"),
                    format!("{what}, {pages} a call, {memory}"),
                    move |_| measure(how, folios, pages, |ticks| ticks.get),
                ));
            }
        }
        for (how, name, what) in [
            (How::GetFast, "put", "put_page"),
            (How::PinFast, "unpin", "unpin_user_pages"),
        ] {
            list.push(row(
                format!("{name}{suffix}"),
                format!("{what}, {memory}"),
                move |_| measure(how, folios, 512, |ticks| ticks.put),
            ));
        }
    }
    list
}

fn measure(how: How, folios: Folios, pages: u32, which: fn(&Ticks) -> u64) -> Result<Took> {
    let arena = Arena::of_folios(folios)?;
    arena.fill_folios()?;
    let test = GupTest::open()?;
    let mut ticks = 0;
    for _ in 0..repeats(folios) {
        ticks += which(&test.run(how, &arena.memory, pages)?);
    }
    Ok(per(ticks, PAGES * repeats(folios) as usize))
}
