// SPDX-License-Identifier: GPL-2.0

//! Walking down without a lock, with interrupts off.

use crate::{
    bindings,
    mm::pgtable::{PmdCell, Pud, PudKind, PudSlot},
    page::PAGE_SIZE,
    types::NotThreadSafe,
};

/// Interrupts of this processor are off while this exists, in the body of [`InterruptsOff::with`].
///
/// No table that is reached meanwhile is freed: tables of user space are freed by RCU, after they are
/// unhooked, or after all processors have taken an interrupt.
///
/// Unlike [`LocalInterruptDisabled`](crate::interrupt::LocalInterruptDisabled) it can be made in any
/// context, even in an NMI.
pub struct InterruptsOff {
    // They are those of one processor.
    _nts: NotThreadSafe,
}

impl InterruptsOff {
    /// Switches them off, does something, and has them be what they were. A body, and not a guard, as
    /// guards can be dropped in another order than they were made in.
    #[inline]
    pub fn with<R>(body: impl FnOnce(&Self) -> R) -> R {
        // SAFETY: They become what they were below.
        let flags = unsafe { bindings::local_irq_save() };
        let result = body(&Self {
            _nts: NotThreadSafe,
        });

        // SAFETY: Switched off above, on this processor.
        unsafe { bindings::local_irq_restore(flags) };
        result
    }

    /// Walks down to the PMD entry of `addr`, or to a leaf above. `None` if nothing is mapped there.
    ///
    /// # Safety
    ///
    /// `mm` must be that of the current task, or valid with users, and `addr` one that the root has
    /// an entry for: of user space, or of a page that all processes have.
    #[inline]
    pub unsafe fn find(&self, mm: *mut bindings::mm_struct, addr: usize) -> Option<Spot<'_>> {
        // SAFETY: The mm is valid, and the root has an entry for each address. Each table comes from
        // an entry that was read once and points to it; it is not freed, as interrupts are off.
        unsafe {
            let root = bindings::pgd_offset(mm, addr);
            let mut value = bindings::pgd_read(root);

            if bindings::has_p4d_tables() {
                if !Pud::from_raw(value).is_present() {
                    return None;
                }
                value = bindings::p4d_read(entry(value, addr, bindings::P4D_SHIFT).cast());
            }
            if !Pud::from_raw(value).is_present() {
                return None;
            }
            let pud = PudSlot::from_raw(mm, entry(value, addr, bindings::PUD_SHIFT).cast());
            let value = pud.read();

            match value.kind() {
                PudKind::Table => {}
                PudKind::Present(_) => return Some(Spot::Pud(pud, value)),
                PudKind::None | PudKind::Bad => return None,
            }
            let pmd = entry(value.into_raw(), addr, bindings::PMD_SHIFT);

            Some(Spot::Pmd(PmdCell::from_raw(pmd.cast())))
        }
    }
}

/// What a walk has come to.
pub enum Spot<'a> {
    /// An entry of a PUD table that maps memory, and what it was.
    Pud(PudSlot<'a>, Pud),
    /// An entry of a PMD table, whatever that is.
    Pmd(&'a PmdCell),
}

/// Returns where the entry of an address is in the table that `above` points to.
///
/// # Safety
///
/// `above` must be an entry that points to a table.
#[inline]
unsafe fn entry(above: u64, addr: usize, shift: u32) -> *mut u64 {
    const ENTRIES: usize = PAGE_SIZE / size_of::<u64>();

    // SAFETY: As the caller promises.
    let table: *mut u64 = unsafe { bindings::table_below(above) }.cast();

    table.wrapping_add(addr >> shift & (ENTRIES - 1))
}
