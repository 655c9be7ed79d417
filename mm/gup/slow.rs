// SPDX-License-Identifier: GPL-2.0

//! Taking pages under the mmap lock, and faulting in what is not there.
//!
//! A pass goes over the VMAs of a range, and in each over its tables. The lock of a table is kept
//! while the entries are present; it is dropped for a fault, after which the pass goes on in the same
//! table. Nothing has to be kept across that fault but the place of the PMD entry: the mmap lock keeps
//! the tables above PTE tables, and a PTE table that was freed meanwhile for being empty is just not
//! there when it is looked for again. A reference of the table would cost two atomic operations for
//! each fault, and spare nothing.
//!
//! If a fault drops the mmap lock the pass ends. Who called it takes the lock again, has the one page
//! that failed be faulted in once more, told that it is the second time, and then starts a pass behind
//! that page: no page is taken twice, and none is left out.

use super::{
    area::Area,
    flags::Flags,
    follow::{Next, Table},
    hook::{self, Point},
    lock::Lock,
    out::Out,
    pin::Held,
    request::Request,
};
use core::ffi::c_int;
use core::ptr::{addr_of, null_mut, NonNull};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use kernel::{
    bindings,
    mm::{
        pgtable::{PmdSlot, Pte, TABLE_SPAN},
        virt::VmaRef,
        walk::{InterruptsOff, Place, Spot},
    },
    page::{PAGE_MASK, PAGE_SIZE},
    prelude::*,
};

/// Why a pass ended before its end.
#[derive(Debug)]
pub(super) enum Ended {
    /// A fault is to be tried again. If it may wait it has dropped the mmap lock.
    Retry,
    Failed(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Takes pages, or makes them be there, in one go. Returns how many, unless the first failed.
pub(super) fn take_once(lock: &mut Lock<'_>, request: &Request) -> Result<usize> {
    let mut pass = Pass {
        // SAFETY: The mm is valid, and its mmap lock held.
        addr: unsafe { bindings::untag_remote(lock.mm(), request.start()) },
        lock,
        flags: request.flags(),
        out: Out::of(request),
    };
    let ended = pass.run();
    let done = request.count().wrapping_sub(pass.out.left());

    match ended {
        Err(Ended::Failed(error)) if done == 0 => Err(error),
        _ => Ok(done),
    }
}

/// Takes pages, or makes them be there, and goes on where a fault dropped the mmap lock. Returns how
/// many, unless the first failed; none only if nothing may be waited for.
///
/// The mmap lock is taken unless `*held` says that it is held already. If it was taken here, or dropped
/// and taken again, it is not held in the end, and `*held` is 0.
///
/// # Safety
///
/// As for [`Lock::new`].
pub(super) unsafe fn take(
    mm: *mut bindings::mm_struct,
    held: &mut c_int,
    request: &Request,
) -> Result<usize> {
    if request.count() == 0 {
        return Ok(0);
    }
    // SAFETY: As the caller promises.
    let mut lock = unsafe { Lock::new(mm, held)? };

    if request.flags().pins() {
        // SAFETY: The mm is valid.
        unsafe { bindings::mm_set_has_pinned(mm) };
    }
    let done = take_all(&mut lock, request);

    drop(lock);
    match done {
        Ok(0) if !request.flags().never_waits() => {
            kernel::warn_on_once!(true);
            Err(EFAULT)
        }
        done => done,
    }
}

fn take_all(lock: &mut Lock<'_>, request: &Request) -> Result<usize> {
    let mut done = take_once(lock, request)?;

    if !request.flags().is_unlockable() {
        return Ok(done);
    }
    while done < request.count() && !lock.is_held() {
        let rest = request.behind(done);

        // What has been taken is what there is, if the rest fails.
        let more = match again(lock, &rest.first_again()) {
            Ok(true) if rest.count() > 1 => 1 + take_once(lock, &rest.behind(1)).unwrap_or(0),
            Ok(taken) => usize::from(taken),
            Err(error) if done == 0 => return Err(error),
            Err(_) => 0,
        };
        if more == 0 {
            break;
        }
        done += more;
    }
    Ok(done)
}

/// Has the page whose fault dropped the mmap lock be faulted in again, until that is done with the lock
/// held. Returns whether it was taken.
fn again(lock: &mut Lock<'_>, page: &Request) -> Result<bool> {
    loop {
        // SAFETY: Signals of the current task can be asked for at any time.
        if unsafe { bindings::gup_signal_pending(page.flags().is_interruptible()) } {
            return Err(EINTR);
        }
        lock.retake()?;
        let taken = take_once(lock, page);

        if lock.is_held() {
            return Ok(taken? == 1);
        }
    }
}

/// One pass over a range, as long as the mmap lock is held.
struct Pass<'l, 'a> {
    lock: &'l mut Lock<'a>,
    flags: Flags,
    out: Out,
    addr: usize,
}

impl Pass<'_, '_> {
    fn run(&mut self) -> Result<(), Ended> {
        while self.out.left() > 0 {
            match self.find()? {
                Some(area) => self.through(area)?,
                None => self.gate_page()?,
            }
        }
        Ok(())
    }

    /// Finds the VMA of the address, if it is one that may be taken from; `None` for that of the
    /// page that all processes have.
    fn find<'v>(&self) -> Result<Option<Area<'v>>> {
        let mm = self.lock.mm();
        let madvise = self.flags.is_madvise();
        // SAFETY: The mmap lock is held, which keeps the VMA: it is not used after a fault that
        // dropped it.
        let vma: Option<&'v VmaRef> = unsafe { lookup(mm, self.addr, !madvise) };

        match vma {
            Some(vma) => {
                let area = Area::of(vma);

                match area.check(self.flags) {
                    Err(_) if madvise => Err(EINVAL),
                    checked => checked.map(|()| Some(area)),
                }
            }
            None if madvise => Err(ENOMEM),
            // SAFETY: The mm is valid.
            None if unsafe { bindings::in_gate_area(mm, self.addr) } != 0 => Ok(None),
            None => Err(EFAULT),
        }
    }

    /// Goes through one VMA.
    fn through(&mut self, area: Area<'_>) -> Result<(), Ended> {
        let end = area.vma.end();
        let mut slot = None;

        while self.out.left() > 0 && self.addr < end {
            // SAFETY: Asked of the current task, which may sleep here.
            unsafe {
                // Who is killed need not allocate memory first.
                if bindings::gup_signal_pending(false) {
                    return Err(EINTR.into());
                }
                bindings::cond_resched();
            }
            match self.follow(area, end, &mut slot)? {
                Next::On => {}
                Next::Fault { unshare } => self.fault(area, unshare)?,
            }
        }
        Ok(())
    }

    /// Takes what is mapped from the address on, in one table or huge page.
    ///
    /// `slot` is the place of the PMD entry for the next call, as long as the mmap lock is held.
    #[inline]
    fn follow<'v>(
        &mut self,
        area: Area<'v>,
        end: usize,
        slot: &mut Option<PmdSlot<'v>>,
    ) -> Result<Next> {
        hook::reach(Point::Unlocked);
        let block = self.addr & !(TABLE_SPAN - 1);
        let mut table = Table {
            area,
            flags: self.flags,
            out: &mut self.out,
            addr: &mut self.addr,
            end,
        };

        if let Some(slot) = slot.filter(|slot| slot.start() == block) {
            return table.pmd(slot);
        }
        // Tables of hugetlb can be shared, and be left at any time but under this lock.
        // SAFETY: The VMA is valid; released below.
        unsafe { bindings::vma_pgtable_walk_begin(area.raw()) };
        // SAFETY: The mmap lock keeps tables above PTE tables, as does the lock of hugetlb.
        let next = match unsafe { Place::of(self.lock.mm(), *table.addr) } {
            Place::Hole { .. } => table.hole(),
            Place::Pud(slot) => table.pud(slot),
            Place::Pmd(found) => {
                // SAFETY: The VMA is valid.
                if unsafe { !bindings::is_vm_hugetlb_page(area.raw()) } {
                    *slot = Some(found);
                }
                table.pmd(found)
            }
        };
        // SAFETY: Begun above.
        unsafe { bindings::vma_pgtable_walk_end(area.raw()) };
        next
    }

    /// Faults the page of the address in.
    fn fault(&mut self, area: Area<'_>, unshare: bool) -> Result<(), Ended> {
        if self.flags.never_faults() {
            return Err(EFAULT.into());
        }
        // SAFETY: The VMA is valid, and the mmap lock held, for reading if it may be dropped.
        let fault = unsafe {
            bindings::handle_mm_fault(
                area.raw(),
                self.addr,
                self.flags.of_fault(unshare),
                null_mut(),
            )
        };

        if fault & bindings::vm_fault_reason_VM_FAULT_COMPLETED != 0 {
            kernel::warn_on_once!(self.flags.never_waits());
            self.lock.lost();
            return Err(Ended::Retry);
        }
        // SAFETY: It looks at nothing but its arguments.
        let errno = unsafe { bindings::vm_fault_to_errno(fault, self.flags.bits() as c_int) };
        if errno != 0 {
            return Err(Error::from_errno(errno).into());
        }
        if fault & bindings::vm_fault_reason_VM_FAULT_RETRY != 0 {
            if !self.flags.never_waits() {
                self.lock.lost();
            }
            return Err(Ended::Retry);
        }
        Ok(())
    }

    /// Takes the page of system calls that all processes have, which no VMA of theirs maps.
    fn gate_page(&mut self) -> Result {
        let mm = self.lock.mm();
        let addr = self.addr & PAGE_MASK;

        if self.flags.writes() {
            return Err(EFAULT);
        }
        let entry = gate_entry(mm, addr).ok_or(EFAULT)?;
        let leaf = entry.leaf().ok_or(EFAULT)?;

        if !self.out.is_array() {
            self.out.skip(1);
        } else {
            // SAFETY: There is a VMA for that address, and nobody takes the page away.
            unsafe {
                let vma = bindings::get_gate_vma(mm);
                let mut page = bindings::vm_normal_page(vma, addr, entry.into_ffi());

                if page.is_null() {
                    if self.flags.dumps() || !bindings::is_zero_pfn(leaf.pfn()) {
                        return Err(EFAULT);
                    }
                    page = bindings::pfn_to_page(leaf.pfn());
                }
                let folio = NonNull::new_unchecked(bindings::page_folio(page));
                let held = Held::take(folio, 1, self.flags)?;

                self.out.put(NonNull::new_unchecked(page), 1, held);
            }
        }
        self.addr = self.addr.wrapping_add(PAGE_SIZE);
        Ok(())
    }
}

/// Reads the entry of the page that all processes have. The tables are the kernel's own: what is bad
/// there is not to be cleared.
fn gate_entry(mm: *mut bindings::mm_struct, addr: usize) -> Option<Pte> {
    InterruptsOff::with(|interrupts| {
        // SAFETY: The mm is valid, with users, and the root has an entry for the address.
        match unsafe { interrupts.find(mm, addr) }? {
            Spot::Pmd(cell) => cell.map_lockless(addr).1.map(|table| table.read(addr)),
            Spot::Pud(..) => None,
        }
    })
}

/// Finds the VMA of an address. Once in an hour, it tells of who would have had a stack grow by this in
/// former times.
///
/// # Safety
///
/// `mm` must be valid, and its mmap lock held during `'a`.
pub(super) unsafe fn lookup<'a>(
    mm: *mut bindings::mm_struct,
    addr: usize,
    warn: bool,
) -> Option<&'a VmaRef> {
    /// How near a stack has to be.
    const NEAR: usize = 65536;
    static NEXT: AtomicUsize = AtomicUsize::new(0);

    // SAFETY: As the caller promises; a VMA that was found stays while the lock is held.
    let vma = unsafe {
        let vma = bindings::find_vma(mm, addr);

        if vma.is_null() {
            return None;
        }
        VmaRef::from_raw(vma)
    };
    if addr >= vma.start() {
        return Some(vma);
    }
    if warn && vma.flags() & bindings::VM_GROWSDOWN as usize != 0 && vma.start() - addr <= NEAR {
        // SAFETY: They can be read at any time.
        let now = unsafe { addr_of!(bindings::jiffies).read_volatile() } as usize;
        let next = NEXT.load(Relaxed);

        if next == 0 || now.wrapping_sub(next) as isize >= 0 {
            NEXT.store(now.wrapping_add(3600 * bindings::HZ as usize), Relaxed);
            let task = current!();
            // SAFETY: The name of the current task can be read at any time, if not at once.
            let comm = unsafe { addr_of!((*task.as_ptr()).comm).read_volatile() };

            pr_warn!(
                "GUP no longer grows the stack in {} ({}): {:x}-{:x} ({:x})\n",
                CStr::from_bytes_until_nul(&comm).unwrap_or_default(),
                task.pid(),
                vma.start(),
                vma.end(),
                addr
            );
            // SAFETY: It can be called at any time.
            unsafe { bindings::dump_stack() };
        }
    }
    None
}
