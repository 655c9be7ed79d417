// SPDX-License-Identifier: GPL-2.0

//! Taking more of what is pinned, and giving pins back, in Rust and in C.

use super::{
    ensure,
    outcome::{folio_of, give_back, Counts, Slots},
    shape::{Folio, Page, Shape},
    twins::{call, Side},
    ways::Hold,
};
use kernel::{bindings, prelude::*};

/// A function that gives back one pin of each of some pages.
struct Release {
    name: &'static str,
    run: fn(Side, &[Page]),
    /// It marks folios as written to.
    dirties: bool,
}

macro_rules! release {
    ($name:literal, $dirties:literal, |$side:ident, $pages:ident| $call:expr) => {
        Release {
            name: $name,
            dirties: $dirties,
            // SAFETY: Each page is pinned, and the pin not used any more; arrays are only read.
            run: |$side, $pages| unsafe { $call },
        }
    };
}

const RELEASES: &[Release] = &[
    release!("unpin_user_page", false, |side, pages| {
        for &page in pages {
            call!(side, unpin_user_page(page));
        }
    }),
    release!("unpin_folio", false, |side, pages| {
        for &page in pages {
            call!(side, unpin_folio(folio_of(page)));
        }
    }),
    release!("unpin_user_folio", false, |side, pages| {
        for same in runs(pages) {
            call!(side, unpin_user_folio(same.0, same.1.len()));
        }
    }),
    release!("unpin_folios", false, |side, pages| {
        if let Ok(mut folios) = behind_null(pages.iter().map(|page| folio_of(*page))) {
            call!(side, unpin_folios(folios.as_mut_ptr(), folios.len()));
        }
    }),
    release!("unpin_user_pages", false, |side, pages| {
        call!(
            side,
            unpin_user_pages(pages.as_ptr().cast_mut(), pages.len())
        );
    }),
    release!(
        "unpin_user_pages, with nothing in front",
        false,
        |side, pages| {
            if let Ok(mut pages) = behind_null(pages.iter().copied()) {
                call!(side, unpin_user_pages(pages.as_mut_ptr(), pages.len()));
            }
        }
    ),
    release!("unpin_user_pages_dirty_lock", true, |side, pages| {
        call!(
            side,
            unpin_user_pages_dirty_lock(pages.as_ptr().cast_mut(), pages.len(), true)
        );
    }),
    release!(
        "unpin_user_pages_dirty_lock, clean",
        false,
        |side, pages| {
            call!(
                side,
                unpin_user_pages_dirty_lock(pages.as_ptr().cast_mut(), pages.len(), false)
            );
        }
    ),
    release!("unpin_user_page_range_dirty_lock", true, |side, pages| {
        for (_, same) in runs(pages) {
            if let Some(&first) = same.first() {
                call!(
                    side,
                    unpin_user_page_range_dirty_lock(first, same.len(), true)
                );
            }
        }
    }),
    release!(
        "unpin_user_page_range_dirty_lock, clean",
        false,
        |side, pages| {
            for (_, same) in runs(pages) {
                if let Some(&first) = same.first() {
                    call!(
                        side,
                        unpin_user_page_range_dirty_lock(first, same.len(), false)
                    );
                }
            }
        }
    ),
];

/// Goes over pages by folios.
fn runs(pages: &[Page]) -> impl Iterator<Item = (Folio, &[Page])> {
    pages
        .chunk_by(|one, other| folio_of(*one) == folio_of(*other))
        .filter_map(|same| Some((folio_of(*same.first()?), same)))
}

/// Returns an array with a null in front, which is skipped.
fn behind_null<T>(all: impl Iterator<Item = *mut T>) -> Result<KVVec<*mut T>> {
    let mut array = KVVec::new();

    for element in Iterator::chain(core::iter::once(core::ptr::null_mut()), all) {
        array.push(element, GFP_KERNEL)?;
    }
    Ok(array)
}

/// A function that takes more of a folio that is pinned, so many times.
struct Grab {
    name: &'static str,
    run: fn(Side, Folio, usize) -> c_int,
    hold: Hold,
}

const GRABS: &[Grab] = &[
    Grab {
        name: "try_grab_folio, references",
        // SAFETY: The folio is pinned.
        run: |side, folio, count| unsafe {
            call!(
                side,
                try_grab_folio(folio, count as c_int, bindings::FOLL_GET)
            )
        },
        hold: Hold::Reference,
    },
    Grab {
        name: "try_grab_folio, pins",
        // SAFETY: The folio is pinned.
        run: |side, folio, count| unsafe {
            call!(
                side,
                try_grab_folio(folio, count as c_int, bindings::FOLL_PIN)
            )
        },
        hold: Hold::Pin,
    },
    Grab {
        name: "folio_add_pin",
        run: |side, folio, count| {
            for _ in 0..count {
                // SAFETY: The folio is pinned.
                unsafe { call!(side, folio_add_pin(folio)) };
            }
            0
        },
        hold: Hold::Pin,
    },
    Grab {
        name: "folio_add_pins",
        // SAFETY: The folio is pinned.
        run: |side, folio, count| unsafe { call!(side, folio_add_pins(folio, count as u32)) },
        hold: Hold::Pin,
    },
];

/// Pins some pages of memory that was just made.
fn pinned(shape: &Shape, page: usize, count: usize) -> Result<Slots> {
    let mut slots = Slots::new(count)?;

    shape.reset()?;
    // SAFETY: There are so many elements, and the mmap lock is not held.
    let done = unsafe {
        bindings::pin_user_pages_fast(
            shape.memory.page(0, page),
            count as c_int,
            bindings::FOLL_WRITE,
            slots.as_mut_ptr(),
        )
    };

    ensure(done == count as c_int)?;
    Ok(slots)
}

fn dirty(pages: &[Page]) -> Result<KVVec<bool>> {
    let mut all = KVVec::with_capacity(pages.len(), GFP_KERNEL)?;

    for &page in pages {
        // SAFETY: The folio is mapped by memory of the test.
        all.push(
            unsafe { bindings::folio_test_dirty(folio_of(page)) },
            GFP_KERNEL,
        )?;
    }
    Ok(all)
}

/// Gives pins back on either side: as many must go as were taken, and the same folios be dirty.
fn release(shape: &Shape, way: &Release, page: usize, count: usize) -> Result {
    let mut dirtied = [None, None];

    for (side, dirtied) in Side::BOTH.into_iter().zip(&mut dirtied) {
        let slots = pinned(shape, page, count)?;
        let pages = slots.taken(count)?;
        let during = Counts::all(pages)?;

        (way.run)(side, pages);
        let rest = Counts::all(pages)?;

        for ((&page, during), rest) in pages.iter().zip(during.iter()).zip(rest.iter()) {
            let times = pages
                .iter()
                .filter(|other| folio_of(**other) == folio_of(page))
                .count();
            let expected = Counts::expected(Hold::Pin, folio_of(page), times as i32);

            ensure(during.less(*rest) == expected)
                .inspect_err(|_| pr_err!("{}, {side:?}: other counts\n", way.name))?;
        }
        let dirty = dirty(pages)?;

        ensure(!way.dirties || dirty.iter().all(|dirty| *dirty))
            .inspect_err(|_| pr_err!("{}, {side:?}: it is clean\n", way.name))?;
        *dirtied = Some(dirty);
    }
    match dirtied {
        [Some(rust), Some(c)] => ensure(rust.iter().eq(c.iter()))
            .inspect_err(|_| pr_err!("{}: others are dirty\n", way.name)),
        _ => Err(EINVAL),
    }
}

fn grab(shape: &Shape, way: &Grab, page: usize, count: usize) -> Result {
    let slots = pinned(shape, page, 1)?;
    let pages = slots.taken(1)?;
    let &[first] = pages else {
        return Err(EINVAL);
    };

    for side in Side::BOTH {
        let before = Counts::all(pages)?;
        let done = (way.run)(side, folio_of(first), count);
        let after = Counts::all(pages)?;

        for (before, after) in before.iter().zip(after.iter()) {
            let expected = Counts::expected(way.hold, folio_of(first), count as i32);

            ensure(done == 0 && after.less(*before) == expected)
                .inspect_err(|_| pr_err!("{}, {side:?}: {after:?}\n", way.name))?;
        }
        for _ in 0..count {
            give_back(way.hold, side.other(), pages);
        }
    }
    give_back(Hold::Pin, Side::C, pages);
    Ok(())
}

/// Compares all of them.
pub(super) fn compare_all() -> Result {
    for shape in [Shape::small()?, Shape::huge()?, Shape::split()?] {
        for way in RELEASES {
            release(&shape, way, 0, 1)?;
            release(&shape, way, 508, 7)?;
            release(&shape, way, 3, 1)?;
        }
        for way in GRABS {
            for (page, count) in [(0, 1), (0, 5), (3, 2)] {
                grab(&shape, way, page, count)?;
            }
        }
    }
    Ok(())
}

#[kernel::prelude::kunit_tests(rust_gup_counts)]
mod counted {
    use kernel::prelude::*;

    #[test]
    fn the_same() -> Result {
        super::compare_all()
    }
}
