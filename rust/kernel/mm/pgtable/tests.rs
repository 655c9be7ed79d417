// SPDX-License-Identifier: GPL-2.0

//! Tests of the guards, on page tables of user space.

use super::{
    testing::{eventually, mm, Memory},
    Busy, Gather, Pmd, PmdKind, PmdLock, Pte, PteKind, PteLock, PteMap, PteTableRef, Pud, PudKind,
    TableGuard, VmaStabilised,
};
use crate::{
    bindings, current,
    mm::{Mm, MmWithUser},
    prelude::*,
};

/// All combinations of the bits that mean something, with some addresses.
fn values() -> impl Iterator<Item = u64> {
    const HIGH: [u64; 8] = [
        0,
        0x1234_5000,
        0x000f_ffff_ffff_f000,
        1 << 63,
        1 << 58,
        0x8fff_0000_1234_5000,
        0xffff_ffff_ffff_f000,
        0x7c00_0000_0000_0000,
    ];

    HIGH.into_iter()
        .flat_map(|high| (0..1 << 12).map(move |low| high | low))
}

#[crate::prelude::kunit_tests(rust_pgtable_entries)]
mod entries {
    use super::*;

    fn flags(entry: Pte) -> u32 {
        let leaf = entry.leaf();
        let of_leaf = |test: fn(super::super::PteLeaf) -> bool| leaf.is_some_and(test);

        [
            entry.is_none(),
            entry.is_present(),
            of_leaf(|leaf| leaf.is_writable()),
            of_leaf(|leaf| leaf.is_young()),
            of_leaf(|leaf| leaf.is_dirty()),
            of_leaf(|leaf| leaf.is_special()),
            of_leaf(|leaf| leaf.is_prot_none()),
            of_leaf(|leaf| leaf.is_executable()),
            of_leaf(|leaf| leaf.is_user()),
            entry.is_soft_dirty() && !entry.is_none(),
            entry.is_uffd() && !entry.is_none(),
            entry.is_swap_exclusive() && !entry.is_none(),
        ]
        .into_iter()
        .rev()
        .fold(0, |bits, bit| bits << 1 | u32::from(bit))
    }

    #[test]
    fn flags_are_those_of_c() {
        for raw in values() {
            let entry = Pte::from_raw(raw);
            // SAFETY: Any value will do.
            let c = unsafe { bindings::c_pte_flags(entry.into_ffi()) };

            assert_eq!(flags(entry), c);
        }
    }

    #[test]
    fn what_an_entry_holds_is_what_c_says() {
        use super::super::{Access, Device};

        for raw in values() {
            let entry = Pte::from_raw(raw);
            let mut value = 0;
            // SAFETY: Any value of an entry will do.
            let kind = unsafe { bindings::c_pte_kind(entry.into_ffi(), &mut value) };
            let ours = match entry.kind() {
                PteKind::None => (bindings::c_pte_kind_C_PTE_NONE, 0),
                PteKind::Present(leaf) => (bindings::c_pte_kind_C_PTE_PRESENT, leaf.pfn()),
                PteKind::Swap(swap) => (bindings::c_pte_kind_C_PTE_SWAP, swap.offset),
                PteKind::Migration(migration) => (
                    match migration.access {
                        Access::Read => bindings::c_pte_kind_C_PTE_MIGRATION_READ,
                        Access::ReadExclusive => bindings::c_pte_kind_C_PTE_MIGRATION_EXCLUSIVE,
                        Access::Write => bindings::c_pte_kind_C_PTE_MIGRATION_WRITE,
                    },
                    migration.pfn,
                ),
                PteKind::Device(Device::Private {
                    pfn,
                    writable: false,
                }) => (bindings::c_pte_kind_C_PTE_DEVICE_READ, pfn),
                PteKind::Device(Device::Private {
                    pfn,
                    writable: true,
                }) => (bindings::c_pte_kind_C_PTE_DEVICE_WRITE, pfn),
                PteKind::Device(Device::Exclusive { pfn }) => {
                    (bindings::c_pte_kind_C_PTE_DEVICE_EXCLUSIVE, pfn)
                }
                PteKind::HwPoison { pfn } => (bindings::c_pte_kind_C_PTE_HWPOISON, pfn),
                PteKind::Marker(marker) => (
                    bindings::c_pte_kind_C_PTE_MARKER,
                    usize::from(marker.is_uffd_wp()) * bindings::PTE_MARKER_UFFD_WP as usize
                        | usize::from(marker.is_poisoned())
                            * bindings::PTE_MARKER_POISONED as usize
                        | usize::from(marker.is_guard()) * bindings::PTE_MARKER_GUARD as usize,
                ),
                PteKind::Unknown => (bindings::c_pte_kind_C_PTE_UNKNOWN, 0),
            };

            assert_eq!(ours, (kind, value));
        }
    }

    #[test]
    fn a_pmd_holds_what_c_says() {
        for raw in values() {
            let entry = Pmd::from_raw(raw);
            let mut pfn = 0;
            // SAFETY: Any value of an entry will do.
            let kind = unsafe { bindings::c_pmd_kind(entry.into_ffi(), &mut pfn) };
            let ours = match entry.kind() {
                PmdKind::None => (bindings::c_pmd_kind_C_PMD_NONE, 0),
                PmdKind::Table(_) => (bindings::c_pmd_kind_C_PMD_TABLE, pfn),
                PmdKind::Present(leaf) => (bindings::c_pmd_kind_C_PMD_LEAF, leaf.pfn()),
                PmdKind::Migration(_) | PmdKind::Device(_) | PmdKind::Unknown => {
                    (bindings::c_pmd_kind_C_PMD_NOT_PRESENT, 0)
                }
                PmdKind::Bad => (bindings::c_pmd_kind_C_PMD_BAD, 0),
            };

            assert_eq!(ours, (kind, pfn));
        }
    }

    #[test]
    fn a_pud_holds_what_it_says() {
        assert!(matches!(Pud::from_raw(0).kind(), PudKind::None));
        assert!(matches!(Pud::from_raw(0x60).kind(), PudKind::None));
        assert!(matches!(Pud::from_raw(0x1067).kind(), PudKind::Table));
        assert!(matches!(Pud::from_raw(0x1e7).kind(), PudKind::Present(_)));
        assert!(matches!(Pud::from_raw(0x1010).kind(), PudKind::Bad));
    }
}

#[crate::prelude::kunit_tests(rust_pgtable_guards)]
mod guards {
    use super::*;

    #[test]
    fn there_is_no_table_before_a_page_is_touched() -> Result {
        let memory = Memory::map(1)?;
        let task = current!();
        let lock = mm(task)?.mmap_read_lock();
        let slot = memory.slot(&lock, 0);

        assert!(slot.is_none_or(|slot| slot.map(memory.page(0, 0)).is_none()));
        assert!(slot.is_none_or(|slot| slot.map_lock(memory.page(0, 0)).is_none()));
        assert!(slot.is_none_or(|slot| PteTableRef::try_get(slot, memory.page(0, 0)).is_none()));
        Ok(())
    }

    #[test]
    fn there_is_no_block_without_a_vma() -> Result {
        let memory = Memory::map(3)?;
        memory.unmap(1)?;
        let task = current!();
        let lock = mm(task)?.mmap_read_lock();

        assert!(lock.block(memory.page(0, 7)).is_some());
        assert!(lock.block(memory.page(1, 7)).is_none());
        let next = lock
            .next_block(memory.page(1, 7))
            .map(|block| block.start());
        assert_eq!(next, Some(memory.page(2, 0)));
        Ok(())
    }

    #[test]
    fn a_locked_vma_has_its_own_blocks() -> Result {
        let memory = Memory::map(3)?;
        memory.unmap(1)?;
        let task = current!();
        let mm: &Mm = mm(task)?;
        let start = memory.page(0, 0);
        // SAFETY: We are a user.
        let lock = unsafe { mm.next_vma_trylock(start) }
            .map_err(|_| EAGAIN)?
            .ok_or(EINVAL)?;

        assert!(lock.end() >= memory.page(1, 0));
        assert!(lock.end() < memory.page(2, 0));
        assert!(!lock.is_contended());
        assert!(lock.block(memory.page(0, 7)).is_some());
        assert!(lock.next_block(memory.page(1, 0)).is_none());
        assert_eq!(
            lock.next_block(0).map(|block| block.start() <= start),
            Some(true)
        );
        Ok(())
    }

    #[test]
    fn there_is_no_vma_above_the_last_one() -> Result {
        let _memory = Memory::map(1)?;
        let task = current!();
        let mm: &Mm = mm(task)?;
        // SAFETY: We are a user.
        let next = unsafe { mm.next_vma_trylock(usize::MAX) };

        assert!(matches!(next, Ok(None)));
        Ok(())
    }

    #[test]
    fn a_map_shows_the_pages_that_were_touched() -> Result {
        let memory = Memory::map(1)?;
        for page in [0, 3, 511] {
            memory.touch(0, page)?;
        }
        let task = current!();
        let lock = mm(task)?.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let table = slot.map(memory.page(0, 1)).ok_or(EINVAL)?;

        assert!(table.read(memory.page(0, 0)).is_present());
        assert!(table.read(memory.page(0, 1)).is_none());
        assert!(table.read(memory.page(0, 511)).is_present());
        // From the page that was mapped to the end of the table.
        assert_eq!(table.iter().count(), 511);
        let mut present = table.iter().filter(|(_, entry)| entry.is_present());
        assert_eq!(
            present.next().map(|(addr, _)| addr),
            Some(memory.page(0, 3))
        );
        assert_eq!(
            present.next().map(|(addr, _)| addr),
            Some(memory.page(0, 511))
        );
        assert!(present.next().is_none());
        Ok(())
    }

    #[test]
    fn a_locked_table_counts_what_is_set_and_cleared() -> Result {
        let memory = Memory::map(1)?;
        memory.touch(0, 3)?;
        memory.touch(0, 4)?;
        let task = current!();
        let lock = mm(task)?.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let mut table = slot.map_lock(memory.page(0, 0)).ok_or(EINVAL)?;

        assert_eq!(table.table().populated(), 2);
        // SAFETY: What the entry refers to is given back before anybody can miss it.
        let entry = unsafe { table.clear(memory.page(0, 4)) };
        assert!(entry.is_present());
        assert_eq!(table.table().populated(), 1);
        assert!(table.read(memory.page(0, 4)).is_none());
        // SAFETY: The entry is what it was; nobody used the page meanwhile.
        unsafe { table.set(memory.page(0, 4), entry) };
        assert_eq!(table.table().populated(), 2);
        assert!(table.read(memory.page(0, 4)) == entry);
        Ok(())
    }

    #[test]
    fn a_table_is_found_empty_only_by_those_who_may_unhook_it() -> Result {
        let memory = Memory::map(1)?;
        memory.touch(0, 0)?;
        let task = current!();
        let lock = mm(task)?.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let pmd = slot.lock();
        let table = pmd.lock_table().ok_or(EINVAL)?;

        assert!(matches!(pmd.unhook(&table), Err(Busy::Populated)));
        Ok(())
    }
}

/// Does not compile if a type is `Send`: then it would have both traits, and which is meant would be
/// anybody's guess.
macro_rules! assert_not_send {
    ($type:ty) => {
        const _: fn() = || {
            trait Guess<A> {
                fn it() {}
            }
            struct IsSend;

            impl<T: ?Sized> Guess<()> for T {}
            impl<T: ?Sized + Send> Guess<IsSend> for T {}
            let _ = <$type as Guess<_>>::it;
        };
    };
}

// Those under which one may not sleep are given up where they were taken.
assert_not_send!(PteMap<'static>);
assert_not_send!(PteLock<'static>);
assert_not_send!(PmdLock<'static>);
assert_not_send!(TableGuard<'static>);

#[crate::prelude::kunit_tests(rust_pgtable_unhook)]
mod unhook {
    use super::*;

    #[test]
    fn a_table_that_is_referenced_stays() -> Result {
        let memory = Memory::map(1)?;
        let addr = memory.page(0, 0);
        let task = current!();
        let mm = mm(task)?;
        // So that there is a PMD table.
        memory.touch(0, 0)?;
        memory.zap(mm, 0)?;

        let lock = mm.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let held = PteTableRef::alloc_get(slot, addr)?.ok_or(EINVAL)?;
        let pmd = slot.lock();
        let table = pmd.lock_table().ok_or(EINVAL)?;

        assert!(matches!(pmd.unhook(&table), Err(Busy::Referenced)));
        drop(table);
        drop(pmd);
        drop(held);
        Ok(())
    }

    #[test]
    fn an_empty_table_goes_to_a_gather() -> Result {
        let memory = Memory::map(1)?;
        let addr = memory.page(0, 0);
        let task = current!();
        let mm = mm(task)?;
        memory.touch(0, 0)?;
        memory.zap(mm, 0)?;

        let lock = mm.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        // Nobody has a hint for a table that never held anything.
        drop(PteTableRef::alloc_get(slot, addr)?);
        pin_init::stack_pin_init!(let gather = Gather::new(&lock));
        let pmd = slot.lock();
        let table = pmd.lock_table().ok_or(EINVAL)?;
        let unhooked = pmd.unhook(&table);

        drop(table);
        drop(pmd);
        match unhooked {
            Ok(unhooked) => gather.free(unhooked),
            Err(_) => return Err(EBUSY),
        }
        assert!(slot.map(addr).is_none());
        Ok(())
    }

    #[test]
    fn a_table_is_unhooked_where_it_is() -> Result {
        let memory = Memory::map(2)?;
        memory.touch(0, 0)?;
        memory.touch(1, 0)?;
        let task = current!();
        let lock = mm(task)?.mmap_read_lock();
        let here = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let there = memory.slot(&lock, 1).ok_or(EINVAL)?;
        let table = here.map_lock(memory.page(0, 0)).ok_or(EINVAL)?;
        // The order of the locks forbids more than to try.
        let pmd = there.try_lock().ok_or(EBUSY)?;

        let result = pmd.unhook(table.table());
        assert!(matches!(result, Err(Busy::Moved)));
        Ok(())
    }
}

#[crate::prelude::kunit_tests(rust_pgtable_refs)]
mod refs {
    use super::*;

    /// Returns whether the table of the first block is freed, though nobody touches it.
    fn goes_by_itself(mm: &MmWithUser, memory: &Memory) -> bool {
        eventually(|| {
            let lock = mm.mmap_read_lock();
            let slot = memory.slot(&lock, 0);

            slot.is_some_and(|slot| slot.map(memory.page(0, 0)).is_none())
        })
    }

    #[test]
    fn a_zap_leaves_a_table_that_is_referenced() -> Result {
        let memory = Memory::map(1)?;
        let addr = memory.page(0, 9);
        memory.touch(0, 9)?;
        let task = current!();
        let mm = mm(task)?;
        let lock = mm.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let table = PteTableRef::try_get(slot, addr).ok_or(EINVAL)?;

        assert!(table.lock(slot).is_some());
        drop(lock);
        memory.zap(mm, 0)?;

        let lock = mm.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        assert_eq!(
            table.lock(slot).map(|table| table.table().populated()),
            Some(0)
        );
        drop(lock);
        drop(table);
        // Nobody else is going to hint at it.
        assert!(goes_by_itself(mm, &memory));
        Ok(())
    }

    #[test]
    fn the_reclaimer_leaves_a_table_that_is_referenced() -> Result {
        let memory = Memory::map(1)?;
        let addr = memory.page(0, 9);
        let task = current!();
        let mm = mm(task)?;
        // So that there is a PMD table.
        memory.touch(0, 0)?;
        memory.zap(mm, 0)?;

        let lock = mm.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let table = PteTableRef::alloc_get(slot, addr)?.ok_or(EINVAL)?;
        drop(lock);
        // SAFETY: The mm is valid.
        unsafe { bindings::free_user_pte_rescan(mm.as_raw()) };
        // As long as it takes to free one that is not.
        // SAFETY: Tests may sleep.
        unsafe { bindings::msleep(300) };

        let lock = mm.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        assert!(table.map(slot).is_some());
        drop(lock);
        drop(table);
        assert!(goes_by_itself(mm, &memory));
        Ok(())
    }

    #[test]
    fn a_reference_outlives_the_mapping() -> Result {
        let memory = Memory::map(2)?;
        let addr = memory.page(0, 9);
        memory.touch(0, 9)?;
        // Another table below the same PMD table, which keeps that.
        memory.touch(1, 0)?;
        let task = current!();
        let mm = mm(task)?;
        let lock = mm.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let table = PteTableRef::try_get(slot, addr).ok_or(EINVAL)?;
        drop(lock);

        memory.unmap(0)?;
        memory.remap(0)?;
        memory.touch(0, 9)?;
        let lock = mm.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        assert!(slot.map(addr).is_some());
        assert!(table.map(slot).is_none());
        assert!(table.lock(slot).is_none());
        Ok(())
    }

    #[test]
    fn a_table_is_referenced_by_many() -> Result {
        let memory = Memory::map(1)?;
        let addr = memory.page(0, 0);
        memory.touch(0, 0)?;
        let task = current!();
        let lock = mm(task)?.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let first = PteTableRef::try_get(slot, addr).ok_or(EINVAL)?;
        let second = PteTableRef::alloc_get(slot, addr)?.ok_or(EINVAL)?;

        drop(first);
        assert!(second.map(slot).is_some());
        assert!(second
            .lock(slot)
            .is_some_and(|table| table.table().refs().is_shared()));
        drop(second);
        let table = slot.map_lock(addr).ok_or(EINVAL)?;
        assert!(!table.table().refs().is_shared());
        Ok(())
    }
}
