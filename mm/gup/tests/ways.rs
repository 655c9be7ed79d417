// SPDX-License-Identifier: GPL-2.0

//! How pages are taken, or made be there, in Rust and in C.

use super::{
    outcome::{Outcome, Slots},
    shape::{Page, Shape},
    twins::{call, Side},
};
use core::ptr::null_mut;
use kernel::{
    bindings, current,
    mm::{pgtable::testing::mm, virt::VmaRef},
    page::PAGE_SIZE,
    prelude::*,
};

const LONG: u32 = bindings::FOLL_LONGTERM;
const WRITE: u32 = bindings::FOLL_WRITE;

/// What is left with the caller, for each page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    Nothing,
    Reference,
    Pin,
}

/// How the mmap lock is held for a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lock {
    Free,
    Read,
}

/// Pages of some memory, and what is wanted of them.
#[derive(Clone, Copy)]
pub(super) struct Case {
    pub(super) block: usize,
    pub(super) page: usize,
    pub(super) count: usize,
    flags: u32,
}

impl Case {
    pub(super) const fn new(block: usize, page: usize, count: usize) -> Self {
        Self {
            block,
            page,
            count,
            flags: 0,
        }
    }

    /// Returns the same with flags, of `FOLL_*`.
    pub(super) const fn with(self, flags: u32) -> Self {
        Self { flags, ..self }
    }
}

/// What is asked of a function.
pub(super) struct Asked {
    mm: *mut bindings::mm_struct,
    start: usize,
    count: usize,
    flags: u32,
    pages: *mut Page,
}

impl Asked {
    fn end(&self) -> usize {
        self.start + self.count * PAGE_SIZE
    }

    /// A range that begins and ends within a page.
    fn bytes(&self) -> (*mut c_char, usize) {
        ((self.start + 5) as *mut c_char, self.count * PAGE_SIZE - 9)
    }

    fn writes(&self) -> bool {
        self.flags & WRITE != 0
    }

    /// The VMA of the start, and where it or the range ends.
    fn vma(&self) -> Option<(*mut bindings::vm_area_struct, usize)> {
        // SAFETY: The mmap lock is held, and keeps what is found.
        let vma = unsafe {
            let vma = bindings::find_vma(self.mm, self.start);

            if vma.is_null() {
                return None;
            }
            VmaRef::from_raw(vma)
        };

        (vma.start() <= self.start).then(|| (vma.as_ptr(), vma.end().min(self.end())))
    }
}

/// A function, and how it is called. It may change the flag, which says that the mmap lock is held.
pub(super) struct Way {
    pub(super) name: &'static str,
    pub(super) hold: Hold,
    lock: Lock,
    run: fn(Side, &Asked, &mut c_int) -> isize,
}

impl Way {
    /// Calls the function. Returns what it returned, and what it made of the flag.
    pub(super) fn call(
        &self,
        side: Side,
        shape: &Shape,
        case: Case,
        slots: &mut Slots,
    ) -> Result<(isize, c_int)> {
        let start = shape.memory.page(case.block, case.page);

        self.call_at(side, start, case.count, case.flags, slots)
    }

    /// The same for whatever address.
    pub(super) fn call_at(
        &self,
        side: Side,
        start: usize,
        count: usize,
        flags: u32,
        slots: &mut Slots,
    ) -> Result<(isize, c_int)> {
        let asked = Asked {
            mm: mm(current!())?.as_raw(),
            start,
            count,
            flags,
            pages: slots.as_mut_ptr(),
        };
        let mut flag = 1;

        if self.lock == Lock::Read {
            // SAFETY: The mm is that of the current process.
            unsafe { bindings::mmap_read_lock(asked.mm) };
        }
        let done = (self.run)(side, &asked, &mut flag);

        if self.lock == Lock::Read && flag != 0 {
            // SAFETY: Taken above, and held still.
            unsafe { bindings::mmap_read_unlock(asked.mm) };
        }
        Ok((done, flag))
    }
}

macro_rules! way {
    (
        $hold:ident, $lock:ident,
        |$asked:ident, $flag:ident| $name:ident($($arg:expr),*) $(, $which:literal)?
    ) => {
        Way {
            name: concat!(stringify!($name) $(, ", ", $which)?),
            hold: Hold::$hold,
            lock: Lock::$lock,
            // SAFETY: There are so many elements, and more; the mm is that of the current process; its lock is
            // held as the way says.
            run: |side, $asked, $flag| unsafe { call!(side, $name($($arg),*)) as isize },
        }
    };
}

/// All ways: of all functions that are about a range of user space.
pub(super) const WAYS: &[Way] = &[
    way!(Reference, Free, |a, _flag| get_user_pages_fast(
        a.start,
        a.count as c_int,
        a.flags,
        a.pages
    )),
    way!(Reference, Free, |a, _flag| get_user_pages_fast_only(
        a.start,
        a.count as c_int,
        a.flags,
        a.pages
    )),
    way!(Reference, Free, |a, _flag| get_user_pages_unlocked(
        a.start, a.count, a.pages, a.flags
    )),
    way!(Reference, Read, |a, _flag| get_user_pages(
        a.start, a.count, a.flags, a.pages
    )),
    way!(Reference, Read, |a, _flag| get_user_pages_remote(
        a.mm,
        a.start,
        a.count,
        a.flags,
        a.pages,
        null_mut()
    )),
    way!(
        Reference,
        Read,
        |a, flag| get_user_pages_remote(a.mm, a.start, a.count, a.flags, a.pages, flag),
        "with a lock that may be dropped"
    ),
    way!(Pin, Free, |a, _flag| pin_user_pages_fast(
        a.start,
        a.count as c_int,
        a.flags,
        a.pages
    )),
    way!(
        Pin,
        Free,
        |a, _flag| pin_user_pages_fast(a.start, a.count as c_int, a.flags | LONG, a.pages),
        "for long"
    ),
    way!(Pin, Free, |a, _flag| pin_user_pages_unlocked(
        a.start, a.count, a.pages, a.flags
    )),
    way!(
        Pin,
        Free,
        |a, _flag| pin_user_pages_unlocked(a.start, a.count, a.pages, a.flags | LONG),
        "for long"
    ),
    way!(Pin, Read, |a, _flag| pin_user_pages(
        a.start, a.count, a.flags, a.pages
    )),
    way!(
        Pin,
        Read,
        |a, flag| pin_user_pages_remote(a.mm, a.start, a.count, a.flags, a.pages, flag),
        "with a lock that may be dropped"
    ),
    way!(
        Pin,
        Read,
        |a, _flag| pin_user_pages_remote(
            a.mm,
            a.start,
            a.count,
            a.flags | LONG,
            a.pages,
            null_mut()
        ),
        "for long"
    ),
    way!(
        Nothing,
        Read,
        |a, _flag| get_user_pages(a.start, a.count, a.flags, null_mut()),
        "of which nothing is taken"
    ),
    way!(Nothing, Read, |a, flag| faultin_page_range(
        a.mm,
        a.start,
        a.end(),
        a.writes(),
        flag
    )),
    way!(Nothing, Free, |a, _flag| __mm_populate(
        a.start,
        a.count * PAGE_SIZE,
        0
    )),
    way!(
        Nothing,
        Free,
        |a, _flag| __mm_populate(a.start, a.count * PAGE_SIZE, 1),
        "whatever fails"
    ),
    way!(Nothing, Free, |a, _flag| fault_in_writeable(
        a.bytes().0,
        a.bytes().1
    )),
    way!(Nothing, Free, |a, _flag| fault_in_subpage_writeable(
        a.bytes().0,
        a.bytes().1
    )),
    way!(Nothing, Free, |a, _flag| fault_in_safe_writeable(
        a.bytes().0,
        a.bytes().1
    )),
    way!(Nothing, Free, |a, _flag| fault_in_readable(
        a.bytes().0,
        a.bytes().1
    )),
    Way {
        name: "populate_vma_page_range",
        hold: Hold::Nothing,
        lock: Lock::Read,
        run: |side, asked, _flag| populate(side, asked, null_mut()),
    },
    Way {
        name: "populate_vma_page_range, with a lock that may be dropped",
        hold: Hold::Nothing,
        lock: Lock::Read,
        run: |side, asked, flag| populate(side, asked, flag),
    },
    Way {
        name: "fixup_user_fault",
        hold: Hold::Nothing,
        lock: Lock::Read,
        run: |side, asked, _flag| fixup(side, asked, null_mut()),
    },
    Way {
        name: "fixup_user_fault, with a lock that may be dropped",
        hold: Hold::Nothing,
        lock: Lock::Read,
        run: |side, asked, flag| {
            let mut unlocked = false;
            let done = fixup(side, asked, &raw mut unlocked);

            // The lock is held again in either case.
            if unlocked {
                *flag = 2;
            }
            done
        },
    },
    #[cfg(CONFIG_ELF_CORE)]
    Way {
        name: "get_dump_page",
        hold: Hold::Reference,
        lock: Lock::Read,
        run: |side, asked, flag| {
            // SAFETY: The mmap lock is held, as the flag says; there is an element.
            unsafe {
                let page = call!(side, get_dump_page(asked.start, flag));

                if page.is_null() {
                    return 0;
                }
                *asked.pages = page;
                1
            }
        },
    },
];

fn populate(side: Side, asked: &Asked, locked: *mut c_int) -> isize {
    asked.vma().map_or(0, |(vma, end)| {
        // SAFETY: The range is one of the VMA, and the mmap lock is held.
        unsafe { call!(side, populate_vma_page_range(vma, asked.start, end, locked)) }
    })
}

fn fixup(side: Side, asked: &Asked, unlocked: *mut bool) -> isize {
    let flags = if asked.writes() {
        bindings::fault_flag_FAULT_FLAG_WRITE
    } else {
        0
    };

    // SAFETY: The mmap lock is held for reading.
    unsafe {
        call!(
            side,
            fixup_user_fault(asked.mm, asked.start, flags, unlocked)
        ) as isize
    }
}

/// Calls a function in Rust and in C, on memory in the same state, and then each on what the other has left:
/// they must do the same.
pub(super) fn compare(shape: &Shape, way: &Way, case: Case) -> Result {
    let once = |first: Side| -> Result<(Outcome, Outcome)> {
        shape.reset()?;
        Ok((
            Outcome::of(shape, way, first, case)?,
            Outcome::of(shape, way, first.other(), case)?,
        ))
    };
    let told = |what: &str| {
        let Case {
            block,
            page,
            count,
            flags,
        } = case;

        pr_err!(
            "{}: {count} pages from page {page} of block {block}, flags {flags:#x}: {what}\n",
            way.name
        );
        Err(EINVAL)
    };
    let (rust_first, c_second) = once(Side::Rust)?;
    let (c_first, rust_second) = once(Side::C)?;

    for outcome in [&rust_first, &rust_second, &c_first, &c_second] {
        if let Some(flaw) = outcome.flaw(way.hold) {
            return told(flaw);
        }
    }
    for (rust, c) in [(rust_first, c_first), (rust_second, c_second)] {
        if let Some(difference) = rust.difference(&c) {
            pr_err!("{} in Rust, {} in C\n", rust.done, c.done);
            return told(difference);
        }
    }
    Ok(())
}
