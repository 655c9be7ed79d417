// SPDX-License-Identifier: GPL-2.0

//! Which memory may be taken at all: what the VMA says.

use super::flags::Flags;
use kernel::{
    bindings,
    mm::virt::{flags as vm, VmaRef},
    prelude::*,
};

/// A VMA, and what of it matters for each page.
#[derive(Clone, Copy)]
pub(super) struct Area<'a> {
    pub(super) vma: &'a VmaRef,
    flags: usize,
}

impl<'a> Area<'a> {
    /// Takes a VMA that the mmap lock keeps.
    #[inline]
    pub(super) fn of(vma: &'a VmaRef) -> Self {
        Self {
            vma,
            flags: vma.flags(),
        }
    }

    #[inline]
    pub(super) fn raw(&self) -> *mut bindings::vm_area_struct {
        self.vma.as_ptr()
    }

    #[inline]
    fn has(&self, flags: usize) -> bool {
        self.flags & flags != 0
    }

    /// Returns an error if what is wanted must not be taken from here.
    pub(super) fn check(&self, flags: Flags) -> Result {
        let anonymous = self.vma.is_anonymous();

        if self.has(vm::IO | vm::PFNMAP) || flags.only_anon() && !anonymous {
            return Err(EFAULT);
        }
        if flags.is_long() && self.vma.is_fsdax() || flags.splits() && self.vma.is_hugetlb() {
            return Err(EOPNOTSUPP);
        }
        if !anonymous && self.vma.is_secretmem() {
            return Err(EFAULT);
        }
        let permitted = if flags.writes() {
            self.may_write(flags, anonymous)
        } else {
            // What is written only is readable as well.
            self.has(vm::READ) || flags.forces() && self.has(vm::MAYREAD)
        };

        if permitted
            && self
                .vma
                .arch_access_permitted(flags.writes(), false, flags.is_remote())
        {
            Ok(())
        } else {
            Err(EFAULT)
        }
    }

    fn may_write(&self, flags: Flags, anonymous: bool) -> bool {
        // The file system is told of the fault that makes a page writable, but of no later write by
        // who holds a pin: after it has written the page back it believes that the page is clean.
        if !anonymous && flags.writes_for_long() && self.vma.needs_dirty_tracking() {
            return false;
        }
        if self.has(vm::WRITE) && !self.vma.is_shadow_stack() {
            return true;
        }
        // A debugger may write to its own copy of what can't be written to, but not to what others
        // share.
        flags.forces() && self.vma.is_cow_mapping()
    }

    /// Returns whether a page that user space has no access to can be taken as it is, rather than by a
    /// fault that gives access first.
    #[inline]
    pub(super) fn lets_through_prot_none(&self, flags: Flags) -> bool {
        // SAFETY: The VMA is valid.
        unsafe { bindings::gup_can_follow_protnone(self.raw(), flags.bits()) }
    }

    /// Returns whether a page can be written to although its entry does not say so: a debugger's own
    /// copy of what its process can't write to.
    pub(super) fn forces_write(&self, flags: Flags) -> bool {
        flags.forces()
            && !self.has(vm::MAYSHARE | vm::SHARED)
            && self.has(vm::MAYWRITE)
            && !self.has(vm::WRITE)
    }

    /// Returns whether nothing is to be faulted in for a hole, as a dump is to have a hole there, too.
    pub(super) fn leaves_holes(&self, flags: Flags, addr: usize) -> bool {
        // SAFETY: The VMA is valid, and the mmap lock is held.
        flags.dumps() && unsafe { bindings::vma_hole_is_zero(self.raw(), addr) }
    }

    /// Returns whether the page must become this process's own before it is pinned.
    ///
    /// # Safety
    ///
    /// `page` must be a page of `folio`, which a locked entry of the VMA maps.
    #[inline]
    pub(super) unsafe fn must_unshare(
        &self,
        flags: Flags,
        folio: *mut bindings::folio,
        page: *mut bindings::page,
    ) -> bool {
        // SAFETY: As the caller promises: the entry keeps the folio.
        unsafe { must_unshare(flags, folio, page, || self.vma.is_cow_mapping()) }
    }
}

/// Returns whether a page must become a process's own before it is pinned. `may_copy` says of a page of a
/// file whether the process would get a copy of it by writing.
///
/// # Safety
///
/// The folio must be kept by something, and have the page.
#[inline]
pub(super) unsafe fn must_unshare(
    flags: Flags,
    folio: *mut bindings::folio,
    page: *mut bindings::page,
    may_copy: impl FnOnce() -> bool,
) -> bool {
    if !flags.wants_own() {
        return false;
    }
    // SAFETY: As the caller promises.
    unsafe {
        if bindings::folio_test_anon(folio) {
            bindings::page_is_shared(page)
        } else {
            // Who reads for a short time sees what is there now. For a long time, it would be what the
            // process had before its next write.
            flags.is_long() && may_copy()
        }
    }
}
