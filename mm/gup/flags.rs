// SPDX-License-Identifier: GPL-2.0

//! What a caller wants: FOLL_* as a typed set.
//!
//! Of each page nothing is taken, a reference, or a pin. Which of these it is belongs to the type of
//! a [`Wish`], so that Rust code can't ask for a reference and a pin, or for a long time without a pin.
//! What C code asks for is a number; [`Flags::of_caller`] refuses such combinations when it is called.

use core::ffi::c_uint;
use core::marker::PhantomData;
use kernel::{bindings, mm::pgtable::PteLeaf, prelude::*};

/// Bits that are for mm itself.
const INTERNAL: u32 = bindings::FOLL_TOUCH
    | bindings::FOLL_TRIED
    | bindings::FOLL_REMOTE
    | bindings::FOLL_PIN
    | bindings::FOLL_FAST_ONLY
    | bindings::FOLL_UNLOCKABLE
    | bindings::FOLL_MADV_POPULATE;

/// What the fast functions know of.
const FAST: u32 = bindings::FOLL_WRITE
    | bindings::FOLL_LONGTERM
    | bindings::FOLL_FORCE
    | bindings::FOLL_PIN
    | bindings::FOLL_GET
    | bindings::FOLL_FAST_ONLY
    | bindings::FOLL_NOFAULT
    | bindings::FOLL_PCI_P2PDMA
    | bindings::FOLL_HONOR_NUMA_FAULT;

/// What is taken of each page.
pub(super) trait Hold {
    const BITS: u32;
}

/// Nothing is taken: the page is to be there.
pub(super) struct Nothing;
/// A reference.
pub(super) struct Get;
/// A pin: the contents are going to be accessed.
pub(super) struct Pin;
/// A pin for as long as user space wants.
pub(super) struct LongPin;

impl Hold for Nothing {
    const BITS: u32 = 0;
}
impl Hold for Get {
    const BITS: u32 = bindings::FOLL_GET;
}
impl Hold for Pin {
    const BITS: u32 = bindings::FOLL_PIN;
}
impl Hold for LongPin {
    const BITS: u32 = bindings::FOLL_PIN | bindings::FOLL_LONGTERM;
}
/// What Rust code wants.
#[must_use]
pub(super) struct Wish<H: Hold> {
    bits: u32,
    _hold: PhantomData<H>,
}

impl<H: Hold> Wish<H> {
    const fn of(bits: u32) -> Self {
        Self {
            bits,
            _hold: PhantomData,
        }
    }

    const fn with(self, bit: u32) -> Self {
        Self::of(self.bits | bit)
    }

    /// To be written to, or to be as if it were.
    pub(super) const fn write(self) -> Self {
        self.with(bindings::FOLL_WRITE)
    }

    /// Whatever the VMA permits now, if it could permit it.
    pub(super) const fn force(self) -> Self {
        self.with(bindings::FOLL_FORCE)
    }

    /// Not what would be zeroes.
    pub(super) const fn dump(self) -> Self {
        self.with(bindings::FOLL_DUMP)
    }

    /// Marked as accessed.
    pub(super) const fn touch(self) -> Self {
        self.with(bindings::FOLL_TOUCH)
    }

    /// Told apart if the memory has failed.
    pub(super) const fn tell_poison(self) -> Self {
        self.with(bindings::FOLL_HWPOISON)
    }

    /// The mmap lock may be dropped.
    pub(super) const fn unlockable(self) -> Self {
        self.with(bindings::FOLL_UNLOCKABLE)
    }

    /// Errors are those of `MADV_POPULATE_READ`.
    pub(super) const fn as_madvise(self) -> Self {
        self.with(bindings::FOLL_MADV_POPULATE)
    }

    /// Returns the set.
    pub(super) const fn flags(self) -> Flags {
        // INVARIANT: The type of the hold sees to it.
        Flags(self.bits | H::BITS)
    }
}

impl Wish<Nothing> {
    /// Wants pages to be there.
    pub(super) const fn presence() -> Self {
        Self::of(0)
    }
}

impl Wish<Get> {
    /// Wants references.
    pub(super) const fn get() -> Self {
        Self::of(0)
    }
}

impl Wish<Pin> {
    /// Wants pins.
    pub(super) const fn pin() -> Self {
        Self::of(0)
    }

    /// For as long as user space wants.
    pub(super) const fn long(self) -> Wish<LongPin> {
        Wish::of(self.bits)
    }
}

/// What a caller wants.
///
/// # Invariants
///
/// At most one of FOLL_GET and FOLL_PIN; FOLL_LONGTERM only with FOLL_PIN, and not with
/// FOLL_PCI_P2PDMA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags(u32);

/// A combination that nobody may ask for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused;

impl Flags {
    /// Takes what C code asks for, and what the function that it called adds.
    pub(super) fn of_caller(asked: c_uint, added: u32, has_pages: bool) -> Result<Self, Refused> {
        if asked & INTERNAL != 0 {
            return Err(Refused);
        }
        let bits = asked | added;
        let has = |bit: u32| bits & bit != 0;
        let long = has(bindings::FOLL_LONGTERM);

        if has(bindings::FOLL_GET) && has(bindings::FOLL_PIN)
            || long && !has(bindings::FOLL_PIN)
            || long && has(bindings::FOLL_PCI_P2PDMA)
            || has(bindings::FOLL_GET | bindings::FOLL_PIN) && !has_pages
        {
            return Err(Refused);
        }
        // INVARIANT: Just checked.
        Ok(Self(bits))
    }

    /// Takes bits of which C code of mm itself promises that they go together.
    pub(super) const fn of_mm(bits: c_uint) -> Self {
        // INVARIANT: As the caller promises.
        Self(bits)
    }

    #[inline]
    const fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// Returns whether they go without the slow path's knowledge.
    pub(super) const fn are_fast(self) -> bool {
        self.0 & !FAST == 0
    }

    /// Returns these with another that changes nothing about the hold.
    #[inline]
    pub(super) const fn and(self, other: Wish<Nothing>) -> Self {
        // INVARIANT: Which bits are added has nothing to do with holds.
        Self(self.0 | other.bits)
    }

    /// Returns these, for a caller who has tried before.
    #[inline]
    pub(super) const fn tried(self) -> Self {
        // INVARIANT: As above.
        Self(self.0 | bindings::FOLL_TRIED)
    }

    /// Returns these, where a caller wants pages but has not said what of them.
    #[inline]
    pub(super) const fn taking_something(self) -> Self {
        if self.pins() {
            return self;
        }
        // INVARIANT: There is no pin.
        Self(self.0 | bindings::FOLL_GET)
    }

    /// A reference is taken.
    #[inline]
    pub(super) const fn gets(self) -> bool {
        self.has(bindings::FOLL_GET)
    }

    /// A pin is taken.
    #[inline]
    pub(super) const fn pins(self) -> bool {
        self.has(bindings::FOLL_PIN)
    }

    /// A pin is taken for a long time.
    #[inline]
    pub(super) const fn is_long(self) -> bool {
        self.has(bindings::FOLL_LONGTERM)
    }

    /// The page is going to be written to.
    #[inline]
    pub(super) const fn writes(self) -> bool {
        self.has(bindings::FOLL_WRITE)
    }

    /// Permissions of the VMA do not matter.
    #[inline]
    pub(super) const fn forces(self) -> bool {
        self.has(bindings::FOLL_FORCE)
    }

    /// Pages are marked as accessed.
    #[inline]
    pub(super) const fn touches(self) -> bool {
        self.has(bindings::FOLL_TOUCH)
    }

    /// It is for a core dump.
    #[inline]
    pub(super) const fn dumps(self) -> bool {
        self.has(bindings::FOLL_DUMP)
    }

    /// It is the memory of somebody else.
    #[inline]
    pub(super) const fn is_remote(self) -> bool {
        self.has(bindings::FOLL_REMOTE)
    }

    /// Only memory without a file.
    #[inline]
    pub(super) const fn only_anon(self) -> bool {
        self.has(bindings::FOLL_ANON)
    }

    /// Huge pages are mapped by small entries first.
    #[inline]
    pub(super) const fn splits(self) -> bool {
        self.has(bindings::FOLL_SPLIT_PMD)
    }

    /// Memory of peer devices will do.
    #[inline]
    pub(super) const fn of_peers(self) -> bool {
        self.has(bindings::FOLL_PCI_P2PDMA)
    }

    /// Errors are those of `MADV_POPULATE_READ`.
    #[inline]
    pub(super) const fn is_madvise(self) -> bool {
        self.has(bindings::FOLL_MADV_POPULATE)
    }

    /// The mmap lock may be dropped.
    #[inline]
    pub(super) const fn is_unlockable(self) -> bool {
        self.has(bindings::FOLL_UNLOCKABLE)
    }

    /// Nothing is waited for.
    #[inline]
    pub(super) const fn never_waits(self) -> bool {
        self.has(bindings::FOLL_NOWAIT)
    }

    /// Nothing is faulted in.
    #[inline]
    pub(super) const fn never_faults(self) -> bool {
        self.has(bindings::FOLL_NOFAULT)
    }

    /// The slow path is not taken.
    #[inline]
    pub(super) const fn only_fast(self) -> bool {
        self.has(bindings::FOLL_FAST_ONLY)
    }

    /// Any signal ends it, not only those that kill.
    #[inline]
    pub(super) const fn is_interruptible(self) -> bool {
        self.has(bindings::FOLL_INTERRUPTIBLE)
    }

    /// A write of a long-term pin to a file would go unnoticed by its file system.
    #[inline]
    pub(super) const fn writes_for_long(self) -> bool {
        let all = bindings::FOLL_PIN | bindings::FOLL_LONGTERM | bindings::FOLL_WRITE;

        self.0 & all == all
    }

    /// A page that others share must become this process's own first, as it is pinned and not
    /// written to.
    #[inline]
    pub(super) const fn wants_own(self) -> bool {
        self.0 & (bindings::FOLL_WRITE | bindings::FOLL_PIN) == bindings::FOLL_PIN
    }

    /// Returns whether each page of a run has to be asked whether it is exclusive. One that can be
    /// written to as part of a shadow stack does not speak for its neighbours: marks decide about that,
    /// which may differ.
    #[inline]
    pub(super) const fn asks_each(self, leaf: PteLeaf) -> bool {
        !leaf.is_rw() && self.wants_own()
    }

    /// Returns whether what the first page of a run permits, others which are mapped like it permit.
    #[inline]
    pub(super) const fn permits_run(self, leaf: PteLeaf) -> bool {
        leaf.is_rw() || !self.writes()
    }

    /// Returns the flags of a fault that does what is asked for.
    pub(super) const fn of_fault(self, unshare: bool) -> u32 {
        let mut fault = 0;

        if self.writes() {
            fault |= bindings::fault_flag_FAULT_FLAG_WRITE;
        }
        if self.is_remote() {
            fault |= bindings::fault_flag_FAULT_FLAG_REMOTE;
        }
        if self.is_unlockable() {
            fault |= bindings::fault_flag_FAULT_FLAG_ALLOW_RETRY
                | bindings::fault_flag_FAULT_FLAG_KILLABLE;
            // Not all callers cope with a signal that does not kill.
            if self.is_interruptible() {
                fault |= bindings::fault_flag_FAULT_FLAG_INTERRUPTIBLE;
            }
        }
        if self.never_waits() {
            fault |= bindings::fault_flag_FAULT_FLAG_ALLOW_RETRY
                | bindings::fault_flag_FAULT_FLAG_RETRY_NOWAIT;
        }
        if self.has(bindings::FOLL_TRIED) {
            fault |= bindings::fault_flag_FAULT_FLAG_TRIED;
        }
        if unshare {
            fault |= bindings::fault_flag_FAULT_FLAG_UNSHARE;
        }
        fault
    }

    /// Returns the bits as C code knows them.
    #[inline]
    pub(super) const fn bits(self) -> c_uint {
        self.0
    }
}
