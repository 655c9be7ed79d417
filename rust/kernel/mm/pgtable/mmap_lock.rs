// SPDX-License-Identifier: GPL-2.0

//! Holding the mmap lock to look for tables.

use super::{is_hugetlb, Block, Mm, MmapReadGuard, VmaRef, TABLE_SPAN};
use crate::{bindings, types::NotThreadSafe};

/// A guard of the mmap lock, whether the address space is sure to keep its users or not.
///
/// # Safety
///
/// While the guard exists the mmap lock of [`MmapLocked::mm`] is held by this thread, for reading or for
/// writing, and neither VMAs that can be found nor their page tables go away.
pub unsafe trait MmapLocked {
    /// Returns the address space whose lock is held.
    fn mm(&self) -> &Mm;

    /// Returns the first block at or above the one of `addr` that a VMA intersects which may have
    /// PTE tables.
    fn next_block(&self, addr: usize) -> Option<Block<'_>> {
        let mm = self.mm();
        let mut start = addr & !(TABLE_SPAN - 1);

        loop {
            // SAFETY: The mmap lock is held, by the contract of the trait.
            let vma = unsafe { bindings::find_vma(mm.as_raw(), start) };

            if vma.is_null() {
                return None;
            }
            // SAFETY: It was found, so that it stays while the guard exists.
            let vma = unsafe { VmaRef::from_raw(vma) };

            if !is_hugetlb(vma) {
                let first = vma.start() & !(TABLE_SPAN - 1);

                // SAFETY: The VMA ends above `start`, and stays while the guard exists.
                return Some(unsafe { Block::new(mm, first.max(start)) });
            }
            start = vma.end().checked_next_multiple_of(TABLE_SPAN)?;
        }
    }

    /// Returns the block of `addr`, if a VMA intersects it which may have PTE tables.
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

    /// Returns whether somebody waits for the lock.
    #[inline]
    fn is_contended(&self) -> bool {
        // SAFETY: The mm is valid.
        unsafe { bindings::mmap_lock_is_contended(self.mm().as_raw()) }
    }
}

// SAFETY: The guard holds the lock, and its mm has users. A VMA is hidden under the lock for writing
// before it goes with its page tables.
unsafe impl MmapLocked for MmapReadGuard<'_> {
    #[inline]
    fn mm(&self) -> &Mm {
        self.mm
    }
}

/// The mmap lock of an address space, held by one who is not a user of it.
///
/// Who takes a reference as a user, with [`Mm::mmget_not_zero`], may be left as the last one, and then
/// what ends with a process, its memory and the files that it mapped, ends late, after its parent was
/// told of its death. With this guard the last user may leave at any time; its way through
/// `exit_mmap()` then stops where it needs the lock for writing, which is before VMAs and page tables
/// are taken away.
///
/// # Invariants
///
/// The lock was taken by this thread for reading, and the mm had users afterwards.
pub struct MmapScanGuard<'a> {
    mm: &'a Mm,
    // The lock must be released by the thread that took it
    _nts: NotThreadSafe,
}

/// Why [`Mm::mmap_scan_trylock`] did not take the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLocked {
    /// Somebody has it for writing, or waits for it.
    Contended,
    /// The address space has no user any more.
    Unused,
}

impl Mm {
    /// Takes the mmap lock for reading, without becoming a user, if that takes no waiting and there
    /// is a user.
    ///
    /// Does not sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::mm::{pgtable::MmapLocked, Mm};
    ///
    /// /// Returns where the lowest block starts that may have a PTE table.
    /// fn lowest(mm: &Mm) -> Option<usize> {
    ///     Some(mm.mmap_scan_trylock().ok()?.next_block(0)?.start())
    /// }
    /// ```
    #[inline]
    pub fn mmap_scan_trylock(&self) -> Result<MmapScanGuard<'_>, NotLocked> {
        // SAFETY: The mm is valid.
        if !unsafe { bindings::mmap_read_trylock(self.as_raw()) } {
            return Err(NotLocked::Contended);
        }
        // SAFETY: The mm is valid.
        if !unsafe { bindings::mm_has_users(self.as_raw()) } {
            // SAFETY: Just taken.
            unsafe { bindings::mmap_read_unlock(self.as_raw()) };
            return Err(NotLocked::Unused);
        }
        // INVARIANT: Taken above, and there was a user since.
        Ok(MmapScanGuard {
            mm: self,
            _nts: NotThreadSafe,
        })
    }
}

// SAFETY: The guard holds the lock. A VMA is hidden under the lock for writing before it goes with its
// page tables, or goes under it, with all others, in exit_mmap(). That starts when the last user has
// left: as there was one after the lock was taken, exit_mmap() has not had it for writing.
unsafe impl MmapLocked for MmapScanGuard<'_> {
    #[inline]
    fn mm(&self) -> &Mm {
        self.mm
    }
}

impl Drop for MmapScanGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The lock is held by the type invariants.
        unsafe { bindings::mmap_read_unlock(self.mm.as_raw()) };
    }
}
