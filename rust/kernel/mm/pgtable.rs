// SPDX-License-Identifier: GPL-2.0

//! User PTE tables: finding, locking, unhooking and freeing them.
//!
//! A *table* has 512 *entries*; it is *hooked* while a PMD entry points to it, and *populated* by
//! the entries that are not none. A populated table is never unhooked here. Once it is unhooked
//! nothing finds it any more, but those who found it before may still look at it until an RCU
//! grace period has passed, which is why an [`Unhooked`] can only be given to a [`Gather`].
//!
//! # Lock order
//!
//! mmap lock, then the lock of the PMD table ([`PmdLock`]), then that of the PTE table
//! ([`TableGuard`]). Who holds the latter may only try to take the former.
//!
//! C headers: [`include/linux/pgtable.h`](srctree/include/linux/pgtable.h),
//! [`include/linux/free_user_pte.h`](srctree/freepte/include/linux/free_user_pte.h)

use super::{virt::VmaRef, MmWithUser, MmapReadGuard};
use crate::{
    bindings,
    prelude::*,
    types::{NotThreadSafe, Opaque},
};
use core::{marker::PhantomData, ops::Deref, ptr, ptr::NonNull};

/// Bytes of address space that one PTE table maps.
pub const TABLE_SPAN: usize = 1 << TABLE_SHIFT;

/// Log2 of [`TABLE_SPAN`].
pub const TABLE_SHIFT: u32 = bindings::PMD_SHIFT;

/// What [`PmdSlot::find`] finds.
pub enum Found<'a> {
    /// There is a PMD table for the address, and this entry of it is the address's own.
    Slot(PmdSlot<'a>),
    /// No PMD table before `end`.
    Hole {
        /// The first address behind the hole.
        end: usize,
    },
}

/// The place of a PMD entry in an address space.
///
/// # Invariants
///
/// `pmd` points to an entry of a PMD table of `mm`, which is not freed during `'a`.
#[derive(Clone, Copy)]
pub struct PmdSlot<'a> {
    pmd: NonNull<bindings::pmd_t>,
    mm: NonNull<bindings::mm_struct>,
    _mm: PhantomData<&'a MmWithUser>,
}

impl<'a> PmdSlot<'a> {
    /// Looks for the PMD entry of `addr`, which must be below `limit`.
    ///
    /// The mmap lock keeps the upper tables of every range that belongs to a VMA: `addr` has to
    /// lie in the same [`TABLE_SPAN`] as a VMA that was looked up under `lock`.
    pub fn find(lock: &'a MmapReadGuard<'_>, addr: usize, limit: usize) -> Found<'a> {
        let mm = lock.mm.as_raw();

        // SAFETY: `mm` is valid as `lock` borrows it, and its page tables exist while it has
        // users. Each offset is taken only from an entry that points to a table; the tables are
        // not freed, as their range belongs to a VMA and unmapping one needs the mmap lock for
        // writing until the VMA can no longer be found.
        unsafe {
            let pgd = bindings::pgd_offset(mm, addr);
            if !bindings::pgd_points_to_table(pgd) {
                let end = bindings::pgd_addr_end(addr, limit);
                return Found::Hole { end };
            }
            let p4d = bindings::p4d_offset(pgd, addr);
            if !bindings::p4d_points_to_table(p4d) {
                let end = bindings::p4d_addr_end(addr, limit);
                return Found::Hole { end };
            }
            let pud = bindings::pud_offset(p4d, addr);
            if !bindings::pud_points_to_table(pud) {
                let end = bindings::pud_addr_end(addr, limit);
                return Found::Hole { end };
            }
            // INVARIANT: See above.
            Found::Slot(Self::from_raw(mm, bindings::pmd_offset(pud, addr)))
        }
    }

    /// Makes a slot of what C code found.
    ///
    /// # Safety
    ///
    /// `pmd` must point to an entry of a PMD table of the valid `mm`, neither of which goes away
    /// during `'a`.
    #[inline]
    pub unsafe fn from_raw(mm: *mut bindings::mm_struct, pmd: *mut bindings::pmd_t) -> Self {
        // INVARIANT: As the caller promises.
        Self {
            // SAFETY: Valid pointers are not null.
            pmd: unsafe { NonNull::new_unchecked(pmd) },
            // SAFETY: As above.
            mm: unsafe { NonNull::new_unchecked(mm) },
            _mm: PhantomData,
        }
    }

    fn lock_ptr(&self) -> *mut bindings::spinlock_t {
        // SAFETY: By the type invariants.
        unsafe { bindings::pmd_lockptr(self.mm.as_ptr(), self.pmd.as_ptr()) }
    }

    /// Takes the lock of the PMD table.
    #[inline]
    pub fn lock(self) -> PmdLock<'a> {
        // SAFETY: The lock lives in the descriptor of the PMD table, which stays by the type
        // invariants.
        unsafe { bindings::spin_lock(self.lock_ptr()) };
        // INVARIANT: Just taken.
        PmdLock {
            slot: self,
            _nts: NotThreadSafe,
        }
    }

    /// Takes the lock of the PMD table if nobody holds it. For those who hold the lock of a PTE
    /// table already.
    #[inline]
    pub fn try_lock(self) -> Option<PmdLock<'a>> {
        // SAFETY: As in `lock`.
        let taken = unsafe { bindings::spin_trylock(self.lock_ptr()) } != 0;
        // A guard that is made must be held: not even one that is thrown away may exist otherwise.
        if !taken {
            return None;
        }
        // INVARIANT: Just taken.
        Some(PmdLock {
            slot: self,
            _nts: NotThreadSafe,
        })
    }
}

/// The lock of a PMD table, held for the sake of one of its entries.
///
/// # Invariants
///
/// The lock is held.
#[must_use = "the lock is released at once if this is not bound"]
pub struct PmdLock<'a> {
    slot: PmdSlot<'a>,
    // A spinlock is released where it was taken.
    _nts: NotThreadSafe,
}

impl PmdLock<'_> {
    fn table_ptr(&self) -> *mut bindings::ptdesc {
        // SAFETY: The slot's entry can be read by its invariants.
        unsafe { bindings::pmd_table(self.slot.pmd.as_ptr()) }
    }

    /// Takes the lock of the PTE table that is hooked here, if one is.
    #[inline]
    pub fn lock_table(&self) -> Option<TableGuard<'_>> {
        let table = NonNull::new(self.table_ptr())?;

        // SAFETY: A hooked table is not freed, and unhooking it takes the lock that we hold.
        unsafe { bindings::spin_lock_nested_once(bindings::ptdesc_lockptr(table.as_ptr())) };
        // INVARIANT: Just taken.
        Some(TableGuard {
            table,
            _pmd: PhantomData,
            _nts: NotThreadSafe,
        })
    }

    /// Unhooks a table that has no populated entry and no user.
    ///
    /// After this the caller must do nothing that relies on the table's pages being accounted:
    /// whoever finds the PMD entry empty takes neither lock.
    pub fn unhook(&self, table: &Table, addr: usize) -> Result<Unhooked, Busy> {
        if !ptr::eq(self.table_ptr(), table.as_raw()) {
            return Err(Busy::Moved);
        }
        if table.populated() != 0 {
            return Err(Busy::Populated);
        }
        table.recount(c"unhooked");
        // SAFETY: The table is valid as `table` borrows it.
        if !unsafe { bindings::pte_table_freeze(table.as_raw()) } {
            return Err(Busy::Referenced);
        }
        // SAFETY: We hold the lock that protects the entry.
        unsafe { bindings::pmd_clear(self.slot.pmd.as_ptr()) };
        Ok(Unhooked {
            table: table.as_raw(),
            addr,
        })
    }
}

impl Drop for PmdLock<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: We hold the lock by the type invariants.
        unsafe { bindings::spin_unlock(self.slot.lock_ptr()) };
    }
}

/// Why a table was not unhooked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// It is hooked elsewhere, or nowhere.
    Moved,
    /// Some of its entries are not none.
    Populated,
    /// Somebody holds a reference.
    Referenced,
}

/// A user PTE table whose lock is held.
///
/// # Invariants
///
/// A reference to a `Table` exists only while the table's lock is held by this thread.
#[repr(transparent)]
pub struct Table(Opaque<bindings::ptdesc>);

impl Table {
    /// Makes a reference of a table that C code holds the lock of.
    ///
    /// # Safety
    ///
    /// `table` must be the descriptor of a user PTE table whose lock this thread holds during
    /// `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(table: *mut bindings::ptdesc) -> &'a Self {
        // SAFETY: The caller promises that the pointer is valid during 'a; the type is a
        // transparent wrapper.
        unsafe { &*table.cast() }
    }

    /// Returns the raw descriptor.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::ptdesc {
        self.0.get()
    }

    fn state(&self) -> *mut bindings::pte_table_state {
        // SAFETY: The descriptor is valid.
        unsafe { bindings::pte_table_state(self.as_raw()) }
    }

    /// The number of entries that are not none.
    #[inline]
    pub fn populated(&self) -> u16 {
        // SAFETY: Valid, and changed only under the lock that is held by the type invariants.
        unsafe { (*self.state()).populated }
    }

    /// Marks the table as having a hint; returns whether it had one before.
    #[inline]
    pub fn set_queued(&self) -> bool {
        let queued = bindings::PTE_TABLE_QUEUED as u16;
        // SAFETY: As in `populated`.
        unsafe {
            let had = (*self.state()).flags & queued != 0;
            (*self.state()).flags |= queued;
            had
        }
    }

    /// Marks the table as having no hint.
    #[inline]
    pub fn clear_queued(&self) {
        // SAFETY: As in `populated`.
        unsafe { (*self.state()).flags &= !(bindings::PTE_TABLE_QUEUED as u16) };
    }

    /// On a debug kernel, warns if the count of populated entries is wrong.
    #[inline]
    fn recount(&self, when: &'static CStr) {
        #[cfg(CONFIG_FREE_USER_PTE_DEBUG)]
        // SAFETY: The table is valid and locked, the string lives for ever.
        unsafe {
            bindings::pte_table_recount(self.as_raw(), when.as_ptr().cast())
        };
        #[cfg(not(CONFIG_FREE_USER_PTE_DEBUG))]
        let _ = when;
    }
}

/// The lock of a PTE table, taken under that of the PMD table above it.
///
/// # Invariants
///
/// The lock of `table` is held.
#[must_use = "the lock is released at once if this is not bound"]
pub struct TableGuard<'a> {
    table: NonNull<bindings::ptdesc>,
    _pmd: PhantomData<&'a PmdLock<'a>>,
    // A spinlock is released where it was taken.
    _nts: NotThreadSafe,
}

impl Deref for TableGuard<'_> {
    type Target = Table;

    #[inline]
    fn deref(&self) -> &Table {
        // SAFETY: The lock is held for as long as `self`, by the type invariants.
        unsafe { Table::from_raw(self.table.as_ptr()) }
    }
}

impl Drop for TableGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: We hold the lock by the type invariants; the memory of an unhooked table is not
        // given back before an RCU grace period has passed.
        unsafe { bindings::spin_unlock(bindings::ptdesc_lockptr(self.table.as_ptr())) };
    }
}

/// An unhooked table, which other CPUs may still be walking through.
#[must_use = "an unhooked table leaks unless it is given to a gather"]
pub struct Unhooked {
    table: *mut bindings::ptdesc,
    addr: usize,
}

impl Unhooked {
    /// Leaves the rest to C code that frees the table by `pte_free_tlb()`.
    #[inline]
    pub fn leave_to_caller(self) {}
}

/// A `struct mmu_gather`: collects tables, flushes the TLBs, frees the tables by RCU. All of that
/// has happened or is under way when it is dropped.
#[pin_data(PinnedDrop)]
pub struct Gather<'a> {
    #[pin]
    tlb: Opaque<bindings::mmu_gather>,
    lock: &'a MmapReadGuard<'a>,
}

impl<'a> Gather<'a> {
    /// Starts to gather tables of the address space that `lock` locks.
    pub fn new(lock: &'a MmapReadGuard<'a>) -> impl PinInit<Self> + 'a {
        pin_init!(Self {
            tlb <- Opaque::ffi_init(|tlb| {
                // SAFETY: `tlb` is memory for a gather that will not move, and the mm has users.
                unsafe { bindings::tlb_gather_mmu(tlb, lock.mm.as_raw()) }
            }),
            lock,
        })
    }

    /// Frees a table.
    pub fn free(self: Pin<&mut Self>, table: Unhooked) {
        // SAFETY: The gather was initialised; the table is reachable no more, and passed on once,
        // as `table` is consumed. An address in its range makes the CPUs forget the pointer to it.
        unsafe {
            bindings::pte_free_tlb(self.tlb.get(), table.table, table.addr);
            bindings::mm_dec_nr_ptes(self.lock.mm.as_raw());
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Gather<'_> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The gather was initialised and is finished once, here.
        unsafe { bindings::tlb_finish_mmu(self.tlb.get()) };
    }
}

impl MmapReadGuard<'_> {
    /// Flushes what reclaim cleared in this address space and has not flushed yet. To be called
    /// under the lock of a table before the table is judged.
    #[inline]
    pub fn flush_tlb_batched_pending(&self) {
        // SAFETY: The mm has users.
        unsafe { bindings::flush_tlb_batched_pending(self.mm.as_raw()) };
    }

    /// Returns the first VMA that ends above `addr`.
    #[inline]
    pub fn find_vma(&self, addr: usize) -> Option<&VmaRef> {
        // SAFETY: The mmap lock is held.
        let vma = unsafe { bindings::find_vma(self.mm.as_raw(), addr) };
        // SAFETY: A VMA that was found stays while the lock is held.
        (!vma.is_null()).then(|| unsafe { VmaRef::from_raw(vma) })
    }

    /// Returns whether somebody waits for the lock.
    #[inline]
    pub fn is_contended(&self) -> bool {
        // SAFETY: The mm has users.
        unsafe { bindings::mmap_lock_is_contended(self.mm.as_raw()) }
    }
}

/// Returns whether `vma` is of hugetlb, which has no PTE tables and its own rules.
#[inline]
pub fn is_hugetlb(vma: &VmaRef) -> bool {
    // SAFETY: The VMA is valid.
    unsafe { bindings::is_vm_hugetlb_page(vma.as_ptr()) }
}
