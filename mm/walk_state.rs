// SPDX-License-Identifier: GPL-2.0

//! Walks for C code that is a loop: `include/linux/mm_walk_state.h`.

use core::{mem::ManuallyDrop, ops::Range};
use kernel::{
    bindings,
    mm::{
        virt::VmaRef,
        walk::{Entry, Hold, Item, Level, LockedWalk, Walk, WalkHolding},
        MmapReadGuard,
    },
    prelude::*,
};

type State = bindings::mm_walk_state;

/// A walk that lives in a state.
///
/// # Invariants
///
/// `walk` borrows `lock`, which does not move while there is one.
struct Stored<H: Hold + 'static> {
    lock: ManuallyDrop<MmapReadGuard<'static>>,
    walk: ManuallyDrop<WalkHolding<'static, H>>,
}

/// What a state holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nothing,
    Copies,
    Locked,
}

impl Kind {
    fn of(state: &State) -> Self {
        match state.under_way {
            1 => Self::Copies,
            2 => Self::Locked,
            _ => Self::Nothing,
        }
    }

    fn set(self, state: &mut State) {
        state.under_way = match self {
            Self::Nothing => 0,
            Self::Copies => 1,
            Self::Locked => 2,
        };
    }
}

fn place<H: Hold + 'static>(state: &mut State) -> *mut Stored<H> {
    const {
        assert!(size_of::<Stored<H>>() <= 8 * bindings::MM_WALK_STATE_WORDS as usize);
        assert!(align_of::<Stored<H>>() <= 8);
    }
    state.walk.as_mut_ptr().cast()
}

/// Puts a walk into a state.
///
/// # Safety
///
/// The mmap lock of the state's mm must be held until the walk is dropped, and the state neither move
/// nor have a walk.
unsafe fn begin<H: Hold + 'static>(
    state: &mut State,
    make: fn(&'static MmapReadGuard<'static>, Range<usize>, u32) -> WalkHolding<'static, H>,
) {
    let (range, flags) = (state.start..state.end, state.flags);
    let mm = state.mm;
    let stored = place::<H>(state);

    // SAFETY: There is room for both; as the caller promises, the lock is held, and stays where it is.
    // It is the caller of the loop who releases it.
    unsafe {
        (&raw mut (*stored).lock).write(ManuallyDrop::new(MmapReadGuard::assume(mm)));
        let lock: &'static MmapReadGuard<'static> = &*(&raw const (*stored).lock).cast();
        // INVARIANT: It borrows the lock beside it.
        (&raw mut (*stored).walk).write(ManuallyDrop::new(make(lock, range, flags)));
    }
}

fn flagged(walk: Walk<'static>, flags: u32) -> Walk<'static> {
    let walk = match flags & bindings::MM_WALK_HOLES != 0 {
        true => walk.holes(),
        false => walk,
    };

    if flags & bindings::MM_WALK_SPLIT != 0 {
        walk.split()
    } else if flags & bindings::MM_WALK_PAGES != 0 {
        walk.pages()
    } else {
        walk
    }
}

fn copies(lock: &'static MmapReadGuard<'static>, range: Range<usize>, flags: u32) -> Walk<'static> {
    flagged(lock.walk(range), flags)
}

fn locked(
    lock: &'static MmapReadGuard<'static>,
    range: Range<usize>,
    flags: u32,
) -> LockedWalk<'static> {
    flagged(lock.walk(range), flags).locked()
}

fn tell(state: &mut State, item: &Item<'_>) {
    let (level, hole) = match item.entry {
        Entry::Pte(pte) | Entry::Hugetlb(pte) => {
            state.__bindgen_anon_1.pte = pte.into_ffi();
            (Level::Pte, false)
        }
        Entry::Pmd(pmd) => {
            state.__bindgen_anon_1.pmd = pmd.into_ffi();
            (Level::Pmd, false)
        }
        Entry::Pud(pud) => {
            state.__bindgen_anon_1.pud = pud.into_ffi();
            (Level::Pud, false)
        }
        Entry::Hole(level) => {
            state.__bindgen_anon_1.pte = bindings::pte_t::default();
            (level, true)
        }
    };

    state.addr = item.addr;
    state.next = item.end;
    state.vma = item.vma.map_or(core::ptr::null_mut(), VmaRef::as_ptr);
    state.hole = hole;
    state.level = match level {
        Level::Pte => bindings::pgtable_level_PGTABLE_LEVEL_PTE,
        Level::Pmd => bindings::pgtable_level_PGTABLE_LEVEL_PMD,
        Level::Pud => bindings::pgtable_level_PGTABLE_LEVEL_PUD,
        Level::P4d => bindings::pgtable_level_PGTABLE_LEVEL_P4D,
        Level::Pgd => bindings::pgtable_level_PGTABLE_LEVEL_PGD,
    };
}

/// Goes on to the next entry; returns whether there is one.
///
/// # Safety
///
/// `state` must be valid, and not have moved since the loop began; the mmap lock of its mm be held.
#[export]
pub(crate) unsafe extern "C" fn mm_walk_next(state: *mut State) -> bool {
    // SAFETY: As the caller promises.
    let state = unsafe { &mut *state };

    if Kind::of(state) != Kind::Copies {
        // SAFETY: As the caller promises; after this it has no walk.
        unsafe {
            mm_walk_end(state);
            begin(state, copies);
        }
        Kind::Copies.set(state);
    }
    // SAFETY: It has a walk of this kind.
    let walk: &mut Walk<'static> = unsafe { &mut (*place(state)).walk };
    let item = walk.next();

    if let Some(item) = &item {
        tell(state, item);
    }
    item.is_some()
}

/// Goes on to the next entry of a PTE table, and has the table locked; returns whether there is one.
///
/// # Safety
///
/// As for `mm_walk_next`.
#[export]
pub(crate) unsafe extern "C" fn mm_walk_next_locked(state: *mut State) -> bool {
    // SAFETY: As the caller promises.
    let state = unsafe { &mut *state };

    if Kind::of(state) != Kind::Locked {
        // SAFETY: As the caller promises; after this it has no walk.
        unsafe {
            mm_walk_end(state);
            begin(state, locked);
        }
        Kind::Locked.set(state);
    }
    // SAFETY: It has a walk of this kind.
    let walk: &mut LockedWalk<'static> = unsafe { &mut (*place(state)).walk };
    let item = walk.find(|item| matches!(item.entry, Entry::Pte(_)));

    if let Some(item) = &item {
        tell(state, item);
    }
    item.is_some()
}

/// Releases what the walk holds. The state can be used for another one.
///
/// # Safety
///
/// `state` must be valid, and not have moved since the loop began.
#[export]
pub(crate) unsafe extern "C" fn mm_walk_end(state: *mut State) {
    // SAFETY: As the caller promises.
    let state = unsafe { &mut *state };

    // SAFETY: It has a walk of that kind, which is used no more.
    match Kind::of(state) {
        Kind::Nothing => {}
        Kind::Copies => unsafe {
            let stored: *mut Stored<kernel::mm::walk::Nothing> = place(state);
            ManuallyDrop::drop(&mut (*stored).walk);
        },
        Kind::Locked => unsafe {
            let stored: *mut Stored<kernel::mm::walk::TableLock> = place(state);
            ManuallyDrop::drop(&mut (*stored).walk);
        },
    }
    Kind::Nothing.set(state);
}
