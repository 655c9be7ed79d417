// SPDX-License-Identifier: GPL-2.0

//! How pages are taken, in Rust and in C.

use core::ptr::null_mut;
use kernel::{bindings, prelude::*};

pub(super) type Page = *mut bindings::page;
pub(super) const PAGES: usize = 700;

/// How pages are taken, in Rust and in C, and given back.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) rust: fn(usize, usize, u32, &mut [Page]) -> isize,
    pub(super) c: fn(usize, usize, u32, &mut [Page]) -> isize,
    pub(super) pins: bool,
}

macro_rules! fast {
    ($name:path) => {
        |start, count, flags, pages| {
            // SAFETY: There are so many elements.
            unsafe { $name(start, count as i32, flags, pages.as_mut_ptr()) as isize }
        }
    };
}

macro_rules! slow {
    ($name:path) => {
        |start, count, flags, pages| {
            // SAFETY: There are so many elements; the mmap lock is not held.
            unsafe { $name(start, count, pages.as_mut_ptr(), flags) }
        }
    };
}

pub(super) const WAYS: [Way; 5] = [
    Way {
        rust: fast!(bindings::get_user_pages_fast),
        c: fast!(bindings::c_get_user_pages_fast),
        pins: false,
    },
    Way {
        rust: fast!(bindings::get_user_pages_fast_only),
        c: fast!(bindings::c_get_user_pages_fast_only),
        pins: false,
    },
    Way {
        rust: fast!(bindings::pin_user_pages_fast),
        c: fast!(bindings::c_pin_user_pages_fast),
        pins: true,
    },
    Way {
        rust: slow!(bindings::get_user_pages_unlocked),
        c: slow!(bindings::c_get_user_pages_unlocked),
        pins: false,
    },
    Way {
        rust: slow!(bindings::pin_user_pages_unlocked),
        c: slow!(bindings::c_pin_user_pages_unlocked),
        pins: true,
    },
];

/// An array for as many pages as a test takes at once.
pub(super) fn pages() -> Result<KVVec<Page>> {
    Ok(KVVec::from_elem(null_mut(), PAGES, GFP_KERNEL)?)
}

/// Gives back what was taken.
pub(super) fn give_back(way: &Way, pages: &mut [Page], taken: isize) {
    let taken = usize::try_from(taken).unwrap_or(0);

    for page in pages.iter().take(taken) {
        // SAFETY: Each was taken once.
        unsafe {
            if way.pins {
                bindings::unpin_user_page(*page);
            } else {
                bindings::folio_put_refs(bindings::page_folio(*page), 1);
            }
        }
    }
}

/// Returns the references of the folios of what was taken.
pub(super) fn counts(pages: &[Page], taken: isize) -> Result<KVVec<i32>> {
    let mut all = KVVec::new();

    for page in pages.iter().take(usize::try_from(taken).unwrap_or(0)) {
        // SAFETY: Each is held.
        let count = unsafe { bindings::folio_ref_count(bindings::page_folio(*page)) };

        all.push(count, GFP_KERNEL)?;
    }
    Ok(all)
}

/// Takes the same pages by Rust and by C, and compares what each got. What is missing comes with the first of
/// both.
pub(super) fn compare(way: &Way, start: usize, count: usize, flags: u32) -> Result {
    let (mut one, mut other) = (pages()?, pages()?);

    let taken = (way.c)(start, count, flags, &mut one);
    give_back(way, &mut one, taken);
    let taken = (way.rust)(start, count, flags, &mut one);
    let rust = counts(&one, taken)?;
    give_back(way, &mut one, taken);
    let again = (way.c)(start, count, flags, &mut other);
    let c = counts(&other, again)?;
    give_back(way, &mut other, again);

    ensure(taken == again && one.iter().eq(other.iter()) && rust.iter().eq(c.iter())).inspect_err(|_| {
        pr_err!("{count} pages, flags {flags:#x}: {taken} in Rust, {again} in C, or not the same ones\n")
    })
}

/// Fails a test unless something holds.
pub(super) fn ensure(holds: bool) -> Result {
    if holds {
        Ok(())
    } else {
        Err(EINVAL)
    }
}
