// SPDX-License-Identifier: GPL-2.0

//! Finding the folio that is mapped at an address, against the C.

#[kernel::prelude::kunit_tests(rust_pagewalk_folio)]
mod folio {
    use kernel::{
        bindings, current,
        mm::{
            pgtable::testing::{mm, Memory},
            MmWithUser,
        },
        prelude::*,
        uaccess::{UserPtr, UserSlice},
    };

    type Start = unsafe extern "C" fn(
        *mut bindings::folio_walk,
        *mut bindings::vm_area_struct,
        usize,
        bindings::folio_walk_flags_t,
    ) -> *mut bindings::folio;

    /// All that is found, but for what C code has no name for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Found {
        folio: *mut bindings::folio,
        page: *mut bindings::page,
        level: bindings::folio_walk_level,
        entry: *mut bindings::pte_t,
        value: u64,
        lock: *mut bindings::spinlock_t,
    }

    fn find(
        start: Start,
        mm: &MmWithUser,
        addr: usize,
        flags: bindings::folio_walk_flags_t,
    ) -> Result<Option<Found>> {
        let lock = mm.mmap_read_lock();
        let vma = lock.vma_lookup(addr).ok_or(EINVAL)?.as_ptr();
        // No level: so that one that is not written to shows.
        let mut walk = bindings::folio_walk {
            level: bindings::folio_walk_level::MAX,
            ..Default::default()
        };

        // SAFETY: The mmap lock is held; what is found is released at once. Entries of all levels
        // are words.
        unsafe {
            let folio = start(&mut walk, vma, addr, flags);
            if folio.is_null() {
                return Ok(None);
            }
            let found = Found {
                folio,
                page: walk.page,
                level: walk.level,
                entry: walk.__bindgen_anon_1.ptep,
                value: walk.__bindgen_anon_2.pte.pte as u64,
                lock: walk.ptl,
            };

            bindings::folio_walk_end(&mut walk, vma);
            Ok(Some(found))
        }
    }

    /// Compares, and returns what is found without and with pages of zeroes.
    fn compare(mm: &MmWithUser, addr: usize) -> Result<[Option<Found>; 2]> {
        let mut all = [None; 2];

        for (flags, all) in [0, bindings::FW_ZEROPAGE].into_iter().zip(&mut all) {
            let rust = find(bindings::folio_walk_start, mm, addr, flags)?;
            let c = find(bindings::c_folio_walk_start, mm, addr, flags)?;

            if rust != c {
                pr_err!("{rust:x?}, but {c:x?}\n");
                return Err(EIO);
            }
            *all = c;
        }
        Ok(all)
    }

    fn levels(found: [Option<Found>; 2]) -> [Option<bindings::folio_walk_level>; 2] {
        found.map(|found| found.map(|found| found.level))
    }

    fn look_at(addr: usize) -> Result {
        UserSlice::new(UserPtr::from_addr(addr), 1)
            .reader()
            .read::<u8>()
            .map(|_| ())
    }

    const PTE: Option<bindings::folio_walk_level> = Some(bindings::folio_walk_level_FW_LEVEL_PTE);
    const PMD: Option<bindings::folio_walk_level> = Some(bindings::folio_walk_level_FW_LEVEL_PMD);

    #[test]
    fn small() -> Result {
        let memory = Memory::map(3)?;
        let task = current!();
        let mm = mm(&task)?;

        memory.touch(0, 5)?;
        memory.touch(0, 511)?;
        look_at(memory.page(0, 9))?;
        memory.advise(mm, 0, 20, 1, bindings::MADV_GUARD_INSTALL)?;
        for page in [5, 511] {
            assert_eq!(levels(compare(mm, memory.page(0, page))?), [PTE, PTE]);
            assert_eq!(levels(compare(mm, memory.page(0, page) + 77)?), [PTE, PTE]);
        }
        // Zeroes; an entry without a page; no entry; no table; no block.
        assert_eq!(levels(compare(mm, memory.page(0, 9))?), [None, PTE]);
        for (block, page) in [(0, 20), (0, 6), (1, 0), (2, 511)] {
            assert_eq!(levels(compare(mm, memory.page(block, page))?), [None, None]);
        }
        Ok(())
    }

    #[test]
    fn huge() -> Result {
        let memory = Memory::map(3)?;
        let task = current!();
        let mm = mm(&task)?;

        memory.advise(mm, 0, 0, 2 * 512, bindings::MADV_HUGEPAGE)?;
        memory.touch(0, 17)?;
        look_at(memory.page(1, 3))?;
        for page in [0, 17, 511] {
            assert_eq!(levels(compare(mm, memory.page(0, page))?), [PMD, PMD]);
        }
        for page in [0, 511] {
            assert_eq!(levels(compare(mm, memory.page(1, page))?), [None, PMD]);
        }
        assert_eq!(levels(compare(mm, memory.page(2, 0))?), [None, None]);
        Ok(())
    }
}
