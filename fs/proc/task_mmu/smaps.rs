// SPDX-License-Identifier: GPL-2.0

//! Sizes for smaps and smaps_rollup: how much of a VMA is in memory, and whose it is.

use kernel::{
    bindings,
    mm::{
        pgtable::{Device, Pte, PteKind, PteLeaf},
        virt::VmaRef,
        walk::{Chunk, FolioFlags, FolioOwner, HugePmd, MappedPage, PteSlice},
    },
    page::PAGE_SIZE,
    prelude::*,
};

type Stats = bindings::mem_size_stats;

/// Fractions of bytes of a proportional size.
const PSS_SHIFT: u32 = 12;

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

struct Sizes<'a> {
    vma: &'a VmaRef,
    locked: bool,
    count_holes: bool,
}

impl<'a> Sizes<'a> {
    fn new(vma: &'a VmaRef, count_holes: bool) -> Self {
        Self {
            vma,
            locked: vma.is_locked(),
            count_holes,
        }
    }

    fn add_all(&self, stats: &mut Stats, start: usize) {
        // Who goes on in the middle of a VMA does not look at frames without pages; who begins does.
        if start > self.vma.start() && self.vma.is_pfnmap() {
            return self.hole(stats, start, self.vma.end());
        }
        let mut chunks = self.vma.chunks(start..self.vma.end()).split_puds();

        while let Some(chunk) = chunks.next_chunk() {
            match chunk {
                Chunk::Ptes(slice) => self.ptes(stats, &slice),
                Chunk::Pmd(huge) => self.pmd(stats, &huge),
                #[cfg(CONFIG_HUGETLB_PAGE)]
                Chunk::Hugetlb(slot) => hugetlb(stats, &slot),
                Chunk::Hole(hole) => self.hole(stats, hole.range.start, hole.range.end),
                // Was split.
                Chunk::Pud(_) => {}
            }
        }
    }

    /// Neighbours are of the same kind most often: they are added together.
    fn ptes(&self, stats: &mut Stats, slice: &PteSlice<'_>) {
        let mut run = Run::default();

        for entry in slice {
            if let Some(leaf) = entry.leaf() {
                if let Some(page) = entry.page() {
                    let kind = Kind::of(page, Marks::of(leaf));

                    if run.kind != kind {
                        run.add_to(stats, self.locked);
                        run = Run { kind, pages: 0 };
                    }
                    run.pages = run.pages.wrapping_add(1);
                }
            } else if entry.is_none() {
                self.hole(stats, entry.addr(), entry.addr().wrapping_add(PAGE_SIZE));
            } else {
                self.soft(stats, entry.value(), entry.soft_page());
            }
        }
        run.add_to(stats, self.locked);
    }

    /// What is in swap and not mapped.
    #[inline]
    fn hole(&self, stats: &mut Stats, start: usize, end: usize) {
        if self.count_holes {
            self.swapped(stats, start, end);
        }
    }

    #[cold]
    fn swapped(&self, stats: &mut Stats, start: usize, end: usize) {
        // SAFETY: The VMA is valid, has a file, and the range is a part of it.
        let swapped = unsafe { bindings::vma_partial_swap_usage(self.vma.as_ptr(), start, end) };

        add(&mut stats.swap, swapped);
    }

    #[cold]
    fn soft(&self, stats: &mut Stats, entry: Pte, page: Option<MappedPage<'_>>) {
        let kind = entry.kind();

        if let PteKind::Swap(swap) = kind {
            // SAFETY: The table that the entry is in is locked, which keeps the swap area.
            let users = unsafe { bindings::swap_entry_users(u32::from(swap.area), swap.offset) };

            add(&mut stats.swap, PAGE_SIZE);
            add_pss(&mut stats.swap_pss, share(users));
        } else if let Some(page) = page {
            let marks = Marks {
                // The processor can't reach it, but it is mapped as far as counts go.
                counted: matches!(kind, PteKind::Device(Device::Private { .. })),
                ..Marks::default()
            };
            let run = Run {
                kind: Kind::of(page, marks),
                pages: 1,
            };

            run.add_to(stats, self.locked);
        }
    }

    #[cold]
    fn pmd(&self, stats: &mut Stats, huge: &HugePmd<'_>) {
        let entry = huge.value();
        let Some(page) = huge.page() else {
            return;
        };
        let marks = Marks {
            // Programs know it like this: what is being moved, or a device has, counts as dirty.
            young: entry.has_young(),
            dirty: entry.has_dirty(),
            counted: entry.is_present(),
        };
        let mut kind = Kind::of(page, marks);
        let thp = 1 << bindings::PMD_SHIFT;

        if kind.owner.is_anon() {
            add(&mut stats.anonymous_thp, thp);
        } else if kind.flags.is_swapbacked() {
            add(&mut stats.shmem_thp, thp);
        } else if !page.is_zone_device() {
            add(&mut stats.file_thp, thp);
        }

        if !marks.counted || page.refcount() == 1 {
            let pages = page.pages_from_here();

            return Run { kind, pages }.add_to(stats, self.locked);
        }
        for page in page.pages() {
            kind.users = page.mapcount();
            Run { kind, pages: 1 }.add_to(stats, self.locked);
        }
    }
}

/// What an entry says of its page.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Marks {
    young: bool,
    dirty: bool,
    /// Whether the entry counts among those that map the page
    counted: bool,
}

impl Marks {
    #[inline]
    fn of(leaf: PteLeaf) -> Self {
        Self {
            young: leaf.is_young(),
            dirty: leaf.is_dirty(),
            counted: true,
        }
    }
}

/// All that decides where a page is counted.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Kind {
    flags: FolioFlags,
    owner: FolioOwner,
    marks: Marks,
    /// Entries that map the page
    users: i32,
}

impl Kind {
    #[inline]
    fn of(page: MappedPage<'_>, marks: Marks) -> Self {
        Self {
            flags: page.flags().about_use(),
            owner: page.owner(),
            marks,
            // What has one reference is mapped once. Counts of what is being moved mean nothing.
            users: if !marks.counted || page.refcount() == 1 {
                1
            } else {
                page.mapcount()
            },
        }
    }
}

/// Pages of one kind.
#[derive(Default)]
struct Run {
    kind: Kind,
    pages: usize,
}

impl Run {
    fn add_to(&self, stats: &mut Stats, locked: bool) {
        let Kind {
            flags,
            owner,
            marks,
            users,
        } = self.kind;
        let size = self.pages.wrapping_mul(PAGE_SIZE);
        let pss = share(users).wrapping_mul(self.pages as u64);
        let dirty = marks.dirty || flags.is_dirty();
        // What is being moved may be shared.
        let private = marks.counted && users < 2;

        if self.pages == 0 {
            return;
        }
        add(&mut stats.resident, size);
        if marks.young || flags.is_young() || flags.is_referenced() {
            add(&mut stats.referenced, size);
        }
        if owner.is_ksm() {
            add(&mut stats.ksm, size);
        }
        if owner.is_anon() {
            add(&mut stats.anonymous, size);
            add_pss(&mut stats.pss_anon, pss);
            if !flags.is_swapbacked() && !dirty {
                add(&mut stats.lazyfree, size);
            }
        } else if flags.is_swapbacked() {
            add_pss(&mut stats.pss_shmem, pss);
        } else {
            add_pss(&mut stats.pss_file, pss);
        }
        add_pss(&mut stats.pss, pss);
        if locked {
            add_pss(&mut stats.pss_locked, pss);
        }
        if dirty {
            add_pss(&mut stats.pss_dirty, pss);
        }
        let sum = match (dirty, private) {
            (true, true) => &mut stats.private_dirty,
            (true, false) => &mut stats.shared_dirty,
            (false, true) => &mut stats.private_clean,
            (false, false) => &mut stats.shared_clean,
        };
        add(sum, size);
    }
}

fn add(sum: &mut usize, bytes: usize) {
    *sum = sum.wrapping_add(bytes);
}

fn add_pss(sum: &mut u64, pss: u64) {
    *sum = sum.wrapping_add(pss);
}

/// One user's share of a page.
#[inline]
fn share(users: i32) -> u64 {
    let page = (PAGE_SIZE as u64) << PSS_SHIFT;

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
    let shared = entry.value().leaf().is_none() || page.is_maybe_shared() || slot.is_table_shared();
    let sum = if shared {
        &mut stats.shared_hugetlb
    } else {
        &mut stats.private_hugetlb
    };

    add(sum, slot.page_size());
}
