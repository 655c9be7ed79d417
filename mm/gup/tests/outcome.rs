// SPDX-License-Identifier: GPL-2.0

//! What came of a call: what it returned and wrote, what it took, and what is mapped then.

use super::{
    shape::{drain, Folio, Page, Seen, Shape},
    twins::{call, Side},
    ways::{Case, Hold, Way},
};
use core::ptr::without_provenance_mut;
use kernel::{bindings, prelude::*};

/// What is in an element of an array that nobody has written to. It is no page.
const POISON: Page = without_provenance_mut(0x5a5a_5a5a_5a5a_5a5a);

/// Elements behind those that a function may write to.
const BEHIND: usize = 8;

/// References that a pin of a small folio is worth.
const BIAS: i32 = bindings::GUP_PIN_COUNTING_BIAS as i32;

/// An array for pages, of which nothing has been written to.
pub(super) struct Slots(KVVec<Page>);

impl Slots {
    pub(super) fn new(count: usize) -> Result<Self> {
        Ok(Self(KVVec::from_elem(POISON, count + BEHIND, GFP_KERNEL)?))
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut Page {
        self.0.as_mut_ptr()
    }

    /// Returns the first elements, so many, if pages were written to all of them.
    pub(super) fn taken(&self, count: usize) -> Result<&[Page]> {
        let taken = self.0.get(..count).ok_or(EOVERFLOW)?;

        if taken.contains(&POISON) {
            Err(ENODATA)
        } else {
            Ok(taken)
        }
    }

    /// Whether nothing was written behind the first elements, so many.
    pub(super) fn is_untouched_behind(&self, count: usize) -> bool {
        self.0.iter().skip(count).all(|&page| page == POISON)
    }
}

/// References and pins of the folio of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) refs: i32,
    pub(super) pins: i32,
}

impl Counts {
    fn of(folio: Folio) -> Self {
        // SAFETY: The caller has a page of it, or it is mapped by memory of the test.
        unsafe {
            Self {
                refs: bindings::folio_ref_count(folio),
                pins: bindings::folio_pincount(folio),
            }
        }
    }

    pub(super) fn less(self, other: Self) -> Self {
        Self {
            refs: self.refs - other.refs,
            pins: self.pins - other.pins,
        }
    }

    /// Returns those of the folios of some pages.
    pub(super) fn all(pages: &[Page]) -> Result<KVVec<Self>> {
        let mut all = KVVec::with_capacity(pages.len(), GFP_KERNEL)?;

        if !pages.is_empty() {
            drain();
        }
        for &page in pages {
            all.push(Self::of(folio_of(page)), GFP_KERNEL)?;
        }
        Ok(all)
    }

    /// Returns what somebody has who has taken something of a folio so many times.
    pub(super) fn expected(hold: Hold, folio: Folio, times: i32) -> Self {
        // SAFETY: As in `of`.
        let (is_zero, is_large) = unsafe {
            (
                bindings::is_zero_folio(folio),
                bindings::folio_test_large(folio),
            )
        };
        let (refs, pins) = match hold {
            Hold::Nothing => (0, 0),
            Hold::Reference => (times, 0),
            // Nobody counts pages of zeroes.
            Hold::Pin if is_zero => (0, 0),
            Hold::Pin if is_large => (times, times),
            Hold::Pin => (times * BIAS, 0),
        };

        Self { refs, pins }
    }
}

pub(super) fn folio_of(page: Page) -> Folio {
    // SAFETY: It is a page that was taken, or is mapped.
    unsafe { bindings::page_folio(page) }
}

/// What came of a call.
pub(super) struct Outcome {
    pub(super) done: isize,
    /// What the function said of the mmap lock.
    flag: c_int,
    slots: Slots,
    taken: usize,
    /// What it took, for each page, and what is left when that was given back.
    held: KVVec<Counts>,
    rest: KVVec<Counts>,
    /// What is mapped then, for each page that was asked for.
    seen: KVVec<Seen>,
}

impl Outcome {
    /// Calls a function, looks at what it did, and gives back what it took.
    pub(super) fn of(shape: &Shape, way: &Way, side: Side, case: Case) -> Result<Self> {
        let mut slots = Slots::new(case.count)?;
        let (done, flag) = way.call(side, shape, case, &mut slots)?;
        let taken = match way.hold {
            Hold::Nothing => 0,
            _ => usize::try_from(done).unwrap_or(0),
        };
        let pages = slots.taken(taken).inspect_err(|_| {
            pr_err!("{}, {side:?}: an element was not written to\n", way.name);
        })?;
        let seen = shape.seen(case.block, case.page, case.count)?;
        let mut held = Counts::all(pages)?;

        give_back(way.hold, side, pages);
        let rest = Counts::all(pages)?;

        for (held, rest) in held.iter_mut().zip(rest.iter()) {
            *held = held.less(*rest);
        }
        Ok(Self {
            done,
            flag,
            slots,
            taken,
            held,
            rest,
            seen,
        })
    }

    /// Returns what is wrong with it, whatever another call did.
    pub(super) fn flaw(&self, hold: Hold) -> Option<&'static str> {
        let Ok(pages) = self.slots.taken(self.taken) else {
            return Some("an element was not written to");
        };

        if !self.slots.is_untouched_behind(self.taken) {
            return Some("an element behind what was taken was written to");
        }
        if pages
            .iter()
            .zip(self.seen.iter())
            .any(|(page, seen)| *page != seen.page)
        {
            return Some("a page is not the one that is mapped");
        }
        let is_right = |page: &Page, held: &Counts| {
            let folio = folio_of(*page);
            let times = pages
                .iter()
                .filter(|page| folio_of(**page) == folio)
                .count();

            *held == Counts::expected(hold, folio, times as i32)
        };
        let mut before = None;

        for (page, held) in pages.iter().zip(self.held.iter()) {
            let folio = folio_of(*page);

            // Once for each folio
            if before.replace(folio) != Some(folio) && !is_right(page, held) {
                return Some("references or pins are not as many as pages");
            }
        }
        None
    }

    /// Returns in what another one differs, if both are of memory in the same state.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        let alike = |(one, other): (&Seen, &Seen)| one.is_like(other);

        if self.done != other.done {
            Some("what is returned")
        } else if self.flag != other.flag {
            Some("what is said of the mmap lock")
        } else if !self.held.iter().eq(other.held.iter()) {
            Some("what is taken")
        } else if !self.rest.iter().eq(other.rest.iter()) {
            Some("what is left of references and pins")
        } else if !self.seen.iter().zip(other.seen.iter()).all(alike) {
            Some("what is mapped")
        } else {
            None
        }
    }
}

/// Gives back what was taken of some pages.
pub(super) fn give_back(hold: Hold, side: Side, pages: &[Page]) {
    match hold {
        Hold::Nothing => {}
        Hold::Reference => {
            for &page in pages {
                // SAFETY: Each was taken once.
                unsafe { bindings::folio_put_refs(folio_of(page), 1) };
            }
        }
        // SAFETY: Each was pinned once; the function writes to nothing of the array.
        Hold::Pin => unsafe {
            call!(
                side,
                unpin_user_pages(pages.as_ptr().cast_mut(), pages.len())
            )
        },
    }
}
