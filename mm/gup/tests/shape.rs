// SPDX-License-Identifier: GPL-2.0

//! Memory of user space that can be brought back into the state that it was made in.

use super::ensure;
use core::ptr::null_mut;
use kernel::{
    bindings, current,
    mm::{
        pgtable::{
            testing::{mm, Memory},
            Pte, VmaStabilised,
        },
        MmWithUser,
    },
    page::PAGE_SIZE,
    prelude::*,
};

pub(super) type Page = *mut bindings::page;
pub(super) type Folio = *mut bindings::folio;

/// Pages of a block.
pub(super) const ENTRIES: usize = 512;

/// Bits of an entry that are an address.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// What an address is mapped to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// Null if no page.
    pub(super) page: Page,
    pub(super) is_zero: bool,
    is_huge: bool,
    /// The entry without the address.
    marks: u64,
}

impl Seen {
    fn of(entry: Pte, is_huge: bool) -> Self {
        let page = entry.leaf().map_or(null_mut(), |leaf| {
            // SAFETY: The memory map has a place for each frame.
            unsafe { bindings::pfn_to_page(leaf.pfn()) }
        });

        Self {
            page,
            // SAFETY: A page of zeroes is a folio of its own.
            is_zero: !page.is_null() && unsafe { bindings::is_zero_folio(page.cast()) },
            is_huge,
            marks: entry.into_raw() & !ADDRESS,
        }
    }

    /// Whether it is mapped like another one, to whatever page.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let of = |seen: &Self| (seen.page.is_null(), seen.is_zero, seen.is_huge, seen.marks);

        of(self) == of(other)
    }
}

/// Some memory, and how its state is made.
pub(super) struct Shape {
    pub(super) memory: Memory,
    reset: fn(&Memory, &MmWithUser) -> Result,
}

impl Shape {
    /// Small pages, pages of zeroes, holes, a hole as large as a table, an unmapped block, and one that can
    /// only be read.
    pub(super) fn small() -> Result<Self> {
        const UNMAPPED: usize = 3;
        const READ_ONLY: usize = 4;

        fn reset(memory: &Memory, mm: &MmWithUser) -> Result {
            for block in [0, 1, 2, READ_ONLY] {
                memory.zap(mm, block)?;
            }
            for page in Iterator::chain(0..4, 500..ENTRIES) {
                memory.touch(0, page)?;
            }
            for page in [8, 9] {
                memory.look(0, page)?;
            }
            for page in [0, 1, 2, 9, 511] {
                memory.touch(1, page)?;
            }
            memory.look(READ_ONLY, 1)
        }

        let memory = Memory::map(5)?;

        memory.advise(
            mm(current!())?,
            0,
            0,
            5 * ENTRIES,
            bindings::MADV_NOHUGEPAGE,
        )?;
        memory.unmap(UNMAPPED)?;
        memory.remap_with(READ_ONLY, bindings::PROT_READ)?;
        Ok(Self { memory, reset })
    }

    /// A page that is mapped as a whole, and a block of small ones behind it.
    pub(super) fn huge() -> Result<Self> {
        let memory = Memory::map(2)?;
        let task = current!();
        let mm = mm(task)?;

        memory.advise(mm, 0, 0, ENTRIES, bindings::MADV_HUGEPAGE)?;
        memory.advise(mm, 1, 0, ENTRIES, bindings::MADV_NOHUGEPAGE)?;
        memory.touch(0, 0)?;
        for page in 0..4 {
            memory.touch(1, page)?;
        }
        let shape = Self {
            memory,
            reset: |_, _| Ok(()),
        };
        // SAFETY: There is a page.
        unsafe {
            let page = shape.seen(0, 0, 1)?.first().ok_or(EINVAL)?.page;
            ensure(!page.is_null() && bindings::folio_nr_pages(bindings::page_folio(page)) == 512)?;
        }
        Ok(shape)
    }

    /// The same, with the huge page being mapped by small entries.
    pub(super) fn split() -> Result<Self> {
        let shape = Self::huge()?;
        // SAFETY: No array is needed where nothing is taken; the mmap lock is not held.
        let done = unsafe {
            bindings::get_user_pages_unlocked(
                shape.memory.page(0, 0),
                1,
                null_mut(),
                bindings::FOLL_SPLIT_PMD,
            )
        };

        // So that nobody maps it as a whole again.
        shape
            .memory
            .advise(mm(current!())?, 0, 0, ENTRIES, bindings::MADV_NOHUGEPAGE)?;
        ensure(done == 1 && shape.seen(0, 0, ENTRIES)?.iter().all(|seen| !seen.is_huge))?;
        Ok(shape)
    }

    /// The same with a hole in it.
    pub(super) fn interrupted() -> Result<Self> {
        Ok(Self {
            reset: |memory, mm| memory.advise(mm, 0, 100, 1, bindings::MADV_DONTNEED),
            ..Self::split()?
        })
    }

    /// The same with another page in place of one.
    pub(super) fn refilled() -> Result<Self> {
        let shape = Self::interrupted()?;

        shape.reset()?;
        shape.memory.touch(0, 100)?;
        Ok(Self {
            reset: |_, _| Ok(()),
            ..shape
        })
    }

    /// Has the huge page be folios of so many pages instead.
    pub(super) fn folios_of(order: u32) -> Result<Self> {
        let shape = Self::split()?;

        drain();
        // SAFETY: There is a page, mapped by this process; it gets the reference that splitting it takes, and is
        // locked for it.
        let failed = unsafe {
            let page = shape.seen(0, 0, 1)?.first().ok_or(EINVAL)?.page;
            let folio = bindings::page_folio(page);

            bindings::folio_ref_add(folio, 1);
            bindings::folio_lock(folio);
            let failed = bindings::__split_huge_page_to_list_to_order(page, null_mut(), order);

            bindings::folio_unlock(folio);
            bindings::folio_put_refs(folio, 1);
            failed
        };

        kernel::error::to_result(failed)?;
        Ok(shape)
    }

    /// Brings it back into its state.
    pub(super) fn reset(&self) -> Result {
        (self.reset)(&self.memory, mm(current!())?)
    }

    /// Looks at what some pages from a page of a block on are mapped to.
    pub(super) fn seen(&self, block: usize, page: usize, count: usize) -> Result<KVVec<Seen>> {
        let task = current!();
        let lock = mm(task)?.mmap_read_lock();
        let start = self.memory.page(block, page);
        let mut all = KVVec::new();

        for addr in (0..count).map(|index| start + index * PAGE_SIZE) {
            let slot = lock.block(addr).and_then(|block| block.slot());
            let seen = slot.map_or(Seen::of(Pte::NONE, false), |slot| match slot.map(addr) {
                Some(table) => Seen::of(table.read(addr), false),
                None => match slot.cell().read().leaf() {
                    Some(leaf) => Seen::of(leaf.page(addr), true),
                    None => Seen::of(Pte::NONE, false),
                },
            });

            all.push(seen, GFP_KERNEL)?;
        }
        Ok(all)
    }
}

/// Has nobody hold references but those who say so: lists of the processors give theirs back.
pub(super) fn drain() {
    // SAFETY: Tests may sleep.
    unsafe { bindings::lru_add_drain_all() };
}
