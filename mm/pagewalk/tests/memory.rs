// SPDX-License-Identifier: GPL-2.0

//! Walks of user space, against the C.

#[kernel::prelude::kunit_tests(rust_pagewalk_memory)]
mod memory {
    use crate::pagewalk::tests::{
        forest::Random,
        log::{self, Event, Log},
    };
    use kernel::{
        bindings, current,
        mm::{
            pgtable::{
                testing::{eventually, mm, Memory},
                PmdKind,
            },
            walk::{Chunk, Entry},
            MmWithUser,
        },
        page::PAGE_SIZE,
        prelude::*,
    };

    type Walk = unsafe extern "C" fn(
        *mut bindings::mm_struct,
        usize,
        usize,
        *const bindings::mm_walk_ops,
        *mut core::ffi::c_void,
    ) -> i32;

    fn run(
        walk: Walk,
        mm: &MmWithUser,
        (start, end): (usize, usize),
        which: u32,
        seed: u64,
    ) -> Result<Log> {
        let _lock = mm.mmap_read_lock();

        Log::of(which, seed, |ops, private| {
            // SAFETY: The mmap lock is held.
            unsafe { walk(mm.as_raw(), start, end, ops, private) }
        })
    }

    fn compare(mm: &MmWithUser, range: (usize, usize), which: u32, seed: u64) -> Result<bool> {
        let rust = run(bindings::walk_page_range, mm, range, which, seed)?;
        let c = run(bindings::c_walk_page_range, mm, range, which, seed)?;

        Ok(rust.is_like(&c))
    }

    /// Five blocks: a full start, some pages, a table that is not there, an area that is not there.
    fn memory() -> Result<Memory> {
        let memory = Memory::map(5)?;

        for page in 0..9 {
            memory.touch(0, page)?;
        }
        for page in [0, 3, 4, 511] {
            memory.touch(1, page)?;
        }
        memory.unmap(3)?;
        memory.touch(4, 17)?;
        Ok(memory)
    }

    #[test]
    fn callbacks() -> Result {
        let memory = memory()?;
        let task = current!();
        let mm = mm(&task)?;
        let (start, end) = (memory.page(0, 0), memory.page(4, 511) + PAGE_SIZE);

        for range in [
            (start, end),
            (start + PAGE_SIZE, end - PAGE_SIZE),
            (memory.page(1, 3), memory.page(1, 5)),
            (memory.page(2, 0), memory.page(3, 0)),
            (memory.page(3, 7), memory.page(4, 18)),
            (memory.page(3, 7), memory.page(3, 8)),
        ] {
            for which in [
                log::ALL,
                0,
                log::HOLES,
                log::PTE,
                log::PTE | log::HOLES,
                log::PMD,
                log::VMAS,
                log::ALL | log::VMAS,
            ] {
                assert!(compare(mm, range, which, 0)?);
            }
        }
        Ok(())
    }

    /// Callbacks that say what to do next, and that fail.
    #[test]
    fn answers() -> Result {
        let memory = memory()?;
        let task = current!();
        let mm = mm(&task)?;

        for seed in 1..100 {
            let mut random = Random::new(seed);
            let which = random.below(log::INSTALL as usize) as u32;
            let first = random.below(5 * 512);
            let count = random.below(5 * 512 - first) + 1;
            let start = memory.page(0, first);

            assert!(compare(
                mm,
                (start, start + count * PAGE_SIZE),
                which,
                seed
            )?);
        }
        Ok(())
    }

    #[test]
    fn refuses() -> Result {
        let memory = memory()?;
        let task = current!();
        let mm = mm(&task)?;
        let at = memory.page(0, 0);

        for walk in [
            bindings::walk_page_range as Walk,
            bindings::c_walk_page_range,
        ] {
            for range in [(at, at), (at + 1, at)] {
                let log = run(walk, mm, range, log::ALL, 0)?;

                assert_eq!(log.result, EINVAL.to_errno());
                assert!(log.events.is_empty());
            }
        }
        Ok(())
    }

    /// What entries the callbacks of C are called for, but none.
    fn present(log: &Log) -> impl Iterator<Item = (usize, u64)> + '_ {
        log.events
            .iter()
            .filter(|event| event.what == log::PTE && event.value != 0)
            .map(|Event { addr, value, .. }| (*addr, *value))
    }

    /// Marks that the processor sets: they may come between two looks.
    const MARKS: u64 = 0x60;

    fn same(a: (usize, u64), b: (usize, u64)) -> bool {
        a.0 == b.0 && a.1 | MARKS == b.1 | MARKS
    }

    #[test]
    fn iterators() -> Result {
        let memory = memory()?;
        let task = current!();
        let mm = mm(&task)?;
        let range = (memory.page(0, 1), memory.page(4, 400));
        let c = run(bindings::c_walk_page_range, mm, range, log::ALL, 0)?;
        let lock = mm.mmap_read_lock();
        let pte = |entry| match entry {
            Entry::Pte(pte) => Some(pte.into_raw()),
            _ => None,
        };
        let walked = lock
            .walk(range.0..range.1)
            .filter_map(|item| Some((item.addr, pte(item.entry)?)));
        let equal = walked.eq_by_pairs(present(&c));
        let locked = lock
            .walk(range.0..range.1)
            .locked()
            .filter_map(|item| Some((item.addr, pte(item.entry)?)));
        let locked_equal = locked.eq_by_pairs(present(&c));

        drop(lock);
        assert!(equal);
        assert!(locked_equal);
        assert!(present(&c).count() == 8 + 4 + 1);
        Ok(())
    }

    /// Compares two iterators by what does not change by itself.
    trait EqByPairs: Iterator<Item = (usize, u64)> + Sized {
        fn eq_by_pairs(mut self, mut other: impl Iterator<Item = (usize, u64)>) -> bool {
            loop {
                match (self.next(), other.next()) {
                    (None, None) => return true,
                    (Some(a), Some(b)) if same(a, b) => {}
                    _ => return false,
                }
            }
        }
    }

    impl<I: Iterator<Item = (usize, u64)>> EqByPairs for I {}

    /// With holes, nothing of the range is left out, and nothing comes twice.
    #[test]
    fn covers_the_range() -> Result {
        let memory = memory()?;
        let task = current!();
        let mm = mm(&task)?;
        let (start, end) = (memory.page(0, 5), memory.page(4, 300));
        let lock = mm.mmap_read_lock();
        let mut at = start;
        let mut gaps = 0;

        for item in lock.walk(start..end).holes() {
            gaps += usize::from(item.addr != at || item.end <= item.addr);
            at = item.end;
        }
        drop(lock);
        assert_eq!(gaps, 0);
        assert_eq!(at, end);
        Ok(())
    }

    #[test]
    fn chunks() -> Result {
        let memory = memory()?;
        let task = current!();
        let mm = mm(&task)?;
        let lock = mm.mmap_read_lock();
        let vma = lock.vma_lookup(memory.page(0, 0)).ok_or(EINVAL)?;
        let (mut entries, mut holes, mut others) = (0, 0, 0);

        let mut chunks = vma.chunks(memory.page(0, 0)..memory.page(3, 0));

        while let Some(chunk) = chunks.next_chunk() {
            match chunk {
                Chunk::Ptes(slice) => entries += slice.iter().filter(|e| !e.is_none()).count(),
                Chunk::Hole(hole) => holes += hole.range.len() / PAGE_SIZE,
                _ => others += 1,
            }
        }
        drop(lock);
        assert_eq!((entries, holes, others), (9 + 4, 512, 0));
        Ok(())
    }

    /// A huge page, and one that is small behind it.
    fn huge_memory() -> Result<Memory> {
        let memory = Memory::map(2)?;
        let task = current!();
        let mm = mm(&task)?;

        memory.advise(mm, 0, 0, 512, bindings::MADV_HUGEPAGE)?;
        memory.touch(0, 0)?;
        memory.advise(mm, 1, 0, 512, bindings::MADV_NOHUGEPAGE)?;
        memory.touch(1, 0)?;
        Ok(memory)
    }

    /// What a locked walk yields of a huge page, or of its pages, stays as long as it says.
    #[test]
    fn huge_page_is_locked() -> Result {
        let memory = huge_memory()?;
        let task = current!();
        let mm = mm(&task)?;
        let range = memory.page(0, 3)..memory.page(1, 1);
        let lock = mm.mmap_read_lock();
        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let is_locked = || slot.try_lock().is_none();

        // Or it would be no test.
        assert!(slot.cell().read().is_leaf());
        let mut walk = lock.walk(range.clone()).locked();

        assert!(matches!(
            walk.next().map(|item| item.entry),
            Some(Entry::Pmd(_))
        ));
        assert!(is_locked());
        walk.descend();
        assert!(walk
            .next()
            .is_some_and(|item| item.addr == memory.page(0, 3)));
        assert!(is_locked());
        assert_eq!(
            walk.by_ref()
                .take_while(|item| item.addr < memory.page(1, 0))
                .count(),
            508
        );
        assert!(!is_locked());
        drop(walk);

        let mut walk = lock.walk(range.clone()).locked().pages();

        assert_eq!(walk.by_ref().take(509).count(), 509);
        assert!(is_locked());
        // The small page has another table.
        assert!(walk
            .next()
            .is_some_and(|item| item.addr == memory.page(1, 0)));
        assert!(!is_locked());
        drop(walk);

        // A walk that is under way goes on.
        let mut walk = lock.walk(range).pages();

        assert_eq!(walk.by_ref().take(9).count(), 9);
        let mut walk = walk.locked();

        assert!(walk
            .next()
            .is_some_and(|item| item.addr == memory.page(0, 12)));
        assert!(is_locked());
        Ok(())
    }

    /// Splitting what was yielded last has its pages come, of that part alone which is walked.
    #[test]
    fn chunk_is_split() -> Result {
        let memory = huge_memory()?;
        let task = current!();
        let mm = mm(&task)?;
        let lock = mm.mmap_read_lock();
        let vma = lock.vma_lookup(memory.page(0, 0)).ok_or(EINVAL)?;
        let mut chunks = vma.chunks(memory.page(0, 3)..memory.page(0, 90));

        assert!(matches!(chunks.next_chunk(), Some(Chunk::Pmd(_))));
        chunks.split_last();
        assert!(matches!(
            chunks.next_chunk(),
            Some(Chunk::Ptes(slice)) if slice.start() == memory.page(0, 3) && slice.len() == 87
        ));
        // There is nothing more that could be split.
        chunks.split_last();
        assert!(chunks.next_chunk().is_none());
        Ok(())
    }

    /// A table that vanishes while a walk is in the middle of it.
    #[test]
    fn goes_on_without_the_table() -> Result {
        let memory = memory()?;
        let task = current!();
        let mm = mm(&task)?;
        let range = memory.page(0, 0)..memory.page(2, 0);
        let lock = mm.mmap_read_lock();
        let mut walk = lock.walk(range);
        let first = walk.next().map(|item| item.addr);

        let slot = memory.slot(&lock, 0).ok_or(EINVAL)?;
        let kind = || slot.cell().read().kind();
        let before = kind();
        // By a zap that needs no more than the lock for reading, as does the reclaimer.
        // SAFETY: The VMA is valid, and locked for reading.
        let zapped = lock.vma_lookup(memory.page(0, 0)).map(|vma| {
            vma.zap_vma_range(memory.page(0, 0), 512 * PAGE_SIZE);
        });
        let gone = eventually(|| matches!(kind(), PmdKind::None));
        // Those that were copied already may come still.
        let left = walk.filter(|item| item.addr >= memory.page(1, 0)).count();

        drop(lock);
        assert!(first == Some(memory.page(0, 0)) && zapped.is_some());
        // Or it would be no test.
        assert!(matches!(before, PmdKind::Table(_)) && gone);
        assert_eq!(left, 4);
        Ok(())
    }

    /// The loops of C, whatever way they are left.
    #[test]
    fn states() -> Result {
        let memory = memory()?;
        let task = current!();
        let mm = mm(&task)?;
        let lock = mm.mmap_read_lock();
        let mut state = bindings::mm_walk_state {
            mm: mm.as_raw(),
            start: memory.page(0, 0),
            end: memory.page(2, 0),
            ..Default::default()
        };
        let (mut all, mut some) = (0, 0);

        // SAFETY: The state does not move, and the lock is held.
        unsafe {
            while bindings::mm_walk_next_locked(&raw mut state) {
                all += 1;
            }
            bindings::mm_walk_end(&raw mut state);
            // Left early: the table is unlocked, or the next loop would wait for ever.
            for _ in 0..2 {
                while bindings::mm_walk_next_locked(&raw mut state) {
                    some += 1;
                    break;
                }
                bindings::mm_walk_end(&raw mut state);
            }
            while bindings::mm_walk_next(&raw mut state) {
                some += 1;
            }
            bindings::mm_walk_end(&raw mut state);
        }
        drop(lock);
        assert_eq!((all, some), (13, 2 + 13));
        Ok(())
    }
}
