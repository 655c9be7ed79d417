// SPDX-License-Identifier: GPL-2.0

//! Taking pages without a lock.
//!
//! Page tables are read while others change them. All that is held is that interrupts are off.
//!
//! # Why this is sound
//!
//! 1. *Tables stay.* A table that was reached is freed only after it was unhooked and an RCU grace
//!    period has passed, which takes this processor to have its interrupts on. Where a table is freed
//!    without RCU (when the memory of a batch can't be allocated) all processors are made to take an
//!    interrupt first. PTE tables that are unhooked for being empty go the same way, and hold nothing
//!    to be found: all their entries are none before they are unhooked.
//! 2. *The page is the one that was mapped.* First the folio gets a reference, by an operation that
//!    fails if there is none already; then it is asked whether the page belongs to the same folio
//!    still; then whether the PMD entry and the PTE are what they were. Who takes a page away does it
//!    in the other order: it changes the entry, and then looks at the references. One of both sees
//!    the other. A collapse to a huge page changes the PMD entry alone, which is why that counts.
//! 3. *A pinned page is not shared.* fork() raises `write_protect_seq` around copying; who began to pin
//!    before and sees it changed gives all back. What becomes shared for other reasons loses its
//!    exclusive mark after its entry is changed; the barrier behind the pin orders that against (2).
//! 4. *Only memory that may be taken is taken.* Special entries and those without the access that is
//!    wanted end the walk. Secret memory, and files that must know of writes, are told by the mapping,
//!    which is freed by RCU.
//!
//! (1) and (2) are what `gup_fast` in `tools/verification/spin/pte-table/actors/walk.pml` does against
//! those who unhook and free; (3) relies on `folio_try_share_anon_rmap_pte()`.
//!
//! # Runs
//!
//! Entries that map consecutive pages of one folio are taken at once: the references of all of them,
//! and then a look at each of the entries. Marks of access may change meanwhile: the processor sets
//! them. Those that are found changed otherwise end the run, and what was taken for them is given back.
//! `gup_fast_run` in the same model does that, against those who share a page of the folio or split it.

use super::{
    area::must_unshare,
    flags::Flags,
    hook::{self, Point},
    out::Out,
    pin::{Held, Missed, One, Uncounted},
    unpin,
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    mm::pgtable::{Leaf, PmdCell, Pte, PteLeaf, PteMap, PudKind, Rights},
    mm::walk::{InterruptsOff, Spot},
    page::PAGE_SHIFT,
};

/// Takes pages of the current process from `start` on, until one can't be taken this way. Returns how
/// many.
///
/// # Safety
///
/// `pages` must point to as many elements as the range has pages. `flags` must say that something is
/// taken, and `end` not be above what user space can have.
#[inline]
pub(super) unsafe fn take(
    start: usize,
    end: usize,
    flags: Flags,
    pages: *mut *mut bindings::page,
) -> usize {
    if !flags.pins() {
        // SAFETY: As the caller promises.
        return unsafe { walk::<false>(start, end, flags, pages) };
    }
    let mut seq = 0;

    // SAFETY: The current task has an mm, as it is asked to take pages of it.
    if !unsafe { bindings::gup_pin_begin(&raw mut seq) } {
        return 0;
    }
    // SAFETY: As the caller promises. So many elements have been written to then; each page has a pin,
    // which is ours until we return.
    unsafe {
        let taken = walk::<true>(start, end, flags, pages);
        let pinned = unpin::array(pages, taken);

        hook::reach(Point::Pinned);
        if bindings::gup_pin_retry(seq) {
            // Some may be shared by now.
            unpin::unpin_all(pinned);
            return 0;
        }
        unpin::check_pinned(pinned);
        taken
    }
}

/// # Safety
///
/// As for [`take`].
unsafe fn walk<const PIN: bool>(
    start: usize,
    end: usize,
    flags: Flags,
    pages: *mut *mut bindings::page,
) -> usize {
    let wanted = end.wrapping_sub(start) >> PAGE_SHIFT;
    let mut walk = Walk::<PIN> {
        flags,
        rights: if flags.writes() {
            Rights::to_write()
        } else {
            Rights::to_read()
        },
        // SAFETY: As the caller promises.
        out: unsafe { Out::new(pages, wanted) },
        uncounted: Uncounted::new(),
    };

    // What can't be taken is the caller's to say.
    let _ = InterruptsOff::with(|interrupts| walk.range(interrupts, start, end));
    wanted.wrapping_sub(walk.out.left())
}

/// The walk has come to something that it can't take.
struct Stop;

struct Walk<const PIN: bool> {
    flags: Flags,
    rights: Rights,
    out: Out,
    uncounted: Uncounted,
}

impl<const PIN: bool> Walk<PIN> {
    /// Takes what can be taken of a range.
    #[inline]
    fn range(&mut self, interrupts: &InterruptsOff, start: usize, end: usize) -> Result<(), Stop> {
        let mut addr = start;

        while addr < end {
            // SAFETY: The current task has an mm, and the range is of user space.
            let spot = unsafe { interrupts.find(bindings::current_mm(), addr) };

            addr = match spot.ok_or(Stop)? {
                Spot::Pmd(cell) => {
                    let next = part(addr, end, bindings::PMD_SHIFT);

                    self.block(cell, addr, next)?;
                    next
                }
                Spot::Pud(slot, value) => {
                    let next = part(addr, end, bindings::PUD_SHIFT);

                    if let PudKind::Present(leaf) = value.kind() {
                        self.huge(leaf, addr, next, || slot.read() == value)?;
                    }
                    next
                }
            };
        }
        Ok(())
    }

    #[inline]
    fn block(&mut self, cell: &PmdCell, addr: usize, end: usize) -> Result<(), Stop> {
        let (pmd, table) = cell.map_lockless(addr);

        if let Some(table) = table {
            return self.ptes(cell, &table, addr, end);
        }
        let leaf = pmd.leaf().ok_or(Stop)?;

        self.huge(leaf, addr, end, || cell.read() == pmd)
    }

    /// Takes pages of one huge page.
    #[inline(never)]
    fn huge<const SHIFT: u32>(
        &mut self,
        leaf: Leaf<SHIFT>,
        addr: usize,
        end: usize,
        is_unchanged: impl Fn() -> bool,
    ) -> Result<(), Stop> {
        if !self.rights.permitted_by(leaf) {
            return Err(Stop);
        }
        let inside = (addr & (Leaf::<SHIFT>::SIZE - 1)) >> PAGE_SHIFT;
        let page = page_of(leaf.pfn().wrapping_add(inside));
        let count = end.wrapping_sub(addr) >> PAGE_SHIFT;
        // SAFETY: The frame has a page, as the entry is not special.
        let held = unsafe { Held::try_take(page, count, self.flags) }.map_err(|_| Stop)?;

        hook::reach(Point::Taken);
        if !is_unchanged() || !self.may_take(held.folio(), false) {
            return Err(Stop);
        }
        // All of a folio that is mapped as a whole is exclusive, or nothing of it: its first page
        // tells.
        // SAFETY: The folio is ours.
        if !leaf.is_writable() && unsafe { self.must_unshare(held.folio(), held.folio().cast()) } {
            return Err(Stop);
        }
        self.put(page, count, held);
        Ok(())
    }

    /// Takes pages of one table.
    #[inline]
    fn ptes(
        &mut self,
        cell: &PmdCell,
        table: &PteMap<'_>,
        mut addr: usize,
        end: usize,
    ) -> Result<(), Stop> {
        // What has been permitted is permitted to all that are like it.
        let mut permitted = Pte::NONE;

        while addr < end {
            let entry = table.read(addr);
            let leaf = entry.leaf().ok_or(Stop)?;

            if !leaf.is_like(permitted) {
                if !self.rights.permitted_by(leaf) {
                    return Err(Stop);
                }
                permitted = entry;
            }
            // SAFETY: It only looks whether the memory map has the frame.
            kernel::vm_warn_on_once!(!unsafe { bindings::pfn_valid(leaf.pfn()) });
            let page = page_of(leaf.pfn());
            // SAFETY: The frame has a page, as the entry is not special.
            let is_small = unsafe { bindings::page_is_small_folio(page.as_ptr()) };
            let count = if hook::see(Point::IsSmall, is_small.into()) != 0 {
                let is_unchanged = || cell.read() == table.pmd() && table.read(addr) == entry;

                self.one(page, leaf, is_unchanged)?
            } else {
                self.many(cell, table, leaf, addr, end)?
            };

            addr = addr.wrapping_add(count << PAGE_SHIFT);
        }
        Ok(())
    }

    /// Takes a page that seems to be a folio of its own. Returns how many it took.
    #[inline]
    fn one(
        &mut self,
        page: NonNull<bindings::page>,
        leaf: PteLeaf,
        is_unchanged: impl FnOnce() -> bool,
    ) -> Result<usize, Stop> {
        // SAFETY: The page is one of the memory map.
        if !self.flags.of_peers() && unsafe { bindings::is_pci_p2pdma_page(page.as_ptr()) } {
            return Err(Stop);
        }
        // SAFETY: As above.
        if PIN && unsafe { bindings::is_zero_folio(page.as_ptr().cast()) } {
            // Nobody counts pages of zeroes.
            if !is_unchanged() {
                return Err(Stop);
            }
            self.out.push(page);
            return Ok(1);
        }
        // SAFETY: As above.
        let one = match unsafe { One::<PIN>::try_take(page, self.flags.is_long()) } {
            Ok(one) => one,
            Err(Missed::Changed) => return Ok(0),
            Err(Missed::Refused) => return Err(Stop),
        };

        hook::reach(Point::Taken);
        if !is_unchanged() || !self.may_take(one.folio(), true) {
            return Err(Stop);
        }
        if PIN {
            // SAFETY: The folio is ours.
            unsafe {
                if !leaf.is_writable() && self.must_unshare(one.folio(), page.as_ptr())
                    || bindings::arch_make_folio_accessible(one.folio()) != 0
                {
                    return Err(Stop);
                }
                self.uncounted.add(one.folio());
            }
        }
        // SAFETY: The folio is ours.
        unsafe { bindings::folio_set_referenced(one.folio()) };
        self.out.push(page);
        one.keep();
        Ok(1)
    }

    /// Takes pages that seem to be of one large folio. Returns how many it took.
    #[inline(never)]
    fn many(
        &mut self,
        cell: &PmdCell,
        table: &PteMap<'_>,
        first: PteLeaf,
        addr: usize,
        end: usize,
    ) -> Result<usize, Stop> {
        let page = page_of(first.pfn());
        // SAFETY: The frame has a page, as the entry is not special. The answer is a guess, as nothing
        // keeps the folio.
        let behind = unsafe { bindings::page_estimate_behind(page.as_ptr()) };
        let behind = hook::see(Point::Behind, behind);
        let most = behind.min(end.wrapping_sub(addr) >> PAGE_SHIFT);
        let wanted = table.run(addr, first, most).max(1);
        // SAFETY: As above.
        let mut held = match unsafe { Held::try_take(page, wanted, self.flags) } {
            Ok(held) => held,
            Err(Missed::Changed) => return Ok(0),
            Err(Missed::Refused) => return Err(Stop),
        };

        hook::reach(Point::Taken);
        let count = if cell.read() == table.pmd() {
            table.run(addr, first, wanted)
        } else {
            0
        };

        // Secret folios are small; what seemed to be large need not be.
        if count == 0 || !self.may_take(held.folio(), count == 1) {
            return Err(Stop);
        }
        let count = self.own(&held, page, first, count);
        if count == 0 {
            return Err(Stop);
        }
        held.keep_only(count);
        // SAFETY: The folio is ours.
        if PIN && unsafe { bindings::arch_make_folio_accessible(held.folio()) } != 0 {
            return Err(Stop);
        }
        self.put(page, count, held);
        if count < wanted {
            return Err(Stop);
        }
        Ok(count)
    }

    #[inline]
    fn put(&mut self, page: NonNull<bindings::page>, count: usize, held: Held) {
        // SAFETY: The folio is ours.
        unsafe { bindings::folio_set_referenced(held.folio()) };
        self.out.put(page, count, held);
    }

    /// Whether pages of this folio, which is ours, may be taken without a look at the VMA. Only small
    /// folios are secret.
    #[inline]
    fn may_take(&self, folio: *mut bindings::folio, is_small: bool) -> bool {
        let writes_for_long = PIN && self.flags.writes_for_long();

        if !writes_for_long && !(cfg!(CONFIG_SECRETMEM) && is_small) {
            return true;
        }
        // SAFETY: The folio is ours, and interrupts are off, so that its mapping stays.
        unsafe { bindings::folio_mapping_is_open(folio, writes_for_long) }
    }

    /// Returns how many of some pages are this process's own, as far as that matters.
    #[inline]
    fn own(
        &self,
        held: &Held,
        page: NonNull<bindings::page>,
        leaf: PteLeaf,
        count: usize,
    ) -> usize {
        if !PIN || !self.flags.asks_each(leaf) {
            return count;
        }
        (0..count)
            .find(|&index| {
                // SAFETY: The folio is ours, and has so many pages from there on.
                unsafe { self.must_unshare(held.folio(), page.as_ptr().wrapping_add(index)) }
            })
            .unwrap_or(count)
    }

    /// Whether a fault must make the page this process's own first.
    ///
    /// # Safety
    ///
    /// The folio must be ours, and `page` one of it.
    #[inline]
    unsafe fn must_unshare(&self, folio: *mut bindings::folio, page: *mut bindings::page) -> bool {
        // Whether a file's page would be copied takes a look at the VMA: that is for the slow path.
        // SAFETY: The folio is ours, and has the page.
        PIN && unsafe { must_unshare(self.flags, folio, page, || true) }
    }
}

/// Returns the end of the part of a range that one entry stands for.
#[inline]
fn part(addr: usize, end: usize, shift: u32) -> usize {
    let last = addr | ((1 << shift) - 1);

    // The last address there can be has none behind it, but user space does not reach up to it.
    last.wrapping_add(1).min(end)
}

/// Returns the page of a frame.
#[inline]
fn page_of(pfn: usize) -> NonNull<bindings::page> {
    // SAFETY: The memory map has a place for each frame, even if there is no memory.
    unsafe { NonNull::new_unchecked(bindings::pfn_to_page(pfn)) }
}
