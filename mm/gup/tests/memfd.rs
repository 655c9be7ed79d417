// SPDX-License-Identifier: GPL-2.0

//! Pins of files in memory, against the C.

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
