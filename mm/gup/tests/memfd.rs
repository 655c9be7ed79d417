// SPDX-License-Identifier: GPL-2.0

//! Pins of files in memory, against the C.

use super::{
    ensure,
    shape::{drain, Folio},
    twins::{call, Side},
};
use core::ptr::{null_mut, without_provenance_mut};
use kernel::{bindings, page::PAGE_SIZE, prelude::*};

const PAGE: i64 = PAGE_SIZE as i64;
/// Pages of a file.
const PAGES: usize = 32;
/// What is in an element that nobody has written to.
const POISON: Folio = without_provenance_mut(0x5a5a_5a5a_5a5a_5a5a);
const MOST: usize = 40;
const BEHIND: usize = 8;

struct File(*mut bindings::file);

impl File {
    fn new() -> Result<Self> {
        let flags = bindings::vma_flags_t::default();
        let size = (PAGES * PAGE_SIZE) as bindings::loff_t;
        // SAFETY: The name lives for ever.
        let file = unsafe { bindings::shmem_file_setup(c"gup".as_ptr().cast(), size, flags) };

        Ok(Self(kernel::error::from_err_ptr(file)?))
    }

    /// Returns the folio of a page, if there is one.
    fn folio(&self, index: usize) -> Option<Folio> {
        // SAFETY: The file is valid; the reference is put at once, as the file keeps the folio.
        unsafe {
            let found = bindings::filemap_get_entry(bindings::file_mapping(self.0), index);
            let folio: Folio = found.cast();

            if folio.is_null() {
                return None;
            }
            bindings::folio_put_refs(folio, 1);
            Some(folio)
        }
    }

    /// Pins a part, looks at it, and unpins it.
    fn pin(&self, side: Side, case: Case) -> Result<Outcome> {
        let mut folios = [POISON; MOST + BEHIND];
        let mut offset = usize::MAX;
        // SAFETY: There are so many elements; the file is valid.
        let done = unsafe {
            call!(
                side,
                memfd_pin_folios(
                    self.0,
                    case.start,
                    case.end,
                    folios.as_mut_ptr(),
                    case.most as u32,
                    &raw mut offset,
                )
            )
        };
        let count = usize::try_from(done).unwrap_or(0);
        let (taken, rest) = folios.split_at(count.min(MOST));
        let mut outcome = Outcome {
            done,
            offset,
            counts: [(0, false); MOST],
            there: [false; PAGES],
        };

        ensure(!taken.contains(&POISON)).inspect_err(|_| {
            pr_err!("{side:?}: an element was not written to\n");
        })?;
        drain();
        let first = case.start as usize / PAGE_SIZE;
        let right = taken
            .iter()
            .enumerate()
            .all(|(index, &folio)| self.folio(first + index) == Some(folio));

        for (&folio, counts) in taken.iter().zip(&mut outcome.counts) {
            // SAFETY: The folio is pinned.
            *counts = unsafe {
                (
                    bindings::folio_ref_count(folio),
                    bindings::folio_maybe_dma_pinned(folio),
                )
            };
        }
        let untouched = rest.iter().all(|&folio| folio == POISON);

        // SAFETY: So many are pinned.
        unsafe { bindings::unpin_folios(folios.as_mut_ptr(), count) };
        for (index, there) in outcome.there.iter_mut().enumerate() {
            *there = self.folio(index).is_some();
        }
        ensure(right).inspect_err(|_| pr_err!("{side:?}: folios of other places\n"))?;
        ensure(untouched).inspect_err(|_| {
            pr_err!("{side:?}: an element behind what was taken was written to\n");
        })?;
        Ok(outcome)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: It is ours.
        unsafe { bindings::fput(self.0) };
    }
}

/// A part of a file, by its first and last byte, and the most folios that are wanted.
#[derive(Clone, Copy)]
struct Case {
    start: i64,
    end: i64,
    most: usize,
}

/// What came of a call.
#[derive(PartialEq)]
struct Outcome {
    done: isize,
    offset: usize,
    /// The references of each folio, and whether it looked pinned.
    counts: [(i32, bool); MOST],
    /// Which pages the file has.
    there: [bool; PAGES],
}

/// Compares all cases, of a file that has nothing yet, and of what the other side has left.
pub(super) fn compare_all() -> Result {
    const SIZE: i64 = PAGE * PAGES as i64;

    for (start, end, most) in [
        (0, 0, 1),
        (5, PAGE + 7, 4),
        (3 * PAGE + 1, 9 * PAGE - 1, 3),
        (16 * PAGE, 24 * PAGE - 1, MOST),
        (0, SIZE - 1, MOST),
        (0, SIZE - 1, 20),
        // What can't be.
        (0, SIZE, MOST),
        (-1, 5, MOST),
        (5, 4, MOST),
        (0, 5, 0),
    ] {
        let case = Case { start, end, most };
        let once = |first: Side| -> Result<(Outcome, Outcome)> {
            let file = File::new()?;

            Ok((file.pin(first, case)?, file.pin(first.other(), case)?))
        };
        let (rust_first, c_second) = once(Side::Rust)?;
        let (c_first, rust_second) = once(Side::C)?;

        ensure(rust_first == c_first && rust_second == c_second).inspect_err(|_| {
            pr_err!(
                "{most} folios of {start}..={end}: {} in Rust, {} in C, or not the same\n",
                rust_first.done,
                c_first.done
            )
        })?;
    }
    // SAFETY: No file is refused before anything is looked at.
    let refused = Side::BOTH.map(|side| unsafe {
        call!(
            side,
            memfd_pin_folios(null_mut(), 0, 0, null_mut(), 1, null_mut())
        )
    });
    ensure(refused == [EINVAL.to_errno() as isize; 2])
}

#[kernel::prelude::kunit_tests(rust_gup_memfd)]
mod memfd {
    use kernel::prelude::*;

    #[test]
    fn the_same() -> Result {
        super::compare_all()
    }
}
