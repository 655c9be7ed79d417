// SPDX-License-Identifier: GPL-2.0

//! Looking at a PTE table without its lock.

use super::{Glance, Pmd, PmdCell, PmdKind, Pte, PteLeaf, PteLock};
use crate::{bindings, page::PAGE_SHIFT, page::PAGE_SIZE, sync::rcu};
use core::{marker::PhantomData, mem::ManuallyDrop, ptr::NonNull};

const ENTRIES: usize = bindings::PTRS_PER_PTE as usize;

/// A PTE table, mapped to be looked at.
///
/// The RCU read lock is held, so that the memory of the table stays, even if it is unhooked
/// meanwhile. If that was for being empty all its entries are none; a collapse to a huge page may
/// leave them as they are. It is not `Send`, and one may not sleep before it is dropped.
///
/// # Invariants
///
/// `entry` points to an entry of the table that `pmd` points to.
///
/// # Examples
///
/// ```
/// use kernel::mm::pgtable::VmaStabilised;
///
/// /// Counts the pages that are mapped from `addr` on, as far as one table goes.
/// fn present(lock: &impl VmaStabilised, addr: usize) -> usize {
///     let slot = lock.block(addr).and_then(|block| block.slot());
///
///     slot.and_then(|slot| slot.map(addr)).map_or(0, |table| {
///         table.iter().filter(|(_, entry)| entry.is_present()).count()
///     })
/// }
/// ```
#[must_use = "the table is unmapped at once if this is not bound"]
pub struct PteMap<'a> {
    entry: NonNull<bindings::pte_t>,
    addr: usize,
    pmd: Pmd,
    _rcu: rcu::Guard,
    _cell: PhantomData<&'a PmdCell>,
}

impl PmdCell {
    /// Maps the PTE table below this entry, at an address of the block that the entry stands for.
    #[inline]
    pub fn map(&self, addr: usize) -> Option<PteMap<'_>> {
        self.read_and_map(addr).1
    }

    /// The same, and tells what the entry was.
    #[inline]
    pub fn read_and_map(&self, addr: usize) -> (Pmd, Option<PteMap<'_>>) {
        let (pmd, map) = self.map_lockless(addr);

        if map.is_none() {
            self.complain(pmd);
        }
        (pmd, map)
    }

    /// The same, for those who hold no lock that keeps the entry what it is, and must not clear one
    /// that is bad: that is left to those who come with a lock.
    #[inline]
    pub fn map_lockless(&self, addr: usize) -> (Pmd, Option<PteMap<'_>>) {
        let rcu = rcu::read_lock();
        let pmd = self.read();
        let Some(table) = pmd.table() else {
            return (pmd, None);
        };

        // INVARIANT: The entry is one of that table, which was hooked after the RCU read lock was
        // taken.
        let map = PteMap {
            entry: table.entry(addr),
            addr,
            pmd,
            _rcu: rcu,
            _cell: PhantomData,
        };
        (pmd, Some(map))
    }

    /// Reports and clears what is neither a table nor anything else.
    #[cold]
    fn complain(&self, pmd: Pmd) {
        if pmd.kind() == PmdKind::Bad {
            // SAFETY: The entry can be read, and is written to only if it is still bad.
            unsafe { bindings::pmd_clear_bad(self.as_raw()) };
        }
    }
}

impl<'a> PteMap<'a> {
    /// Reads the entry of an address of the block.
    #[inline]
    pub fn read(&self, addr: usize) -> Pte {
        // SAFETY: It is in the table by the type invariants, and a word that is read at once.
        Pte::from_ffi(unsafe { self.place(addr).read_volatile() })
    }

    /// Goes over the entries with their addresses, from the address that was mapped to the end of
    /// the block.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (usize, Pte)> + '_ {
        let first = self.addr & !(PAGE_SIZE - 1);

        (index(first)..ENTRIES).scan(first, |next, _| {
            let addr = *next;

            *next = next.wrapping_add(PAGE_SIZE);
            Some((addr, self.read(addr)))
        })
    }

    /// Returns how many entries from `addr` on, but not more than `most`, map pages that follow each
    /// other, all in the same way as `first` does, which is what the first of them was once. The marks
    /// that the processor sets by itself do not matter.
    #[inline]
    pub fn run(&self, addr: usize, first: PteLeaf, most: usize) -> usize {
        let most = most.min(ENTRIES - index(addr));
        let place = self.place(addr);
        let mut count = 0;

        // SAFETY: It is in the table, as there are so many entries, and a word that is read at once.
        while count < most
            && Pte::from_ffi(unsafe { place.wrapping_add(count).read_volatile() })
                .continues(first, count)
        {
            count += 1;
        }
        count
    }

    /// What the PMD entry was when the table was mapped.
    #[inline]
    pub fn pmd(&self) -> Pmd {
        self.pmd
    }

    /// Returns the descriptor of the table.
    #[inline]
    pub(super) fn descriptor(&self) -> NonNull<bindings::ptdesc> {
        self.pmd.assume_table().descriptor()
    }

    /// Returns what the table says of itself.
    #[inline]
    pub fn glance(&self) -> Glance {
        // SAFETY: The descriptor is that of a PTE table of user memory, which the RCU read lock keeps.
        unsafe { Glance::at(self.descriptor().as_ptr()) }
    }

    /// Returns the lock of the table.
    #[inline]
    pub fn lock_ptr(&self) -> *mut bindings::spinlock_t {
        // SAFETY: The descriptor is that of a table, which the RCU read lock keeps.
        unsafe { bindings::ptdesc_lockptr(self.descriptor().as_ptr()) }
    }

    /// Returns whether this is the table with that descriptor.
    #[inline]
    pub fn is_of(&self, table: *const bindings::ptdesc) -> bool {
        core::ptr::eq(self.descriptor().as_ptr(), table)
    }

    /// Returns where the entry of an address of the block is.
    #[inline]
    pub fn place(&self, addr: usize) -> *mut bindings::pte_t {
        let table = self
            .entry
            .as_ptr()
            .map_addr(|entry| entry & !(PAGE_SIZE - 1));

        table.wrapping_add(index(addr))
    }

    /// Gives the RCU read lock to C code that releases it by `pte_unmap()`.
    #[inline]
    pub fn into_raw(self) -> *mut bindings::pte_t {
        ManuallyDrop::new(self).entry.as_ptr()
    }

    /// Returns the entry that was mapped.
    #[inline]
    pub(super) fn entry(&self) -> *mut bindings::pte_t {
        self.entry.as_ptr()
    }

    /// Takes the lock of the table, unless it is not hooked at `pmd` any more.
    ///
    /// # Safety
    ///
    /// The table belongs to `mm`.
    #[inline]
    pub unsafe fn lock(self, pmd: &PmdCell, mm: *mut bindings::mm_struct) -> Option<PteLock<'a>> {
        // SAFETY: The lock is part of the descriptor of a table, which the RCU read lock keeps.
        unsafe { bindings::spin_lock(self.lock_ptr()) };
        let before = self.pmd;
        // SAFETY: Just taken; the table is one of this mm.
        let locked = unsafe { PteLock::assume(self, mm) };

        // Who unhooks a table for being empty does so under its lock. All others have to be kept
        // out by a lock that keeps the VMA.
        (pmd.read() == before).then_some(locked)
    }
}

#[inline]
fn index(addr: usize) -> usize {
    addr >> PAGE_SHIFT & (ENTRIES - 1)
}
