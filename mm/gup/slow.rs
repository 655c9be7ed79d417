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
    flags::{Flags, Wish},
    follow::{Next, Table},
    lock::Lock,
    out::Out,
    pin::Held,
};
use core::ffi::c_int;
use core::ptr::{null_mut, NonNull};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use kernel::{
    bindings,
    mm::{
        pgtable::PmdSlot,
        virt::{flags as vm, VmaRef},
        walk::Place,
    },
    page::{PAGE_MASK, PAGE_SHIFT, PAGE_SIZE},
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
///
/// # Safety
///
/// As for [`Lock::new`], and `pages` must be null, or point to `count` elements; not null if `flags`
/// take something.
pub(super) unsafe fn take_once(
    lock: &mut Lock<'_>,
    start: usize,
    count: usize,
    pages: *mut *mut bindings::page,
    flags: Flags,
) -> Result<usize> {
    // SAFETY: As the caller promises.
    let out = unsafe { Out::new(pages, count) };
    let mut pass = Pass {
        // SAFETY: The mm is valid, and its mmap lock held.
        addr: unsafe { bindings::untag_remote(lock.mm(), start) },
        lock,
        flags,
        out,
    };
    let ended = pass.run();
    let done = count.wrapping_sub(pass.out.left());

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
/// As for [`take_once`].
pub(super) unsafe fn take(
    mm: *mut bindings::mm_struct,
    start: usize,
    count: usize,
    pages: *mut *mut bindings::page,
    held: &mut c_int,
    flags: Flags,
) -> Result<usize> {
    if count == 0 {
        return Ok(0);
    }
    // SAFETY: As the caller promises.
    let mut lock = unsafe { Lock::new(mm, held)? };
    let flags = if pages.is_null() {
        flags
    } else {
        flags.taking_something()
    };
    if flags.pins() {
        // SAFETY: The mm is valid.
        unsafe { bindings::mm_set_has_pinned(mm) };
    }
    // SAFETY: As the caller promises.
    let done = unsafe { take_all(&mut lock, start, count, pages, flags) };

    drop(lock);
    match done {
        Ok(0) if !flags.never_waits() => {
            kernel::warn_on!(true);
            Err(EFAULT)
        }
        done => done,
    }
}

/// # Safety
///
/// As for [`take_once`].
unsafe fn take_all(
    lock: &mut Lock<'_>,
    start: usize,
    count: usize,
    pages: *mut *mut bindings::page,
    flags: Flags,
) -> Result<usize> {
    let at = |done: usize| {
        let pages = if pages.is_null() {
            pages
        } else {
            pages.wrapping_add(done)
        };
        (start.wrapping_add(done << PAGE_SHIFT), pages)
    };
    // SAFETY: As the caller promises.
    let mut done = unsafe { take_once(lock, start, count, pages, flags)? };

    if !flags.is_unlockable() {
        return Ok(done);
    }
    while done < count && !lock.is_held() {
        let (next, rest) = at(done);

        // What has been taken is what there is, if the rest fails.
        // SAFETY: As the caller promises: there are more elements.
        let more = match unsafe { again(lock, next, rest, flags) } {
            Ok(true) if done + 1 < count => {
                let (next, rest) = at(done + 1);

                // SAFETY: As above.
                1 + unsafe { take_once(lock, next, count - done - 1, rest, flags) }.unwrap_or(0)
            }
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
///
/// # Safety
///
/// As for [`take_once`], for one page; the lock must not be held.
unsafe fn again(
    lock: &mut Lock<'_>,
    addr: usize,
    page: *mut *mut bindings::page,
    flags: Flags,
) -> Result<bool> {
    loop {
        // SAFETY: Signals of the current task can be asked for at any time.
        if unsafe { bindings::gup_signal_pending(flags.is_interruptible()) } {
            return Err(EINTR);
        }
        lock.retake()?;
        // SAFETY: As the caller promises; the lock is held.
        let taken = unsafe { take_once(lock, addr, 1, page, flags.tried()) };

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
        slot: &mut Option<(usize, PmdSlot<'v>)>,
    ) -> Result<Next> {
        let block = self.addr >> bindings::PMD_SHIFT;
        let mut table = Table {
            area,
            flags: self.flags,
            out: &mut self.out,
            addr: &mut self.addr,
            end,
        };

        if let Some((_, slot)) = slot.filter(|(of, _)| *of == block) {
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
                    *slot = Some((block, found));
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
            kernel::warn_on!(self.flags.never_waits());
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
        // SAFETY: It is mapped by tables that are never freed.
        let Place::Pmd(slot) = (unsafe { Place::of(mm, addr) }) else {
            return Err(EFAULT);
        };
        let table = slot.map(addr).ok_or(EFAULT)?;
        let entry = table.read(addr);
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
        let now = unsafe { core::ptr::addr_of!(bindings::jiffies).read_volatile() } as usize;
        let next = NEXT.load(Relaxed);

        if next == 0 || now.wrapping_sub(next) as isize >= 0 {
            NEXT.store(now.wrapping_add(3600 * bindings::HZ as usize), Relaxed);
            pr_warn!(
                "GUP no longer grows the stack: {:x}-{:x} ({:x})\n",
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

/// Has all pages of a part of a VMA be there. Returns how many are done with, which may be fewer if the
/// mmap lock was dropped. Pages of a VMA that is locked become so, too.
///
/// # Safety
///
/// `vma` must be valid, its mmap lock held, for reading if `locked` is not null, and the range a part of
/// it. `locked` must be null, or point to something that is not 0, and becomes 0 if the lock is dropped.
#[export]
pub(crate) unsafe extern "C" fn populate_vma_page_range(
    vma: *mut bindings::vm_area_struct,
    start: usize,
    end: usize,
    locked: *mut c_int,
) -> isize {
    // SAFETY: As the caller promises.
    let (area, mm) = unsafe {
        let mm = bindings::vma_mm(vma);

        bindings::mmap_assert_locked(mm);
        (VmaRef::from_raw(vma), mm)
    };
    let count = end.wrapping_sub(start) >> PAGE_SHIFT;
    let has = |flags: usize| area.flags() & flags != 0;

    if has(vm::LOCKONFAULT) {
        return count as isize;
    }
    if !has(vm::READ | vm::WRITE | vm::EXEC) {
        return EFAULT.to_errno() as isize;
    }
    let wish = Wish::presence().touch();
    // A write breaks COW now rather than later. What is shared is not to become dirty.
    let wish = if has(vm::WRITE) && !has(vm::SHARED) {
        wish.write()
    } else {
        wish.force()
    };
    let mut held = 1;
    // SAFETY: As the caller promises.
    let (wish, held) = match unsafe { locked.as_mut() } {
        Some(locked) => (wish.unlockable(), locked),
        None => (wish, &mut held),
    };
    // SAFETY: As the caller promises.
    let done = unsafe {
        Lock::new(mm, held)
            .and_then(|mut lock| take_once(&mut lock, start, count, null_mut(), wish.flags()))
    };

    // SAFETY: Nothing is held that forbids to wait.
    unsafe { bindings::lru_add_drain() };
    super::answer(done)
}

/// Has all pages of a range be there, for `MADV_POPULATE_READ` or `_WRITE`. Returns how many are done with,
/// or `-ENOMEM` where there is no VMA, `-EINVAL` where the VMA is of a wrong kind, `-EHWPOISON`, `-EFAULT`,
/// `-EINTR`.
///
/// # Safety
///
/// `mm` must be valid, with users, and `*locked` say whether its mmap lock is held, for reading. It
/// becomes 0 if the lock is dropped.
#[export]
pub(crate) unsafe extern "C" fn faultin_page_range(
    mm: *mut bindings::mm_struct,
    start: usize,
    end: usize,
    write: bool,
    locked: *mut c_int,
) -> isize {
    let wish = Wish::presence()
        .touch()
        .tell_poison()
        .unlockable()
        .as_madvise();
    let wish = if write { wish.write() } else { wish };
    let count = end.wrapping_sub(start) >> PAGE_SHIFT;

    // SAFETY: As the caller promises.
    let done = unsafe {
        bindings::mmap_assert_locked(mm);
        take(mm, start, count, null_mut(), &mut *locked, wish.flags())
    };
    // SAFETY: Nothing is held that forbids to wait.
    unsafe { bindings::lru_add_drain() };
    super::answer(done)
}

/// Has all pages of a range of the current process be there, where its VMAs permit it. Returns 0, or the
/// first error unless errors are to be ignored.
///
/// # Safety
///
/// The current task must have an mm, whose mmap lock it does not hold.
#[export]
pub(crate) unsafe extern "C" fn __mm_populate(
    start: usize,
    len: usize,
    ignore_errors: c_int,
) -> c_int {
    // SAFETY: As the caller promises.
    let mm = unsafe { bindings::current_mm() };
    let end = start.wrapping_add(len);
    let mut next = start;
    let mut locked = 0;
    let mut failed = 0;

    while next < end {
        if locked == 0 {
            // SAFETY: The mm is valid.
            unsafe { bindings::mmap_read_lock(mm) };
            locked = 1;
        }
        // SAFETY: The mmap lock is held, so that what is found stays until a fault drops it.
        let vma = unsafe { bindings::find_vma_intersection(mm, next, end) };
        if vma.is_null() {
            break;
        }
        // SAFETY: As above.
        let (flags, first, last) = unsafe {
            let vma = VmaRef::from_raw(vma);
            (vma.flags(), vma.start(), vma.end())
        };
        let part = next.max(first)..end.min(last);

        next = part.end;
        if flags & (vm::IO | vm::PFNMAP) != 0 {
            continue;
        }
        // SAFETY: As above.
        match unsafe { populate_vma_page_range(vma, part.start, part.end, &raw mut locked) } {
            done @ 0.. => next = part.start.wrapping_add((done as usize) << PAGE_SHIFT),
            _ if ignore_errors != 0 => {}
            error => {
                failed = error as c_int;
                break;
            }
        }
    }
    if locked != 0 {
        // SAFETY: It is held.
        unsafe { bindings::mmap_read_unlock(mm) };
    }
    failed
}

/// Takes a page of the current process for a core dump. Returns null where the dump is to have a hole, or
/// on an error.
///
/// # Safety
///
/// `*locked` must say whether the current task holds the mmap lock of its mm; it becomes 0 if that is
/// dropped.
#[cfg(CONFIG_ELF_CORE)]
#[export]
pub(crate) unsafe extern "C" fn get_dump_page(
    addr: usize,
    locked: *mut c_int,
) -> *mut bindings::page {
    let mut page = null_mut();
    let flags = Wish::get().force().dump().flags();

    // SAFETY: As the caller promises.
    match unsafe {
        take(
            bindings::current_mm(),
            addr,
            1,
            &raw mut page,
            &mut *locked,
            flags,
        )
    } {
        Ok(1) => page,
        _ => null_mut(),
    }
}
