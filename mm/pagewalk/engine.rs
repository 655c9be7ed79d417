// SPDX-License-Identifier: GPL-2.0

//! Going down the tables of a range, and calling what the caller has for each level.

use super::levels::{Level, Pgd, Pmd};
use core::ffi::c_int;
use kernel::{
    bindings,
    mm::pgtable::{Pmd as PmdValue, PmdCell},
    page::PAGE_SIZE,
};

/// What to do with an entry after its callback has returned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Descend,
    Continue,
    Again,
}

/// What there is to be done at which level.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    /// Missing tables are allocated, and entries installed.
    pub(super) install: bool,
    /// There are callbacks for entries of a PTE table.
    pub(super) pte: bool,
    /// There are callbacks for entries of a PMD table, or below.
    pub(super) pmd: bool,
    /// There are callbacks for entries of a PUD table, or below.
    pub(super) pud: bool,
    /// There are callbacks for entries of a P4D table, or below.
    pub(super) p4d: bool,
}

/// A walk in progress.
///
/// # Invariants
///
/// `walk` and its operations are valid, and nobody but callbacks accesses `walk` meanwhile.
pub(super) struct Engine {
    walk: *mut bindings::mm_walk,
    ops: *const bindings::mm_walk_ops,
    pub(super) plan: Plan,
}

impl Engine {
    /// Starts.
    ///
    /// # Safety
    ///
    /// `walk` must be valid, have an mm and operations, and be accessed by nobody but callbacks
    /// while the engine exists.
    #[inline]
    pub(super) unsafe fn new(walk: *mut bindings::mm_walk) -> Self {
        // SAFETY: As the caller promises.
        let ops = unsafe { (*walk).ops };
        // SAFETY: As the caller promises.
        let table = unsafe { &*ops };
        let pte = table.pte_entry.is_some();
        let pmd = pte || table.pmd_entry.is_some();
        let pud = pmd || table.pud_entry.is_some();

        // INVARIANT: As the caller promises.
        Self {
            walk,
            ops,
            plan: Plan {
                install: table.install_pte.is_some(),
                pte,
                pmd,
                pud,
                p4d: pud || table.p4d_entry.is_some(),
            },
        }
    }

    #[inline]
    pub(super) fn ops(&self) -> &bindings::mm_walk_ops {
        // SAFETY: Valid by the type invariants, and never written to.
        unsafe { &*self.ops }
    }

    #[inline]
    pub(super) fn walk(&self) -> *mut bindings::mm_walk {
        self.walk
    }

    #[inline]
    pub(super) fn mm(&self) -> *mut bindings::mm_struct {
        // SAFETY: Valid by the type invariants.
        unsafe { (*self.walk).mm }
    }

    /// The VMA that is walked, null if VMAs do not matter.
    #[inline]
    pub(super) fn vma(&self) -> *mut bindings::vm_area_struct {
        // SAFETY: Valid by the type invariants.
        unsafe { (*self.walk).vma }
    }

    #[inline]
    fn set_action(&self, action: bindings::page_walk_action) {
        // SAFETY: Valid by the type invariants.
        unsafe { (*self.walk).action = action };
    }

    /// Has the entry that is being walked be looked at again.
    #[inline]
    pub(super) fn again(&self) {
        self.set_action(bindings::page_walk_action_ACTION_AGAIN);
    }

    #[inline]
    fn action(&self) -> Action {
        // SAFETY: Valid by the type invariants.
        match unsafe { (*self.walk).action } {
            bindings::page_walk_action_ACTION_AGAIN => Action::Again,
            bindings::page_walk_action_ACTION_CONTINUE => Action::Continue,
            _ => Action::Descend,
        }
    }

    /// Tells of a range that nothing is mapped in.
    #[inline]
    pub(super) fn hole(&self, addr: usize, next: usize, depth: c_int) -> c_int {
        match self.ops().pte_hole {
            // SAFETY: The caller's own callback, called as it wants to be.
            Some(hole) => unsafe { hole(addr, next, depth, self.walk) },
            None => 0,
        }
    }

    /// Walks a range.
    ///
    /// # Safety
    ///
    /// The tables of the range must not be freed meanwhile, but for PTE tables of user space, which
    /// are freed by RCU. `start` is below `end`.
    #[inline]
    pub(super) unsafe fn range(&self, start: usize, end: usize) -> c_int {
        // SAFETY: Valid by the type invariants.
        let (mm, root) = unsafe { ((*self.walk).mm, (*self.walk).pgd) };
        // SAFETY: The mm is valid, and a root has an entry for each address.
        let entry = unsafe {
            if root.is_null() {
                bindings::pgd_offset(mm, start)
            } else {
                bindings::pgd_offset_pgd(root, start)
            }
        };

        // SAFETY: As the caller promises.
        unsafe { self.entries::<Pgd>(entry, start, end) }
    }

    /// Walks entries of one table.
    ///
    /// # Safety
    ///
    /// As for [`range`](Self::range), and `entry` is the entry of `addr`.
    #[inline]
    pub(super) unsafe fn entries<L: Level>(
        &self,
        mut entry: *mut L::Entry,
        mut addr: usize,
        end: usize,
    ) -> c_int {
        loop {
            let next = L::end(addr, end);
            // SAFETY: As the caller promises.
            let err = unsafe { self.entry::<L>(entry, addr, next) };

            if err != 0 || next == end {
                return err;
            }
            addr = next;
            entry = entry.wrapping_add(1);
        }
    }

    /// # Safety
    ///
    /// As for [`entries`](Self::entries).
    #[inline]
    unsafe fn entry<L: Level>(&self, entry: *mut L::Entry, addr: usize, next: usize) -> c_int {
        loop {
            if L::ACTIONS {
                self.set_action(bindings::page_walk_action_ACTION_SUBTREE);
            }
            // SAFETY: The entry is one of a table that stays.
            if unsafe { L::is_hole(entry) } {
                if !self.plan.install {
                    return self.hole(addr, next, L::depth());
                }
                // SAFETY: As above.
                let err = unsafe { L::populate(self.mm(), entry, addr) };
                if err != 0 {
                    return err;
                }
            }
            if let Some(callback) = L::callback(self.ops()) {
                // SAFETY: The caller's own callback, called as it wants to be.
                let err = unsafe { callback(entry, addr, next, self.walk) };
                if err != 0 {
                    return err;
                }
                if L::ACTIONS {
                    match self.action() {
                        Action::Descend => {}
                        Action::Continue => return 0,
                        Action::Again => continue,
                    }
                }
            }
            // SAFETY: As above.
            if unsafe { !L::may_descend(self, entry, addr) } {
                return 0;
            }
            // SAFETY: As above.
            let err = unsafe { L::descend(self, entry, addr, next) };
            if err != 0 || !L::ACTIONS || self.action() != Action::Again {
                return err;
            }
        }
    }

    /// Walks the PTE table below an entry, or asks for the entry to be looked at again if there is
    /// none.
    ///
    /// # Safety
    ///
    /// As for [`entries`](Self::entries).
    #[inline]
    pub(super) unsafe fn table(
        &self,
        pmd: *mut <Pmd as Level>::Entry,
        addr: usize,
        next: usize,
    ) -> c_int {
        // SAFETY: Valid by the type invariants.
        if unsafe { (*self.walk).no_vma } {
            // SAFETY: As the caller promises.
            return unsafe { self.unlocked_table(pmd, addr, next) };
        }
        // SAFETY: It is an entry of this mm, which stays as long as we walk.
        match unsafe { PmdCell::from_raw(pmd).map_lock(self.mm(), addr) } {
            Some(table) => {
                // SAFETY: The table is locked.
                unsafe { self.ptes(table.place(addr), addr, next) }
            }
            None => {
                self.again();
                0
            }
        }
    }

    /// # Safety
    ///
    /// As for [`table`](Self::table).
    #[cold]
    unsafe fn unlocked_table(
        &self,
        pmd: *mut <Pmd as Level>::Entry,
        addr: usize,
        next: usize,
    ) -> c_int {
        // Tables of the kernel are not freed, and not all of them look as those of user space do.
        // SAFETY: The current task can be asked for at any time.
        let user = unsafe { bindings::is_user_address_of_task(addr) };
        if self.mm() == &raw mut bindings::init_mm || !user {
            // SAFETY: The entry points to a table, which stays.
            return unsafe { self.ptes(bindings::pte_offset_kernel(pmd, addr), addr, next) };
        }
        // SAFETY: It is an entry of this mm, which stays as long as we walk.
        match unsafe { PmdCell::from_raw(pmd) }.map(addr) {
            Some(table) => {
                // SAFETY: The table is mapped.
                unsafe { self.ptes(table.place(addr), addr, next) }
            }
            None => {
                self.again();
                0
            }
        }
    }

    /// # Safety
    ///
    /// `pte` must be the entry of `addr` in a table that is mapped, and locked if entries are to be
    /// installed. `next` is at most the end of the table's block.
    #[inline]
    unsafe fn ptes(&self, mut pte: *mut bindings::pte_t, mut addr: usize, next: usize) -> c_int {
        let last = next.wrapping_sub(PAGE_SIZE);

        loop {
            // SAFETY: As the caller promises.
            let err = unsafe { self.pte(pte, addr) };

            // The end of the address space is no multiple of a page.
            if err != 0 || addr >= last {
                return err;
            }
            addr = addr.wrapping_add(PAGE_SIZE);
            pte = pte.wrapping_add(1);
        }
    }

    /// # Safety
    ///
    /// As for [`ptes`](Self::ptes).
    #[inline]
    unsafe fn pte(&self, pte: *mut bindings::pte_t, addr: usize) -> c_int {
        let (start, end) = (addr, addr.wrapping_add(PAGE_SIZE));

        if let Some(install) = self.ops().install_pte {
            // SAFETY: As the caller promises.
            if unsafe { bindings::pte_entry_is_none(pte) } {
                let mut value = bindings::pte_t::default();
                // SAFETY: The caller's own callback, called as it wants to be.
                let err = unsafe { install(start, end, &raw mut value, self.walk) };

                if err == 0 {
                    // SAFETY: The table is locked, and the entry none.
                    unsafe { bindings::pte_install(self.walk, addr, pte, value) };
                }
                return err;
            }
        }
        match self.ops().pte_entry {
            // SAFETY: The caller's own callback, called as it wants to be.
            Some(callback) => unsafe { callback(pte, start, end, self.walk) },
            None => 0,
        }
    }
}

/// Whether the entry of a PMD table points to a PTE table, or may do so soon: it is no huge page.
///
/// # Safety
///
/// `pmd` must be valid for [`PmdCell::from_raw`].
#[inline]
pub(super) unsafe fn read_pmd(pmd: *mut bindings::pmd_t) -> PmdValue {
    // SAFETY: As the caller promises.
    unsafe { PmdCell::from_raw(pmd) }.read()
}
