// SPDX-License-Identifier: GPL-2.0

//! Sizes for smaps and smaps_rollup: how much of a VMA is in memory, and whose it is.

use kernel::{
    bindings,
    mm::{
        pgtable::{Device, Pte, PteKind, PteLeaf},
        virt::VmaRef,
        walk::{Chunk, FolioFlags, HugePmd, MappedPage, PteSlice},
    },
    page::PAGE_SIZE,
    prelude::*,
};

type Stats = bindings::mem_size_stats;

/// Fractions of bytes of a proportional size.
const PSS_SHIFT: u32 = 12;

const PAGE: u64 = PAGE_SIZE as u64;

/// Adds up what a part of a VMA maps; see `include/linux/task_mmu.h`.
///
/// # Safety
///
/// `vma` must be valid and locked in some way; it must have a file if holes count. `mss` must be
/// valid.
#[export]
pub(crate) unsafe extern "C" fn rust_smaps(
    vma: *mut bindings::vm_area_struct,
    start: usize,
    mss: *mut Stats,
    count_holes: bool,
) {
    // SAFETY: As the caller promises.
    let (vma, stats) = unsafe { (VmaRef::from_raw(vma), &mut *mss) };

    Sizes::new(vma, count_holes).add_all(stats, start);
}

/// What is known of a page beside its folio.
#[derive(Clone, Copy)]
struct Marks {
    young: bool,
    dirty: bool,
    /// Whether the entry counts among those that map the page
    counted: bool,
}

struct Sizes<'a> {
    vma: &'a VmaRef,
    locked: bool,
    count_holes: bool,
}

impl<'a> Sizes<'a> {
    fn new(vma: &'a VmaRef, count_holes: bool) -> Self {
        Self {
            vma,
            locked: vma.flags() & bindings::VM_LOCKED as usize != 0,
            count_holes,
        }
    }

    fn add_all(&self, stats: &mut Stats, start: usize) {
        for chunk in self.vma.chunks(start..self.vma.end()).split_puds() {
            match chunk {
                Chunk::Ptes(slice) => {
                    for (addr, entry) in &slice {
                        match entry.leaf() {
                            Some(leaf) => self.present(stats, &slice, addr, leaf),
                            None if entry.is_none() => self.hole(stats, addr, addr + PAGE_SIZE),
                            None => self.soft(stats, &slice, entry),
                        }
                    }
                }
                Chunk::Pmd(huge) => self.pmd(stats, &huge),
                #[cfg(CONFIG_HUGETLB_PAGE)]
                Chunk::Hugetlb(slot) => hugetlb(stats, &slot),
                Chunk::Hole(hole) => self.hole(stats, hole.range.start, hole.range.end),
                // Was split.
                Chunk::Pud(_) => {}
            }
        }
    }

    /// What is in swap and not mapped.
    #[inline]
    fn hole(&self, stats: &mut Stats, start: usize, end: usize) {
        if self.count_holes {
            // SAFETY: The VMA is valid, has a file, and the range is a part of it.
            stats.swap +=
                unsafe { bindings::vma_partial_swap_usage(self.vma.as_ptr(), start, end) };
        }
    }

    #[inline]
    fn present(&self, stats: &mut Stats, slice: &PteSlice<'_>, addr: usize, leaf: PteLeaf) {
        let marks = Marks {
            young: leaf.is_young(),
            dirty: leaf.is_dirty(),
            counted: true,
        };

        if let Some(page) = slice.page(self.vma, addr, leaf) {
            self.page(stats, page, marks);
        }
    }

    #[cold]
    fn soft(&self, stats: &mut Stats, slice: &PteSlice<'_>, entry: Pte) {
        let kind = entry.kind();

        if let PteKind::Swap(swap) = kind {
            // SAFETY: The table that the entry is in is locked, which keeps the swap area.
            let users =
                unsafe { bindings::swap_entry_users(u32::from(swap.area), swap.offset) };

            stats.swap += PAGE_SIZE;
            stats.swap_pss += share(users);
        } else if let Some(page) = slice.soft_page(entry) {
            let marks = Marks {
                young: false,
                dirty: false,
                // The processor can't reach it, but it is mapped as far as counts go.
                counted: matches!(kind, PteKind::Device(Device::Private { .. })),
            };

            self.page(stats, page, marks);
        }
    }

    /// A page that has an entry of its own.
    #[inline]
    fn page(&self, stats: &mut Stats, page: MappedPage<'_>, marks: Marks) {
        let flags = page.flags();
        let anon = page.is_anon();

        whole(stats, page, flags, anon, marks, PAGE_SIZE);
        // A folio with one reference is mapped once. Counts of what is being moved mean nothing: it
        // may be shared.
        let (pss, private) = if !marks.counted {
            (PAGE << PSS_SHIFT, false)
        } else if page.refcount() == 1 {
            (PAGE << PSS_SHIFT, true)
        } else {
            let users = page.mapcount();
            (share(users), users < 2)
        };

        self.part(stats, flags, anon, marks, PAGE_SIZE, pss, private);
    }

    #[cold]
    fn pmd(&self, stats: &mut Stats, huge: &HugePmd<'_>) {
        let entry = huge.value();
        let Some(page) = huge.page(self.vma) else {
            return;
        };
        let marks = Marks {
            young: entry.leaf().is_some_and(|leaf| leaf.is_young()),
            dirty: entry.leaf().is_some_and(|leaf| leaf.is_dirty()),
            counted: entry.is_present(),
        };
        let flags = page.flags();
        let anon = page.is_anon();
        let thp = 1 << bindings::PMD_SHIFT;

        if anon {
            stats.anonymous_thp += thp;
        } else if flags.is_swapbacked() {
            stats.shmem_thp += thp;
        } else if !page.is_zone_device() {
            stats.file_thp += thp;
        }

        let pages = page.pages_from_here();
        let size = pages * PAGE_SIZE;

        whole(stats, page, flags, anon, marks, size);
        if page.refcount() == 1 || !marks.counted {
            let pss = (size as u64) << PSS_SHIFT;

            return self.part(stats, flags, anon, marks, size, pss, marks.counted);
        }
        for index in 0..pages {
            // SAFETY: The huge page has so many pages.
            let users = unsafe { page.page_behind(index) }.mapcount();

            self.part(stats, flags, anon, marks, PAGE_SIZE, share(users), users < 2);
        }
    }

    /// What may differ from page to page.
    #[inline]
    #[expect(clippy::too_many_arguments)]
    fn part(
        &self,
        stats: &mut Stats,
        flags: FolioFlags,
        anon: bool,
        marks: Marks,
        size: usize,
        pss: u64,
        private: bool,
    ) {
        stats.pss += pss;
        if anon {
            stats.pss_anon += pss;
        } else if flags.is_swapbacked() {
            stats.pss_shmem += pss;
        } else {
            stats.pss_file += pss;
        }
        if self.locked {
            stats.pss_locked += pss;
        }

        let dirty = marks.dirty || flags.is_dirty();
        if dirty {
            stats.pss_dirty += pss;
        }
        let sum = match (dirty, private) {
            (true, true) => &mut stats.private_dirty,
            (true, false) => &mut stats.shared_dirty,
            (false, true) => &mut stats.private_clean,
            (false, false) => &mut stats.shared_clean,
        };
        *sum += size;
    }
}

/// What is the same for all pages of a folio.
#[inline]
fn whole(
    stats: &mut Stats,
    page: MappedPage<'_>,
    flags: FolioFlags,
    anon: bool,
    marks: Marks,
    size: usize,
) {
    stats.resident += size;
    if marks.young || flags.is_young() || flags.is_referenced() {
        stats.referenced += size;
    }
    if anon {
        stats.anonymous += size;
        if !flags.is_swapbacked() && !marks.dirty && !flags.is_dirty() {
            stats.lazyfree += size;
        }
        if page.is_ksm() {
            stats.ksm += size;
        }
    }
}

/// One user's share of a page.
#[inline]
fn share(users: i32) -> u64 {
    let page = PAGE << PSS_SHIFT;

    match u64::try_from(users) {
        Ok(users @ 2..) => page / users,
        _ => page,
    }
}

#[cfg(CONFIG_HUGETLB_PAGE)]
#[cold]
fn hugetlb(stats: &mut Stats, slot: &kernel::mm::walk::HugetlbSlot<'_>) {
    let entry = slot.lock();
    let Some(page) = entry.page() else {
        return;
    };
    // What is being moved may be shared.
    let shared =
        entry.value().leaf().is_none() || page.is_maybe_shared() || slot.is_table_shared();
    let sum = if shared {
        &mut stats.shared_hugetlb
    } else {
        &mut stats.private_hugetlb
    };

    *sum += slot.page_size();
}
