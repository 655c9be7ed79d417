// SPDX-License-Identifier: GPL-2.0

//! What `/proc/PID` tells of page tables: pagemap, smaps, and what clear_refs forgets.
//!
//! `fs/proc/task_mmu.c` opens the files, takes the locks, and copies to user space. It calls the
//! functions here for what is in between: to look at entries. They have the mmap lock or a VMA lock from
//! their caller, and take others as [`kernel::mm::walk`] says.

#[path = "task_mmu/clear_refs.rs"]
mod clear_refs;
#[path = "task_mmu/pagemap.rs"]
mod pagemap;
#[path = "task_mmu/scan.rs"]
mod scan;
#[path = "task_mmu/smaps.rs"]
mod smaps;

use core::mem::ManuallyDrop;
use kernel::{
    bindings,
    mm::{
        pgtable::{Pte, PteKind},
        MmapReadGuard,
    },
};

/// The mmap lock of an mm, which a caller in C holds.
///
/// # Safety
///
/// `mm` must have users, and its mmap lock be held, for reading or for writing, during `'a`.
unsafe fn held<'a>(mm: *mut bindings::mm_struct) -> ManuallyDrop<MmapReadGuard<'a>> {
    // SAFETY: As the caller promises. It is the caller who releases the lock.
    ManuallyDrop::new(unsafe { MmapReadGuard::assume(mm) })
}

/// Whether userfaultfd is told of writes to the page, or would be if it were there.
#[inline]
fn is_watched(entry: Pte) -> bool {
    !entry.is_none()
        && (entry.is_uffd()
            || !entry.is_present()
                && matches!(entry.kind(), PteKind::Marker(marker) if marker.is_uffd_wp()))
}
