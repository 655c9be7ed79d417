// SPDX-License-Identifier: GPL-2.0

//! The functions of this module against their twins in C.

#[kernel::prelude::kunit_tests(rust_pte_map)]
mod against_c {
    use core::ptr::null_mut;
    use kernel::{
        bindings, current,
        mm::pgtable::testing::{mm, Memory},
        page::PAGE_SIZE,
        prelude::*,
    };

    /// What a function returned and stored.
    type Mapped = (*mut bindings::pte_t, usize, *mut bindings::spinlock_t);

    const UNTOUCHED: *mut bindings::spinlock_t = 0x5e7 as *mut _;

    fn unmap(entry: *mut bindings::pte_t) {
        if !entry.is_null() {
            // SAFETY: The entry was mapped, which took the RCU read lock.
            unsafe { bindings::rcu_read_unlock() };
        }
    }

    type Map = unsafe extern "C" fn(
        *mut bindings::pmd_t,
        usize,
        *mut bindings::pmd_t,
    ) -> *mut bindings::pte_t;

    fn map(function: Map, pmd: &mut bindings::pmd_t, addr: usize) -> Mapped {
        let mut value = bindings::pmd_t { pmd: 0x5e7 };
        // SAFETY: The PMD entry is a copy of one whose table the caller keeps.
        let entry = unsafe { function(pmd, addr, &mut value) };

        unmap(entry);
        // SAFETY: As above.
        let same = unsafe { function(pmd, addr, null_mut()) };
        unmap(same);
        assert!(entry == same);
        (entry, value.pmd, UNTOUCHED)
    }

    type MapRo = unsafe extern "C" fn(
        *mut bindings::mm_struct,
        *mut bindings::pmd_t,
        usize,
        *mut *mut bindings::spinlock_t,
    ) -> *mut bindings::pte_t;

    fn map_ro(
        function: MapRo,
        mm: *mut bindings::mm_struct,
        pmd: &mut bindings::pmd_t,
        addr: usize,
    ) -> Mapped {
        let mut lock = UNTOUCHED;
        // SAFETY: As in `map`.
        let entry = unsafe { function(mm, pmd, addr, &mut lock) };

        unmap(entry);
        (entry, 0, lock)
    }

    fn map_lock(
        function: MapRo,
        mm: *mut bindings::mm_struct,
        pmd: &mut bindings::pmd_t,
        addr: usize,
    ) -> Mapped {
        let mut lock = UNTOUCHED;
        // SAFETY: As in `map`.
        let entry = unsafe { function(mm, pmd, addr, &mut lock) };

        if !entry.is_null() {
            // SAFETY: The lock was taken.
            unsafe { bindings::spin_unlock(lock) };
        }
        unmap(entry);
        (entry, 0, lock)
    }

    type MapRw = unsafe extern "C" fn(
        *mut bindings::mm_struct,
        *mut bindings::pmd_t,
        usize,
        *mut bindings::pmd_t,
        *mut *mut bindings::spinlock_t,
    ) -> *mut bindings::pte_t;

    fn map_rw(
        function: MapRw,
        mm: *mut bindings::mm_struct,
        pmd: &mut bindings::pmd_t,
        addr: usize,
    ) -> Mapped {
        let mut lock = UNTOUCHED;
        let mut value = bindings::pmd_t { pmd: 0x5e7 };
        // SAFETY: As in `map`.
        let entry = unsafe { function(mm, pmd, addr, &mut value, &mut lock) };

        unmap(entry);
        (entry, value.pmd, lock)
    }

    /// Has both map a PMD entry of this value, and compares.
    fn compare(mm: *mut bindings::mm_struct, value: usize, addr: usize) {
        let pmd = || bindings::pmd_t { pmd: value };
        let (mut ours, mut theirs) = (pmd(), pmd());

        assert!(
            map(bindings::__pte_offset_map, &mut ours, addr)
                == map(bindings::c___pte_offset_map, &mut theirs, addr)
        );
        assert_eq!(ours.pmd, theirs.pmd);
        let (mut ours, mut theirs) = (pmd(), pmd());
        assert!(
            map_ro(bindings::pte_offset_map_ro_nolock, mm, &mut ours, addr)
                == map_ro(bindings::c_pte_offset_map_ro_nolock, mm, &mut theirs, addr)
        );
        let (mut ours, mut theirs) = (pmd(), pmd());
        assert!(
            map_rw(bindings::pte_offset_map_rw_nolock, mm, &mut ours, addr)
                == map_rw(bindings::c_pte_offset_map_rw_nolock, mm, &mut theirs, addr)
        );
        let (mut ours, mut theirs) = (pmd(), pmd());
        assert!(
            map_lock(bindings::pte_offset_map_lock, mm, &mut ours, addr)
                == map_lock(bindings::c_pte_offset_map_lock, mm, &mut theirs, addr)
        );
    }

    #[test]
    fn tables_and_all_else_are_told_apart_alike() -> Result {
        let memory = Memory::map(1)?;
        memory.touch(0, 0)?;
        let task = current!();
        let mm = mm(task)?;
        let lock = mm.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let table = slot.cell().read().into_raw() as usize;
        let address = table & 0x000f_ffff_ffff_f000;
        // Bits that a table may have or not, one at a time; and what is no table.
        let flags = (0..12).map(|bit| table ^ 1 << bit);
        let others = [
            table,
            0,
            0x60,
            address | 0xe7,
            0x7c00_0000_0000_0200,
            address | 0x180,
        ];

        for value in Iterator::chain(flags, others.into_iter()) {
            let present = value & 0x181 != 0;
            let leaf = value & 0x80 != 0;

            // What is bad is reported and cleared, in C in either case: not in this test.
            if !present || leaf || value & !(address | 0x24) == 0x43 {
                compare(mm.as_raw(), value, memory.page(0, 5));
            }
        }
        Ok(())
    }

    #[test]
    fn each_entry_is_where_it_is_in_c() -> Result {
        let memory = Memory::map(1)?;
        memory.touch(0, 0)?;
        let task = current!();
        let mm = mm(task)?;
        let lock = mm.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let table = slot.cell().read().into_raw() as usize;

        for page in 0..512 {
            compare(mm.as_raw(), table, memory.page(0, page));
            compare(mm.as_raw(), table, memory.page(0, page) + PAGE_SIZE - 1);
        }
        Ok(())
    }

    type Deposit =
        unsafe extern "C" fn(*mut bindings::mm_struct, *mut bindings::pmd_t, bindings::pgtable_t);
    type Withdraw =
        unsafe extern "C" fn(*mut bindings::mm_struct, *mut bindings::pmd_t) -> bindings::pgtable_t;

    #[test]
    fn what_one_deposits_the_other_withdraws() -> Result {
        const WAYS: [(Deposit, Withdraw); 4] = [
            (
                bindings::c_pgtable_trans_huge_deposit,
                bindings::c_pgtable_trans_huge_withdraw,
            ),
            (
                bindings::pgtable_trans_huge_deposit,
                bindings::c_pgtable_trans_huge_withdraw,
            ),
            (
                bindings::c_pgtable_trans_huge_deposit,
                bindings::pgtable_trans_huge_withdraw,
            ),
            (
                bindings::pgtable_trans_huge_deposit,
                bindings::pgtable_trans_huge_withdraw,
            ),
        ];
        let memory = Memory::map(1)?;
        memory.touch(0, 0)?;
        let task = current!();
        let mm = mm(task)?;
        // SAFETY: The mm is valid. The tables are freed below.
        let tables = [(); 3].map(|()| unsafe { bindings::pte_alloc_one(mm.as_raw()) });
        let lock = mm.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let pmd = slot.cell().as_raw();
        let there = tables.iter().all(|table| !table.is_null());
        let mut orders = [tables; WAYS.len()];

        for ((deposit, withdraw), order) in WAYS.iter().zip(&mut orders) {
            let locked = slot.lock();

            if there {
                // SAFETY: The lock of the PMD table is held, and nobody else has the tables.
                unsafe {
                    for table in tables {
                        deposit(mm.as_raw(), pmd, table);
                    }
                    *order = [(); 3].map(|()| withdraw(mm.as_raw(), pmd));
                }
            }
            drop(locked);
        }
        for table in tables {
            if !table.is_null() {
                // SAFETY: It was withdrawn, so that nobody else has it.
                unsafe { bindings::pte_free_defer(mm.as_raw(), table) };
            }
        }
        drop(lock);
        assert!(there);
        let [c, others @ ..] = orders;
        assert!(c != tables);
        assert!(others.iter().all(|order| *order == c));
        Ok(())
    }

    type Clear = unsafe extern "C" fn(
        *mut bindings::vm_area_struct,
        usize,
        *mut bindings::pte_t,
    ) -> bindings::pte_t;

    #[test]
    fn clearing_returns_what_was_there() -> Result {
        const WAYS: [Clear; 2] = [bindings::ptep_clear_flush, bindings::c_ptep_clear_flush];
        let memory = Memory::map(1)?;
        let addr = memory.page(0, 7);
        memory.touch(0, 7)?;
        let task = current!();
        let mm = mm(task)?;
        let lock = mm.mmap_read_lock();
        let vma = lock.vma_lookup(addr).ok_or(EINVAL)?.as_ptr();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let before = slot.map(addr).ok_or(EINVAL)?.read(addr);

        for clear in WAYS {
            let (entry, ptl) = slot.map_lock(addr).ok_or(EINVAL)?.into_raw();
            // SAFETY: The table is locked, and the entry gets back what it had before anybody could
            // miss it; both are uncounted.
            let (cleared, left) = unsafe {
                let cleared = clear(vma, addr, entry);
                let left = entry.read_volatile();
                bindings::__set_ptes_raw(mm.as_raw(), addr, entry, cleared, 1);
                (cleared, left)
            };

            // SAFETY: The lock was taken above.
            unsafe { bindings::spin_unlock(ptl) };
            unmap(entry);
            assert_eq!(cleared.pte as u64, before.into_raw());
            assert_eq!(left.pte, 0);
        }
        Ok(())
    }
}
