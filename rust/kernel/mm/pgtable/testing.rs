// SPDX-License-Identifier: GPL-2.0

//! Memory of user space, for tests that need page tables.

use super::{PmdSlot, VmaStabilised, TABLE_SPAN};
use crate::{
    bindings,
    error::to_result,
    mm::{MmWithUser, MmapReadGuard},
    prelude::*,
    task::CurrentTask,
    uaccess::{UserPtr, UserSlice},
};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

const READ_WRITE: u32 = bindings::PROT_READ | bindings::PROT_WRITE;

/// A range of private anonymous memory of the test's own address space, which starts where a block
/// does.
pub struct Memory {
    start: usize,
}

impl Memory {
    /// Maps some blocks. They have no tables yet.
    pub fn map(blocks: usize) -> Result<Self> {
        // SAFETY: This is a test.
        to_result(unsafe { bindings::kunit_attach_mm() })?;
        let wanted = (blocks + 1) * TABLE_SPAN;
        let addr = Self::map_at(0, wanted, READ_WRITE)?;

        Ok(Self {
            start: addr.next_multiple_of(TABLE_SPAN),
        })
    }

    fn map_at(addr: usize, len: usize, rights: u32) -> Result<usize> {
        let mut flags = bindings::MAP_PRIVATE | bindings::MAP_ANONYMOUS;

        if addr != 0 {
            flags |= bindings::MAP_FIXED;
        }
        // SAFETY: `kunit_attach_mm` has given us an address space.
        let addr =
            unsafe { bindings::vm_mmap(null_mut(), addr, len, rights as usize, flags as usize, 0) };

        if addr > usize::MAX - bindings::MAX_ERRNO as usize {
            return Err(ENOMEM);
        }
        Ok(addr)
    }

    /// Returns the address of a page of a block.
    pub fn page(&self, block: usize, page: usize) -> usize {
        self.start + block * TABLE_SPAN + page * crate::page::PAGE_SIZE
    }

    /// Has a page allocated.
    pub fn touch(&self, block: usize, page: usize) -> Result {
        UserSlice::new(UserPtr::from_addr(self.page(block, page)), 1)
            .writer()
            .write::<u8>(&1)
    }

    /// Has a page be there without being written to: as zeroes, if it was not there before.
    pub fn look(&self, block: usize, page: usize) -> Result {
        UserSlice::new(UserPtr::from_addr(self.page(block, page)), 1)
            .reader()
            .read::<u8>()
            .map(|_| ())
    }

    /// Advises some pages of a block, as `madvise()` does.
    pub fn advise(
        &self,
        mm: &MmWithUser,
        block: usize,
        page: usize,
        count: usize,
        advice: u32,
    ) -> Result {
        let len = count * crate::page::PAGE_SIZE;

        // SAFETY: The mm has users, and none of its locks is held.
        to_result(unsafe {
            bindings::do_madvise(mm.as_raw(), self.page(block, page), len, advice as i32)
        })
    }

    /// Gives the pages of a block back.
    pub fn zap(&self, mm: &MmWithUser, block: usize) -> Result {
        let pages = TABLE_SPAN / crate::page::PAGE_SIZE;

        self.advise(mm, block, 0, pages, bindings::MADV_DONTNEED)
    }

    /// Unmaps a block.
    pub fn unmap(&self, block: usize) -> Result {
        // SAFETY: `kunit_attach_mm` has given us an address space.
        to_result(unsafe { bindings::vm_munmap(self.page(block, 0), TABLE_SPAN) })
    }

    /// Maps a block again.
    pub fn remap(&self, block: usize) -> Result {
        self.remap_with(block, READ_WRITE)
    }

    /// Maps a block again with rights, of `PROT_*`.
    pub fn remap_with(&self, block: usize, rights: u32) -> Result {
        Self::map_at(self.page(block, 0), TABLE_SPAN, rights).map(|_| ())
    }

    /// Returns the slot of a block, if there is a PMD table.
    pub fn slot<'a>(&self, lock: &'a MmapReadGuard<'a>, block: usize) -> Option<PmdSlot<'a>> {
        lock.block(self.page(block, 0))?.slot()
    }
}

/// Whether this processor passes for one that has shadow stacks.
static SHADOW_STACKS: AtomicBool = AtomicBool::new(false);

pub(super) fn has_shadow_stacks() -> bool {
    SHADOW_STACKS.load(Relaxed)
}

/// Does something on a processor that passes for one that has shadow stacks, as far as the crate asks.
/// For one test at a time.
pub fn with_shadow_stacks<R>(body: impl FnOnce() -> R) -> R {
    SHADOW_STACKS.store(true, Relaxed);
    let result = body();

    SHADOW_STACKS.store(false, Relaxed);
    result
}

/// The address space that [`Memory`] is in.
pub fn mm(task: &CurrentTask) -> Result<&MmWithUser> {
    task.mm().ok_or(EINVAL)
}

/// Waits until something holds that others bring about; returns false if it takes too long.
pub fn eventually(mut holds: impl FnMut() -> bool) -> bool {
    for _ in 0..500 {
        if holds() {
            return true;
        }
        // SAFETY: Tests may sleep.
        unsafe { bindings::msleep(10) };
    }
    false
}
