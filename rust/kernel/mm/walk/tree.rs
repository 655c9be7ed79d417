// SPDX-License-Identifier: GPL-2.0

//! Walks of any tables, whatever VMAs there are: to show them.

use super::Level;
use crate::{
    bindings,
    mm::pgtable::{Pmd, PmdCell, Pte, PteMap, Pud},
    page::PAGE_SIZE,
};
use core::{iter::FusedIterator, marker::PhantomData, ops::RangeInclusive, ptr::NonNull};

/// The value of an entry of any level.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Raw {
    /// Of the root.
    Pgd(u64),
    /// Of a P4D table. Where there are four levels of tables, it is that of the root once more.
    P4d(u64),
    /// Of a PUD table.
    Pud(Pud),
    /// Of a PMD table.
    Pmd(Pmd),
    /// Of a PTE table: the only level whose entries are yielded even if they are none.
    Pte(Pte),
}

impl Raw {
    /// Returns whether it maps memory itself. No processor has such entries above PUD tables.
    #[inline]
    pub fn is_leaf(self) -> bool {
        match self {
            Self::Pgd(_) | Self::P4d(_) => false,
            Self::Pud(pud) => pud.is_leaf(),
            Self::Pmd(pmd) => pmd.is_leaf(),
            Self::Pte(_) => true,
        }
    }

    /// Returns whether it points to a table.
    #[inline]
    fn is_table(self) -> bool {
        match self {
            Self::Pgd(_) | Self::P4d(_) => true,
            Self::Pud(pud) => pud.is_present() && !pud.is_leaf(),
            Self::Pmd(pmd) => pmd.is_present() && !pmd.is_leaf(),
            Self::Pte(_) => false,
        }
    }

    /// Returns the level of the table that the entry is in.
    #[inline]
    pub fn level(self) -> Level {
        match self {
            Self::Pgd(_) => Level::Pgd,
            Self::P4d(_) => Level::P4d,
            Self::Pud(_) => Level::Pud,
            Self::Pmd(_) => Level::Pmd,
            Self::Pte(_) => Level::Pte,
        }
    }
}

/// What a walk of tables finds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// An entry.
    Entry {
        /// The first address that it stands for and is walked.
        addr: usize,
        /// What it is.
        value: Raw,
    },
    /// None, in a table above PTE tables.
    Hole {
        /// The first address that it stands for and is walked.
        addr: usize,
        /// The level of the table.
        level: Level,
    },
}

/// What there is to be told of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Below {
    /// Entries that are not none.
    pub populated: usize,
    /// Long-lived references beside its own, which only PTE tables have.
    pub refs: Option<u32>,
}

const ENTRIES: usize = PAGE_SIZE / size_of::<u64>();

/// Counts entries that are not none.
///
/// # Safety
///
/// There must be so many entries of a table at `first`.
unsafe fn populated(first: *mut u64, entries: usize) -> usize {
    (0..entries)
        // SAFETY: As the caller promises; words that are read at once.
        .filter(|&n| !Pte::from_raw(unsafe { first.wrapping_add(n).read_volatile() }).is_none())
        .count()
}

/// What to do when the next entry is asked for.
enum Pending {
    /// Look at the entry of `at` in a table of this level.
    Look(Level),
    /// Go down from an entry of this level.
    Descend(Level),
    /// Go on behind an entry of this level.
    Pass(Level),
    Done,
}

/// A PTE table.
enum Ptes<'a> {
    User(PteMap<'a>),
    /// Those of the kernel are not freed, and not all of them look as those of user space do.
    Kernel(*mut bindings::pte_t),
}

/// The lock of a hugetlb VMA. PMD tables of hugetlb may be shared, and who holds this lock for
/// writing leaves one to the others at any time, whoever holds the mmap lock.
///
/// # Invariants
///
/// The VMA is valid, and the lock held for reading.
struct HugetlbLock(NonNull<bindings::vm_area_struct>);

impl HugetlbLock {
    /// Takes the lock of the VMA of an address, if there is one, and it is of hugetlb.
    ///
    /// # Safety
    ///
    /// The mmap lock of `mm` must be held until this is dropped.
    unsafe fn at(mm: *mut bindings::mm_struct, addr: usize) -> Option<Self> {
        // SAFETY: The caller holds the mmap lock.
        let vma = NonNull::new(unsafe { bindings::vma_lookup(mm, addr) })?;

        // SAFETY: The mmap lock keeps the VMA; released by `drop`.
        unsafe {
            if !bindings::is_vm_hugetlb_page(vma.as_ptr()) {
                return None;
            }
            bindings::vma_pgtable_walk_begin(vma.as_ptr());
        }
        // INVARIANT: Just taken.
        Some(Self(vma))
    }
}

impl Drop for HugetlbLock {
    fn drop(&mut self) {
        // SAFETY: Taken by `at`, and the VMA is valid by the type invariants.
        unsafe { bindings::vma_pgtable_walk_end(self.0.as_ptr()) };
    }
}

/// Walks all entries of all levels of a range, those of a table after the entry that points to it.
///
/// While it is in a PTE table of user space it holds the RCU read lock: one may not sleep.
///
/// # Locks
///
/// The mmap lock of the mm, then the lock of a hugetlb VMA from a PUD entry of its memory on until
/// behind it.
///
/// # Invariants
///
/// `pgd`, `p4d`, `pud` and `pmd` point to the entries of `at`, as far down as the level that `pending`
/// is at.
#[must_use = "iterators are lazy"]
pub struct Tree<'a> {
    mm: *mut bindings::mm_struct,
    at: usize,
    last: usize,
    pending: Pending,
    pgd: *mut bindings::pgd_t,
    p4d: *mut bindings::p4d_t,
    pud: *mut bindings::pud_t,
    pmd: *mut bindings::pmd_t,
    ptes: Option<Ptes<'a>>,
    hugetlb: Option<HugetlbLock>,
    _tables: PhantomData<&'a ()>,
}

impl<'a> Tree<'a> {
    /// Starts to walk the tables of `mm`, or those that `root` is the root of if it is not null.
    ///
    /// # Safety
    ///
    /// `mm` must be valid, and its mmap lock be held for writing during `'a`. No tables of the range
    /// may be freed meanwhile but PTE tables of user space, by RCU, and PMD tables of hugetlb under
    /// the lock of their VMA. `root` must be null or a table of root entries.
    pub unsafe fn new(
        mm: *mut bindings::mm_struct,
        root: *mut bindings::pgd_t,
        range: RangeInclusive<usize>,
    ) -> Self {
        let (at, last) = range.into_inner();
        // SAFETY: As the caller promises; a root has an entry for each address.
        let pgd = unsafe {
            if root.is_null() {
                bindings::pgd_offset(mm, at)
            } else {
                bindings::pgd_offset_pgd(root, at)
            }
        };

        // INVARIANT: It is at the level of the root.
        Self {
            mm,
            at,
            last,
            pending: if at <= last {
                Pending::Look(Level::Pgd)
            } else {
                Pending::Done
            },
            pgd,
            p4d: core::ptr::null_mut(),
            pud: core::ptr::null_mut(),
            pmd: core::ptr::null_mut(),
            ptes: None,
            hugetlb: None,
            _tables: PhantomData,
        }
    }

    /// Leaves out what is below the entry that was yielded last.
    #[inline]
    pub fn skip_below(&mut self) {
        if let Pending::Descend(level) = self.pending {
            self.pending = Pending::Pass(level);
        }
    }

    /// Returns whether there are P4D tables: else their level is passed through without one.
    #[inline]
    pub fn has_p4d_tables(&self) -> bool {
        // SAFETY: Set once, at boot.
        unsafe { bindings::has_p4d_tables() }
    }

    /// Counts the entries of the root that the range has.
    pub fn root(&self) -> Below {
        let first = self.pgd.cast::<u64>();
        let shift = Self::shift(Level::Pgd);
        let entries = (self.last >> shift).saturating_sub(self.at >> shift);
        let left = (PAGE_SIZE - (first as usize & (PAGE_SIZE - 1))) / size_of::<u64>();

        Below {
            // SAFETY: The root has so many entries from there on.
            populated: unsafe { populated(first, entries.saturating_add(1).min(left)) },
            refs: None,
        }
    }

    /// Tells of the table that the entry that was yielded last points to, and what level that is.
    pub fn below(&self) -> Option<(Level, Below)> {
        let Pending::Descend(from) = self.pending else {
            return None;
        };
        let start = 0;

        // The entry stands for itself on the level below.
        if from == Level::Pgd && !self.has_p4d_tables() {
            return None;
        }

        // SAFETY: By the type invariants and the promise of `new`, each entry points to a table.
        unsafe {
            let (level, first) = match from {
                Level::Pgd => (
                    Level::P4d,
                    bindings::p4d_offset(self.pgd, start).cast::<u64>(),
                ),
                Level::P4d => (
                    Level::Pud,
                    bindings::pud_offset(self.p4d, start).cast::<u64>(),
                ),
                Level::Pud => (
                    Level::Pmd,
                    bindings::pmd_offset(self.pud, start).cast::<u64>(),
                ),
                Level::Pmd | Level::Pte => {
                    let locked = PmdCell::from_raw(self.pmd).map_lock(self.mm, self.at)?;
                    let table = locked.table();

                    return Some((
                        Level::Pte,
                        Below {
                            populated: usize::from(table.populated()),
                            refs: Some(table.refs().held()),
                        },
                    ));
                }
            };

            Some((
                level,
                Below {
                    populated: populated(first, ENTRIES),
                    refs: None,
                },
            ))
        }
    }

    fn shift(level: Level) -> u32 {
        match level {
            Level::Pte => crate::page::PAGE_SHIFT as u32,
            Level::Pmd => bindings::PMD_SHIFT,
            Level::Pud => bindings::PUD_SHIFT,
            Level::P4d => bindings::P4D_SHIFT,
            // SAFETY: Set once, at boot.
            Level::Pgd => unsafe { bindings::pgdir_shift_now() },
        }
    }

    /// Goes from an entry that points to a table to the entry of `at` in that.
    fn descend(&mut self, from: Level) -> Level {
        let at = self.at;

        // INVARIANT: As each is taken from the entry of `at` above.
        // SAFETY: By the type invariants and the promise of `new`, each entry points to a table.
        unsafe {
            match from {
                Level::Pgd => {
                    self.p4d = bindings::p4d_offset(self.pgd, at);
                    Level::P4d
                }
                Level::P4d => {
                    self.pud = bindings::pud_offset(self.p4d, at);
                    Level::Pud
                }
                Level::Pud => {
                    self.pmd = bindings::pmd_offset(self.pud, at);
                    Level::Pmd
                }
                Level::Pmd | Level::Pte => self.map(),
            }
        }
    }

    /// Maps the PTE table of `at`; returns the level of the entry to look at, which is that of the
    /// PMD entry if there is no table any more.
    fn map(&mut self) -> Level {
        // SAFETY: The current task can be asked for at any time.
        let kernel = self.mm == &raw mut bindings::init_mm
            || unsafe { !bindings::is_user_address_of_task(self.at) };

        // SAFETY: The PMD entry is valid by the type invariants, and pointed to a table of the
        // kernel, which stays, or to one of user space, which is freed by RCU.
        self.ptes = unsafe {
            if kernel {
                Some(Ptes::Kernel(bindings::pte_offset_kernel(self.pmd, self.at)))
            } else {
                PmdCell::from_raw(self.pmd).map(self.at).map(Ptes::User)
            }
        };
        match self.ptes {
            Some(_) => Level::Pte,
            None => Level::Pmd,
        }
    }

    /// Goes behind the entry of `at` in a table of some level; returns the level of the table to go on
    /// in.
    fn pass(&mut self, mut level: Level) -> Option<Level> {
        let end = self.at | !(usize::MAX.wrapping_shl(Self::shift(level)));

        if end >= self.last {
            return None;
        }
        self.at = end.wrapping_add(1);
        while let Some(above) = level.above() {
            if self.at & !(usize::MAX.wrapping_shl(Self::shift(above))) != 0 {
                break;
            }
            // The table came to its end.
            level = above;
        }
        if level != Level::Pte {
            self.ptes = None;
        }
        if level == Level::Pgd && self.pgd.wrapping_add(1) as usize & (PAGE_SIZE - 1) == 0 {
            // There are more addresses than the root has entries.
            return None;
        }
        Some(self.step(level))
    }

    fn step(&mut self, level: Level) -> Level {
        // INVARIANT: The address went from one entry to the next of the same table.
        match level {
            Level::Pgd => self.pgd = self.pgd.wrapping_add(1),
            Level::P4d => self.p4d = self.p4d.wrapping_add(1),
            Level::Pud => self.pud = self.pud.wrapping_add(1),
            Level::Pmd => self.pmd = self.pmd.wrapping_add(1),
            Level::Pte => {
                if let Some(Ptes::Kernel(pte)) = &mut self.ptes {
                    *pte = pte.wrapping_add(1);
                }
            }
        }
        level
    }

    /// Has what the PUD entry of `at` points to stay, if it is of user space.
    fn lock_hugetlb(&mut self) {
        self.hugetlb = None;
        // SAFETY: The mmap lock is held by the promise of `new`.
        self.hugetlb = unsafe { HugetlbLock::at(self.mm, self.at) };
    }

    /// Reads the entry of `at` in a table of some level; `None` if there is none.
    fn read(&self, level: Level) -> Option<Raw> {
        // SAFETY: The entries are valid by the type invariants, and words that are read at once.
        unsafe {
            match level {
                Level::Pgd => (bindings::pgd_none_or_clear_bad(self.pgd) == 0)
                    .then(|| Raw::Pgd(bindings::pgd_read(self.pgd))),
                Level::P4d => (bindings::p4d_none_or_clear_bad(self.p4d) == 0)
                    .then(|| Raw::P4d(bindings::p4d_read(self.p4d))),
                Level::Pud => {
                    let pud = Pud::from_ffi(self.pud.read_volatile());
                    (!pud.is_none()).then_some(Raw::Pud(pud))
                }
                Level::Pmd => {
                    let pmd = PmdCell::from_raw(self.pmd).read();
                    (!pmd.is_none()).then_some(Raw::Pmd(pmd))
                }
                Level::Pte => Some(Raw::Pte(match self.ptes.as_ref()? {
                    Ptes::User(table) => table.read(self.at),
                    Ptes::Kernel(pte) => Pte::from_ffi(pte.read_volatile()),
                })),
            }
        }
    }
}

impl Iterator for Tree<'_> {
    type Item = Node;

    fn next(&mut self) -> Option<Node> {
        let level = match self.pending {
            Pending::Look(level) => level,
            Pending::Descend(from) => self.descend(from),
            Pending::Pass(level) => match self.pass(level) {
                Some(level) => level,
                None => {
                    self.ptes = None;
                    self.hugetlb = None;
                    self.pending = Pending::Done;
                    return None;
                }
            },
            Pending::Done => return None,
        };
        match level {
            Level::Pud => self.lock_hugetlb(),
            Level::P4d | Level::Pgd => self.hugetlb = None,
            Level::Pmd | Level::Pte => {}
        }
        let addr = self.at;
        let Some(value) = self.read(level) else {
            self.pending = Pending::Pass(level);
            return Some(Node::Hole { addr, level });
        };

        self.pending = if value.is_table() {
            Pending::Descend(level)
        } else {
            Pending::Pass(level)
        };
        Some(Node::Entry { addr, value })
    }
}

impl FusedIterator for Tree<'_> {}
