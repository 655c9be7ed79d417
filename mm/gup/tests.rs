// SPDX-License-Identifier: GPL-2.0

//! What may be asked for, and what is taken: against the C.

#[kernel::prelude::kunit_tests(rust_gup_flags)]
mod flags {
    use crate::gup::flags::{Flags, Refused, Wish};
    use kernel::{bindings, prelude::*};

    const GET: u32 = bindings::FOLL_GET;
    const PIN: u32 = bindings::FOLL_PIN;
    const LONG: u32 = bindings::FOLL_LONGTERM;
    const PEERS: u32 = bindings::FOLL_PCI_P2PDMA;

    /// All sets of what goes together with holds, for all functions.
    #[test]
    fn combinations() -> Result {
        for added in [0, GET, PIN] {
            for set in 0..8u32 {
                let bit = |at: u32, flag| if set >> at & 1 != 0 { flag } else { 0 };
                let asked = bit(0, GET) | bit(1, LONG) | bit(2, PEERS);
                let all = asked | added;

                for has_pages in [false, true] {
                    let wrong = all & (GET | PIN) == GET | PIN
                        || all & LONG != 0 && (all & PIN == 0 || all & PEERS != 0)
                        || all & (GET | PIN) != 0 && !has_pages;
                    let parsed = Flags::of_caller(asked, added, has_pages);

                    assert_eq!(parsed.is_err(), wrong);
                    assert!(wrong || parsed.is_ok_and(|flags| flags.bits() == all));
                }
            }
        }
        Ok(())
    }

    #[test]
    fn internal() -> Result {
        for bit in 16..23 {
            assert_eq!(Flags::of_caller(1 << bit, 0, true), Err(Refused));
        }
        Ok(())
    }

    #[test]
    fn wishes() -> Result {
        assert_eq!(Wish::presence().flags().bits(), 0);
        assert_eq!(
            Wish::get().write().flags().bits(),
            GET | bindings::FOLL_WRITE
        );
        assert_eq!(Wish::pin().long().flags().bits(), PIN | LONG);
        assert!(Wish::pin().flags().wants_own());
        assert!(!Wish::pin().write().flags().wants_own());
        assert!(Wish::pin().long().write().flags().writes_for_long());
        Ok(())
    }
}

#[kernel::prelude::kunit_tests(rust_gup_memory)]
mod memory {
    use core::ptr::null_mut;
    use kernel::{
        bindings, current,
        mm::pgtable::testing::{mm, Memory},
        page::PAGE_SIZE,
        prelude::*,
    };

    type Page = *mut bindings::page;
    const PAGES: usize = 700;

    /// How pages are taken, in Rust and in C, and given back.
    #[derive(Clone, Copy)]
    struct Way {
        rust: fn(usize, usize, u32, &mut [Page]) -> isize,
        c: fn(usize, usize, u32, &mut [Page]) -> isize,
        pins: bool,
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

    const WAYS: [Way; 5] = [
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

    fn pages() -> Result<KVVec<Page>> {
        Ok(KVVec::from_elem(null_mut(), PAGES, GFP_KERNEL)?)
    }

    fn give_back(way: &Way, pages: &mut [Page], taken: isize) {
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

    fn counts(pages: &[Page], taken: isize) -> Result<KVVec<i32>> {
        let mut all = KVVec::new();

        for page in pages.iter().take(usize::try_from(taken).unwrap_or(0)) {
            // SAFETY: Each is held.
            let count = unsafe { bindings::folio_ref_count(bindings::page_folio(*page)) };

            all.push(count, GFP_KERNEL)?;
        }
        Ok(all)
    }

    /// The same pages, with as many references, are taken from ranges that end in each kind of place.
    #[test]
    fn the_same() -> Result {
        let memory = Memory::map(4)?;
        let task = current!();
        let _ = mm(&task)?;

        for page in 0..512 {
            memory.touch(0, page)?;
        }
        for page in [0, 1, 2, 9, 511] {
            memory.touch(1, page)?;
        }
        memory.unmap(3)?;
        for (block, page, count) in [
            (0, 0, 1),
            (0, 0, 512),
            (0, 3, 509),
            (0, 511, 4),
            (1, 0, 3),
            (1, 9, 1),
            // Faults in what is missing, but for those who do not fault.
            (1, 0, 12),
            (0, 500, 600),
            (2, 500, 13),
            (3, 0, 1),
        ] {
            for flags in [0, bindings::FOLL_WRITE] {
                for way in &WAYS {
                    let start = memory.page(block, page);
                    let (mut one, mut other) = (pages()?, pages()?);

                    // What is missing comes with the first of both.
                    let taken = (way.c)(start, count, flags, &mut one);
                    give_back(way, &mut one, taken);
                    let taken = (way.rust)(start, count, flags, &mut one);
                    let rust = counts(&one, taken)?;
                    give_back(way, &mut one, taken);
                    let again = (way.c)(start, count, flags, &mut other);
                    let c = counts(&other, again)?;
                    give_back(way, &mut other, again);

                    assert_eq!(taken, again);
                    assert!(one.iter().eq(other.iter()));
                    assert!(rust.iter().eq(c.iter()));
                }
            }
        }
        Ok(())
    }

    /// No pages are none; the C of the fast functions looks behind the table.
    #[test]
    fn none() -> Result {
        let memory = Memory::map(1)?;

        memory.touch(0, 0)?;
        for way in &WAYS {
            assert_eq!((way.rust)(memory.page(0, 0), 0, 0, &mut pages()?), 0);
        }
        Ok(())
    }

    /// What can't be: the C says so in the same way.
    #[test]
    fn refused() -> Result {
        let memory = Memory::map(1)?;
        let at = memory.page(0, 0);

        memory.touch(0, 0)?;
        for (start, count, flags) in [
            (usize::MAX - PAGE_SIZE, 1, 0),
            (usize::MAX - PAGE_SIZE, 5, 0),
            (1 << 46, 1, 0),
            (at, 1, bindings::FOLL_NOFAULT),
            (at + PAGE_SIZE, 1, bindings::FOLL_NOFAULT),
        ] {
            for way in &WAYS {
                let (mut one, mut other) = (pages()?, pages()?);
                let rust = (way.rust)(start, count, flags, &mut one);
                let c = (way.c)(start, count, flags, &mut other);

                give_back(way, &mut one, rust);
                give_back(way, &mut other, c);
                assert_eq!(rust, c);
            }
        }
        Ok(())
    }
}

#[kernel::prelude::kunit_tests(rust_gup_memfd)]
mod memfd {
    use core::ptr::null_mut;
    use kernel::{bindings, page::PAGE_SIZE, prelude::*};

    type Folio = *mut bindings::folio;
    type PinFolios = unsafe extern "C" fn(
        *mut bindings::file,
        bindings::loff_t,
        bindings::loff_t,
        *mut Folio,
        u32,
        *mut usize,
    ) -> isize;

    const MOST: usize = 40;

    struct File(*mut bindings::file);

    impl File {
        fn new(pages: usize) -> Result<Self> {
            let flags = bindings::vma_flags_t::default();
            let size = (pages * PAGE_SIZE) as bindings::loff_t;
            // SAFETY: The name lives for ever.
            let file = unsafe { bindings::shmem_file_setup(c"gup".as_ptr().cast(), size, flags) };

            Ok(Self(kernel::error::from_err_ptr(file)?))
        }

        /// Pins a part, and unpins it. Returns what was returned, where the first byte was, and the
        /// folios that were pinned with their references and whether they looked pinned.
        fn pin(
            &self,
            pin: PinFolios,
            (start, end): (i64, i64),
            most: usize,
        ) -> (isize, usize, [(Folio, i32, bool); MOST]) {
            let mut folios = [null_mut(); MOST];
            let mut offset = 0;
            let mut seen = [(null_mut(), 0, false); MOST];

            // SAFETY: There are so many elements; the file is valid.
            let done = unsafe {
                let folios = folios.as_mut_ptr();

                pin(self.0, start, end, folios, most as u32, &raw mut offset)
            };
            let count = usize::try_from(done).unwrap_or(0);

            for (&folio, seen) in folios.iter().zip(&mut seen).take(count) {
                // SAFETY: The folio is pinned.
                unsafe {
                    let count = bindings::folio_ref_count(folio);
                    *seen = (folio, count, bindings::folio_maybe_dma_pinned(folio));
                }
            }
            // SAFETY: So many are pinned.
            unsafe { bindings::unpin_folios(folios.as_mut_ptr(), count) };
            (done, offset, seen)
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            // SAFETY: It is ours.
            unsafe { bindings::fput(self.0) };
        }
    }

    #[test]
    fn the_same() -> Result {
        const PAGE: i64 = PAGE_SIZE as i64;
        let file = File::new(32)?;

        for (range, most) in [
            ((0, 0), 1),
            ((5, PAGE + 7), 4),
            ((3 * PAGE + 1, 9 * PAGE - 1), 3),
            // Nothing of this is there yet.
            ((16 * PAGE, 24 * PAGE - 1), MOST),
            ((0, 32 * PAGE - 1), MOST),
            ((0, 32 * PAGE - 1), 20),
            // What can't be.
            ((0, 32 * PAGE), MOST),
            ((-1, 5), MOST),
            ((5, 4), MOST),
            ((0, 5), 0),
        ] {
            let rust = file.pin(bindings::memfd_pin_folios, range, most);
            let c = file.pin(bindings::c_memfd_pin_folios, range, most);

            assert_eq!(rust.0, c.0);
            assert_eq!(rust.1, c.1);
            assert!(rust.2 == c.2);
        }
        Ok(())
    }
}
