// SPDX-License-Identifier: GPL-2.0

//! What others do in the middle of taking pages without a lock, done at just that point: each answer to it is
//! reached, and is the right one.

use super::{
    ensure,
    outcome::{folio_of, give_back, Counts, Outcome, Slots},
    shape::Shape,
    twins::Side,
    ways::{Case, Hold, WAYS},
};
use crate::gup::{
    fast,
    flags::{Flags, Wish},
    hook::{self, Point},
};
use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use kernel::{
    bindings, current,
    mm::pgtable::{
        testing::{mm, with_shadow_stacks},
        Pte,
    },
    page::PAGE_SIZE,
    prelude::*,
};

/// Bits of entries, of which a fork clears the first, and the processor sets the second.
const RW: u64 = 1 << bindings::_PAGE_BIT_RW;
const ACCESSED: u64 = 1 << bindings::_PAGE_BIT_ACCESSED;

/// An entry in a table of the test's own memory, which is neither emptied nor unmapped.
#[derive(Clone, Copy)]
struct Entry(*mut u64);

impl Entry {
    /// The entry of a page of the first block.
    fn of_page(shape: &Shape, page: usize) -> Result<Self> {
        let addr = shape.memory.page(0, page);
        let task = current!();
        let lock = mm(task)?.mmap_read_lock();
        let slot = shape.memory.slot(&lock, 0).ok_or(EINVAL)?;

        Ok(Self(slot.map(addr).ok_or(EINVAL)?.place(addr).cast()))
    }

    /// The entry of the first block in the PMD table.
    fn of_block(shape: &Shape) -> Result<Self> {
        let task = current!();
        let lock = mm(task)?.mmap_read_lock();
        let slot = shape.memory.slot(&lock, 0).ok_or(EINVAL)?;

        Ok(Self(slot.cell().as_raw().cast()))
    }

    /// Changes a bit.
    fn flip(self, bit: u64) {
        // SAFETY: The table stays, and entries are read and written to as a whole.
        unsafe { AtomicU64::from_ptr(self.0) }.fetch_xor(bit, Relaxed);
    }
}

/// Who meddles: does something once, the nth time that a point is reached.
struct Meddler<'a> {
    point: Point,
    nth: usize,
    reached: Cell<usize>,
    act: &'a dyn Fn(usize) -> usize,
}

impl<'a> Meddler<'a> {
    fn new(point: Point, nth: usize, act: &'a dyn Fn(usize) -> usize) -> Self {
        Self {
            point,
            nth,
            reached: Cell::new(0),
            act,
        }
    }

    fn at(&self, point: Point, seen: usize) -> usize {
        if point != self.point {
            return seen;
        }
        self.reached.set(self.reached.get() + 1);
        if self.reached.get() == self.nth {
            (self.act)(seen)
        } else {
            seen
        }
    }

    fn run<R>(&self, what: impl FnOnce() -> R) -> R {
        hook::with(&|point, seen| self.at(point, seen), what)
    }
}

/// Pages of the first block, and what is to be taken of them.
#[derive(Clone, Copy)]
struct Range {
    page: usize,
    count: usize,
    hold: Hold,
    write: bool,
}

impl Range {
    fn flags(&self) -> Flags {
        match (self.hold, self.write) {
            (Hold::Pin, false) => Wish::pin().flags(),
            (Hold::Pin, true) => Wish::pin().write().flags(),
            (_, false) => Wish::get().flags(),
            (_, true) => Wish::get().write().flags(),
        }
    }

    fn all(page: usize, count: usize) -> impl Iterator<Item = Self> {
        [
            (Hold::Reference, false),
            (Hold::Reference, true),
            (Hold::Pin, false),
            (Hold::Pin, true),
        ]
        .into_iter()
        .map(move |(hold, write)| Self {
            page,
            count,
            hold,
            write,
        })
    }

    fn take(&self, shape: &Shape, slots: &mut Slots) -> usize {
        let start = shape.memory.page(0, self.page);
        let end = start + self.count * PAGE_SIZE;

        // SAFETY: There are so many elements; the range is one of user space, and the current task has an mm.
        unsafe { fast::take(start, end, self.flags(), slots.as_mut_ptr()) }
    }

    /// Takes pages while somebody meddles: so many are expected, with what is to be taken of them, and nothing of
    /// the others. Returns how often the point was reached.
    fn check(&self, shape: &Shape, meddler: &Meddler<'_>, expected: usize) -> Result<usize> {
        let mut pages = KVVec::new();
        for seen in shape.seen(0, self.page, self.count)? {
            pages.push(seen.page, GFP_KERNEL)?;
        }
        let mut slots = Slots::new(self.count)?;
        let before = Counts::all(&pages)?;
        let taken = meddler.run(|| self.take(shape, &mut slots));
        let during = Counts::all(&pages)?;
        let told = |what: &str| {
            let Self {
                page, count, write, ..
            } = self;

            pr_err!(
                "{count} pages from {page}, write {write}, {:?}: {what}\n",
                meddler.point
            );
            pr_err!("{taken} taken, {expected} expected\n");
            Err(EINVAL)
        };

        if taken != expected {
            return told("another number");
        }
        if !slots.taken(taken)?.iter().eq(pages.iter().take(taken)) {
            return told("other pages");
        }
        // What is given up again has been written already.
        if meddler.point != Point::Pinned && !slots.is_untouched_behind(taken) {
            return told("more is written");
        }
        give_back(self.hold, Side::Rust, slots.taken(taken)?);
        let after = Counts::all(&pages)?;

        if !after.iter().eq(before.iter()) {
            return told("something is left of references and pins");
        }
        for ((page, before), during) in pages.iter().zip(before.iter()).zip(during.iter()) {
            let folio = folio_of(*page);
            let same = pages
                .iter()
                .take(taken)
                .filter(|page| folio_of(**page) == folio);

            if during.less(*before) != Counts::expected(self.hold, folio, same.count() as i32) {
                return told("references or pins are not as many as pages");
            }
        }
        Ok(meddler.reached.get())
    }
}

/// Takes pages while a bit of an entry is changed, which is changed back in the end.
fn meddle(
    shape: &Shape,
    range: Range,
    (nth, entry, bit): (usize, Entry, u64),
    expected: usize,
) -> Result {
    let flip = |seen| {
        entry.flip(bit);
        seen
    };
    let meddler = Meddler::new(Point::Taken, nth, &flip);
    let reached = range.check(shape, &meddler, expected);

    if meddler.reached.get() >= nth {
        entry.flip(bit);
    }
    ensure(reached? == nth).inspect_err(|_| pr_err!("the point was not reached\n"))
}

#[kernel::prelude::kunit_tests(rust_gup_reached)]
mod reached {
    use super::*;

    /// The entry of a small page changes, or that of its table: the walk ends before it.
    #[test]
    fn small_page() -> Result {
        let shape = Shape::small()?;

        shape.reset()?;
        let entry = Entry::of_page(&shape, 505)?;
        let block = Entry::of_block(&shape)?;

        for range in Range::all(500, 12) {
            meddle(&shape, range, (6, entry, RW), 5)?;
            meddle(&shape, range, (6, block, ACCESSED), 5)?;
        }
        Ok(())
    }

    /// Entries of pages of zeroes are special: the walk ends before them.
    #[test]
    fn zeroes() -> Result {
        let shape = Shape::small()?;

        shape.reset()?;
        assert!(shape.seen(0, 8, 2)?.iter().all(|seen| seen.is_zero));
        for range in Range::all(8, 2) {
            let meddler = Meddler::new(Point::Taken, 0, &|seen| seen);

            assert_eq!(range.check(&shape, &meddler, 0)?, 0);
        }
        Ok(())
    }

    /// An entry of a run changes: what is before it is taken, and what was taken for the rest is given back.
    #[test]
    fn run() -> Result {
        let shape = Shape::split()?;
        let block = Entry::of_block(&shape)?;

        for range in Range::all(3, 100) {
            for at in [0, 1, 60, 99] {
                let entry = Entry::of_page(&shape, 3 + at)?;

                meddle(&shape, range, (1, entry, RW), at)?;
            }
            meddle(&shape, range, (1, block, ACCESSED), 0)?;
        }
        Ok(())
    }

    /// A mark that the processor sets is no change.
    #[test]
    fn marked() -> Result {
        let shape = Shape::split()?;
        let entry = Entry::of_page(&shape, 60)?;

        for range in Range::all(3, 100) {
            meddle(&shape, range, (1, entry, ACCESSED), 100)?;
        }
        Ok(())
    }

    /// The entry of a huge page changes.
    #[test]
    fn huge_page() -> Result {
        let shape = Shape::huge()?;
        let block = Entry::of_block(&shape)?;

        for range in Range::all(3, 100) {
            meddle(&shape, range, (1, block, ACCESSED), 0)?;
        }
        Ok(())
    }

    /// The mm of the test, which has one as soon as it has memory.
    fn raw_mm() -> Result<*mut bindings::mm_struct> {
        Ok(mm(current!())?.as_raw())
    }

    fn copy(mm: *mut bindings::mm_struct) {
        // SAFETY: The mm is that of the test, and nobody copies it.
        unsafe {
            bindings::write_protect_begin(mm);
            bindings::write_protect_end(mm);
        }
    }

    /// There is a fork: all pins are given back. It is of no interest to who takes references.
    #[test]
    fn fork() -> Result {
        for (shape, page) in [
            (Shape::small()?, 500),
            (Shape::split()?, 3),
            (Shape::huge()?, 3),
        ] {
            let raw = raw_mm()?;
            let fork = |seen| {
                copy(raw);
                seen
            };

            shape.reset()?;
            for range in Range::all(page, 12) {
                let meddler = Meddler::new(Point::Pinned, 1, &fork);
                let pins = range.hold == Hold::Pin;
                let expected = if pins { 0 } else { 12 };

                assert_eq!(range.check(&shape, &meddler, expected)?, usize::from(pins));
            }
        }
        Ok(())
    }

    /// A fork is under way: nothing is pinned, and all references are taken.
    #[test]
    fn fork_before() -> Result {
        let shape = Shape::small()?;
        let raw = raw_mm()?;

        shape.reset()?;
        for range in Range::all(500, 12) {
            let meddler = Meddler::new(Point::Taken, 0, &|seen| seen);
            let expected = if range.hold == Hold::Pin { 0 } else { 12 };

            // SAFETY: The mm is that of the test, and nobody copies it.
            unsafe { bindings::write_protect_begin(raw) };
            let reached = range.check(&shape, &meddler, expected);
            // SAFETY: Begun above.
            unsafe { bindings::write_protect_end(raw) };
            assert_eq!(reached?, expected);
        }
        Ok(())
    }

    /// Who may take the mmap lock pins under that what could not be pinned because of a fork.
    #[test]
    fn after_fork() -> Result {
        for (shape, page) in [(Shape::small()?, 500), (Shape::split()?, 3)] {
            let raw = raw_mm()?;
            let fork = |seen| {
                copy(raw);
                seen
            };
            let meddler = Meddler::new(Point::Pinned, 1, &fork);
            let way = WAYS
                .iter()
                .find(|way| way.name == "pin_user_pages_fast")
                .ok_or(EINVAL)?;

            shape.reset()?;
            let outcome =
                meddler.run(|| Outcome::of(&shape, way, Side::Rust, Case::new(0, page, 12)))?;

            assert_eq!(outcome.done, 12);
            assert!(outcome.flaw(Hold::Pin).is_none());
            assert_eq!(meddler.reached.get(), 1);
        }
        Ok(())
    }

    /// A folio that seemed to be larger has been split: the entries are looked at again, and all is taken.
    #[test]
    fn split_folio() -> Result {
        let shape = Shape::folios_of(2)?;

        for range in Range::all(0, 16) {
            let meddler = Meddler::new(Point::Behind, 1, &|_| 8);

            assert_eq!(range.check(&shape, &meddler, 16)?, 5);
            // One of the two is not all of it.
            let meddler = Meddler::new(Point::Behind, 2, &|_| 5);

            assert_eq!(range.check(&shape, &meddler, 16)?, 5);
        }
        Ok(())
    }

    /// A page that seemed to be a folio of its own is part of another one by now.
    #[test]
    fn large_folio() -> Result {
        let shape = Shape::folios_of(2)?;

        for range in Range::all(0, 16) {
            let meddler = Meddler::new(Point::IsSmall, 2, &|_| 1);

            assert_eq!(range.check(&shape, &meddler, 16)?, 5);
        }
        // Nobody has references of what is no first page.
        for range in Range::all(2, 14) {
            let meddler = Meddler::new(Point::IsSmall, 1, &|_| 1);

            assert_eq!(range.check(&shape, &meddler, 0)?, 1);
        }
        Ok(())
    }

    /// Who waits for the processor, or for the lock of a table, is let in after some pages of it.
    #[test]
    fn contended() -> Result {
        let shape = Shape::small()?;
        let all = Case::new(0, 0, 512).with(bindings::FOLL_WRITE);
        let way = WAYS
            .iter()
            .find(|way| way.name == "pin_user_pages")
            .ok_or(EINVAL)?;

        // All that has to be faulted in is there afterwards.
        assert_eq!(Outcome::of(&shape, way, Side::Rust, all)?.done, 512);
        for (waits, looks) in [(0, 1), (1, 4)] {
            let looked = Cell::new(0);
            let count = |point, seen| match point {
                Point::Contended => waits,
                Point::Unlocked => {
                    looked.set(looked.get() + 1);
                    seen
                }
                _ => seen,
            };
            let outcome = hook::with(&count, || Outcome::of(&shape, way, Side::Rust, all))?;

            assert_eq!(outcome.done, 512);
            assert!(outcome.flaw(Hold::Pin).is_none());
            assert_eq!(looked.get(), looks);
        }
        Ok(())
    }

    /// A page of a shadow stack can be written to, and says nothing about its neighbours.
    #[test]
    fn shadow_stack() -> Result {
        const DIRTY: u64 = 1 << bindings::_PAGE_BIT_DIRTY;
        const READ_ONLY: u64 = 0x1234_5000 | 1 << bindings::_PAGE_BIT_PRESENT;

        let leaf = |raw| Pte::from_raw(raw).leaf().ok_or(EINVAL);
        let (stack, clean) = (leaf(READ_ONLY | DIRTY)?, leaf(READ_ONLY)?);
        let writable = leaf(READ_ONLY | RW)?;
        let pin = Wish::pin().flags();
        let write = Wish::pin().write().flags();
        let (is_writable, asks, permits) = with_shadow_stacks(|| {
            let all = [stack, clean, writable];

            (
                all.map(|leaf| leaf.is_writable()),
                all.map(|leaf| pin.asks_each(leaf)),
                all.map(|leaf| (pin.permits_run(leaf), write.permits_run(leaf))),
            )
        });

        // Or it would be no test.
        assert_eq!(is_writable, [true, false, true]);
        assert_eq!(asks, [true, true, false]);
        assert_eq!(permits, [(true, false), (true, false), (true, true)]);
        Ok(())
    }
}
