// SPDX-License-Identifier: GPL-2.0

//! Holding the mmap lock, or the lock of a VMA, to look for tables.

use super::{is_hugetlb, Block, Mm, MmapReadGuard, VmaRef, TABLE_SPAN};
use crate::{
    bindings,
    sync::{
        atomic::{atomic_load, Relaxed},
        rcu,
    },
    types::NotThreadSafe,
};
use core::ptr::{addr_of, addr_of_mut};

/// A guard that keeps VMAs as they are: all those of an address space, or one.
///
/// # Safety
///
/// While the guard exists the VMAs that [`VmaStabilised::next_block`] finds do not go away, nor do
/// the upper page tables that map them.
pub unsafe trait VmaStabilised {
    /// Returns the address space of the VMAs.
    fn mm(&self) -> &Mm;

    /// Returns the first block at or above the one of `addr` that one of the VMAs intersects which
    /// may have PTE tables.
    fn next_block(&self, addr: usize) -> Option<Block<'_>>;

    /// Returns the block of `addr`, if one of the VMAs intersects it which may have PTE tables.
    #[inline]
    fn block(&self, addr: usize) -> Option<Block<'_>> {
        self.next_block(addr).filter(|block| block.start() <= addr)
    }

    /// Flushes what reclaim cleared in this address space and has not flushed yet. To be called
    /// under the lock of a table before the table is judged.
    #[inline]
    fn flush_tlb_batched_pending(&self) {
        // SAFETY: The mm is valid.
        unsafe { bindings::flush_tlb_batched_pending(self.mm().as_raw()) };
    }
}

// SAFETY: The guard holds the mmap lock, and its mm has users. A VMA is hidden under the lock for
// writing before it goes with its page tables.
unsafe impl VmaStabilised for MmapReadGuard<'_> {
    #[inline]
    fn mm(&self) -> &Mm {
        self.mm
    }

    fn next_block(&self, addr: usize) -> Option<Block<'_>> {
        let mut start = addr & !(TABLE_SPAN - 1);

        loop {
            let vma = self.find_vma(start)?;

            if !is_hugetlb(vma) {
                let first = vma.start() & !(TABLE_SPAN - 1);

                // SAFETY: The VMA ends above `start`, and stays while the guard exists.
                return Some(unsafe { Block::new(self.mm, first.max(start)) });
            }
            start = vma.end().checked_next_multiple_of(TABLE_SPAN)?;
        }
    }
}

/// The lock of a VMA, held for reading by one who is not a user of the address space.
///
/// Who takes a reference as a user, with [`Mm::mmget_not_zero`], may be left as the last one, and
/// then what ends with a process, its memory and the files that it mapped, ends late, after its
/// parent was told of its death. With this guard the last user may leave at any time; its way
/// through `exit_mmap()` then stops where it needs the VMA for writing, which is before its page
/// tables are taken away.
///
/// # Invariants
///
/// `vma` is a VMA of `mm`, and this thread has locked it for reading.
pub struct VmaScanGuard<'a> {
    mm: &'a Mm,
    vma: &'a VmaRef,
    // The lock must be released by the thread that took it
    _nts: NotThreadSafe,
}

/// Why [`Mm::next_vma_trylock`] did not lock a VMA: somebody has it locked for writing, or it just
/// went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VmaContended;

impl Mm {
    /// Locks the first VMA that ends above `addr` for reading, without becoming a user, if that
    /// takes no waiting.
    ///
    /// Does not sleep.
    ///
    /// # Safety
    ///
    /// Until this returns the address space has a user, or the one who was the last has not gone as
    /// far as `exit_mmap()`.
    pub unsafe fn next_vma_trylock(
        &self,
        addr: usize,
    ) -> Result<Option<VmaScanGuard<'_>>, VmaContended> {
        // SAFETY: exit_mmap() has not come yet, by the contract of this function.
        let Some(addr) = unsafe { self.next_vma_start(addr) }? else {
            return Ok(None);
        };
        // SAFETY: The mm is valid. Its tree of VMAs can be read under RCU: exit_mmap(), which ends
        // that, has not come yet, by the contract of this function, and dup_mmap() was done with it
        // above.
        let vma = unsafe { bindings::lock_vma_under_rcu(self.as_raw(), addr) };

        if vma.is_null() {
            return Err(VmaContended);
        }
        // INVARIANT: It was found in `self` and locked.
        Ok(Some(VmaScanGuard {
            mm: self,
            // SAFETY: The VMA is locked, so that it stays while the guard exists.
            vma: unsafe { VmaRef::from_raw(vma) },
            _nts: NotThreadSafe,
        }))
    }

    /// Returns the first address at or above `addr` that a VMA seemed to contain.
    ///
    /// # Safety
    ///
    /// As for [`Mm::next_vma_trylock`].
    unsafe fn next_vma_start(&self, addr: usize) -> Result<Option<usize>, VmaContended> {
        let mut index = addr;
        // SAFETY: The mm is valid.
        let tree = unsafe { addr_of_mut!((*self.as_raw()).__bindgen_anon_1.mm_mt) };
        let _rcu = rcu::read_lock();

        // dup_mmap() fills the tree of a child, and may drop it, without caring for readers.
        // SAFETY: The tree lives as long as the mm.
        if !unsafe { bindings::mt_in_rcu(tree) } {
            return Err(VmaContended);
        }
        // SAFETY: The tree lives as long as the mm, and can be read under RCU: see above for
        // dup_mmap(), and the contract of this function for exit_mmap().
        let vma = unsafe { bindings::mt_find(tree, &mut index, usize::MAX) };
        let vma = vma.cast::<bindings::vm_area_struct>();

        if vma.is_null() {
            return Ok(None);
        }
        // SAFETY: The memory of VMAs stays that of VMAs until a grace period is over. What is read
        // may be wrong, or of another one: it is only where to look next.
        let start =
            unsafe { addr_of!((*vma).__bindgen_anon_1.__bindgen_anon_1.vm_start).read_volatile() };
        Ok(Some(start.max(addr)))
    }
}

impl VmaScanGuard<'_> {
    /// Returns the first address behind the VMA.
    #[inline]
    pub fn end(&self) -> usize {
        self.vma.end()
    }

    /// Returns whether somebody waits for the lock, to write.
    #[inline]
    pub fn is_contended(&self) -> bool {
        // SAFETY: The VMA is locked, by the type invariants. All accesses to its count are atomic.
        let count = unsafe {
            let count = addr_of_mut!((*self.vma.as_ptr()).vm_refcnt.refs.counter);
            atomic_load(count, Relaxed)
        };

        count as u32 & bindings::VM_REFCNT_EXCLUDE_READERS_FLAG != 0
    }
}

// SAFETY: The guard holds the lock. It is taken for writing before a VMA goes with its page tables,
// be it in munmap() or in exit_mmap().
unsafe impl VmaStabilised for VmaScanGuard<'_> {
    #[inline]
    fn mm(&self) -> &Mm {
        self.mm
    }

    fn next_block(&self, addr: usize) -> Option<Block<'_>> {
        let start = addr.max(self.vma.start()) & !(TABLE_SPAN - 1);

        // SAFETY: The VMA ends above `start`, and stays while the guard exists.
        (start < self.end() && !is_hugetlb(self.vma)).then(|| unsafe { Block::new(self.mm, start) })
    }
}

impl Drop for VmaScanGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The lock is held by this thread, by the type invariants.
        unsafe { bindings::vma_end_read(self.vma.as_ptr()) };
    }
}
