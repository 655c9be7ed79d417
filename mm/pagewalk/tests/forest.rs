// SPDX-License-Identifier: GPL-2.0

//! Page tables that nobody uses.

use core::cell::RefCell;
use kernel::{alloc::flags::__GFP_ZERO, bindings, prelude::*};

const ENTRIES: usize = 512;

/// A table, where a table has to be: at the start of a page.
#[repr(C, align(4096))]
struct Table([u64; ENTRIES]);

impl Table {
    fn new() -> Result<KBox<Self>> {
        let table = KBox::<Self>::new_uninit(GFP_KERNEL | __GFP_ZERO)?;

        // SAFETY: Zeroes are entries that are none.
        Ok(unsafe { table.assume_init() })
    }
}

/// Numbers that look random, and are the same in every run.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// Present, writable, accessed, dirty.
const MAPS: u64 = 0x63;
/// Of an entry that maps more than a page.
const HUGE: u64 = 0x80;

/// A root and tables below it.
pub(super) struct Forest {
    root: KBox<Table>,
    tables: RefCell<KVec<KBox<Table>>>,
    levels: u32,
}

impl Forest {
    fn new() -> Result<Self> {
        // SAFETY: Set once, at boot.
        let has_p4d = unsafe { bindings::has_p4d_tables() };

        Ok(Self {
            root: Table::new()?,
            tables: RefCell::new(KVec::new()),
            levels: if has_p4d { 5 } else { 4 },
        })
    }

    pub(super) fn root(&self) -> *mut bindings::pgd_t {
        core::ptr::from_ref(&*self.root).cast_mut().cast()
    }

    /// Where the entry of an address is in a table of a level, 0 being that of PTEs.
    fn index(addr: usize, level: u32) -> usize {
        addr >> (12 + 9 * level) & (ENTRIES - 1)
    }

    /// Returns the entry of a level, and makes the tables that lead to it.
    fn entry(&self, addr: usize, level: u32) -> Result<*mut u64> {
        let mut table: *mut u64 = self.root().cast();

        for above in (level + 1..self.levels).rev() {
            let entry = table.wrapping_add(Self::index(addr, above));

            // SAFETY: The entry is one of a table of this forest.
            unsafe {
                if entry.read() & 1 == 0 || entry.read() & HUGE != 0 {
                    let below = Table::new()?;
                    let address = core::ptr::from_ref(&*below).cast_mut();

                    entry.write(bindings::phys_of(address.cast()) | MAPS);
                    self.tables.borrow_mut().push(below, GFP_KERNEL)?;
                }
                table = bindings::virt_of(entry.read() & 0x000f_ffff_ffff_f000).cast();
            }
        }
        Ok(table.wrapping_add(Self::index(addr, level)))
    }

    fn map(&self, addr: usize, level: u32) -> Result {
        let frame = (addr as u64 & 0x0000_003f_ffff_f000) & !((1 << (12 + 9 * level)) - 1);
        let huge = if level == 0 { 0 } else { HUGE };

        // SAFETY: The entry is one of a table of this forest.
        unsafe { self.entry(addr, level)?.write(frame | MAPS | huge) };
        Ok(())
    }

    const GIB: usize = 1 << 30;

    /// Leaves of all sizes, and holes at every level beside them.
    pub(super) fn with_all_levels() -> Result<Self> {
        let forest = Self::new()?;

        for addr in [
            0,
            0x1000,
            0x3000,
            0x1f_f000,
            0x20_0000,
            0x60_0000 - 0x1000,
            Self::GIB - 0x1000,
            2 * Self::GIB + 0x1000,
            0x0000_7fff_ffff_f000,
            usize::MAX - 4095,
            usize::MAX - 0x20_0000,
        ] {
            forest.map(addr, 0)?;
        }
        for addr in [0x80_0000, 0xa0_0000, 2 * Self::GIB - 0x20_0000] {
            forest.map(addr, 1)?;
        }
        for addr in [4 * Self::GIB, 5 * Self::GIB, 511 * Self::GIB] {
            forest.map(addr, 2)?;
        }
        // A table without entries.
        forest.entry(6 * Self::GIB, 0)?;
        // What holds something in place of memory: as a huge page that is being moved.
        // SAFETY: The entry is one of a table of this forest.
        unsafe { forest.entry(0xe0_0000, 1)?.write(0xf800_0000_0000_0000) };
        Ok(forest)
    }

    pub(super) fn random(random: &mut Random) -> Result<Self> {
        let forest = Self::new()?;

        for _ in 0..random.below(60) {
            let level = [0, 0, 0, 1, 1, 2][random.below(6)];
            let addr = forest.address(random);

            forest.map(addr, level)?;
        }
        Ok(forest)
    }

    /// An address where there may be something.
    fn address(&self, random: &mut Random) -> usize {
        let near = [
            0,
            0x1f_f000,
            Self::GIB,
            3 * Self::GIB,
            511 * Self::GIB,
            512 * Self::GIB,
        ];

        near[random.below(near.len())]
            .wrapping_add(random.below(4) << 12)
            .wrapping_add(random.below(3) << 21)
    }

    pub(super) fn range(&self, random: &mut Random) -> (usize, usize) {
        let start = self.address(random);
        let size = [1, 2, 511, 512, 513, 1 << 18, 1 << 19][random.below(7)] << 12;

        (start, start + size)
    }

    /// Ranges that begin and end at, before and behind boundaries of all levels.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        const BOUNDARIES: [usize; 9] = [
            0,
            0x1000,
            0x20_0000,
            0x60_0000,
            0x80_0000,
            1 << 30,
            2 << 30,
            5 << 30,
            512 << 30,
        ];
        let near = |at: usize| {
            [at.wrapping_sub(4096), at, at + 4096]
                .into_iter()
                .filter(|addr| *addr <= 513 << 30)
        };

        BOUNDARIES
            .into_iter()
            .flat_map(near)
            .flat_map(move |start| {
                BOUNDARIES
                    .into_iter()
                    .flat_map(near)
                    .filter(move |end| *end > start)
                    .map(move |end| (start, end))
            })
    }
}
