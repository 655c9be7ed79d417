// SPDX-License-Identifier: GPL-2.0

//! References and pins of folios: taking them, and giving them back.
//!
//! A *reference* keeps a folio from being freed. A *pin* says as well that somebody accesses the
//! contents without looking at page tables: a large folio counts its pins, a small one gets
//! `GUP_PIN_COUNTING_BIAS` references for each. Pages of zeroes are never pinned: they stay anyway.

use super::flags::Flags;
use core::ffi::c_int;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use kernel::{bindings, prelude::*};

/// References that a pin of a small folio is worth.
const BIAS: c_int = bindings::GUP_PIN_COUNTING_BIAS as c_int;

/// Some references or pins of one folio, which are given back unless they are [kept](Self::keep).
///
/// # Invariants
///
/// `count` times what `flags` say was taken of `folio`, and is ours.
#[must_use = "what was taken is given back at once if this is not bound"]
pub(super) struct Held {
    folio: NonNull<bindings::folio>,
    count: c_int,
    flags: Flags,
}

/// Why nothing was taken without a lock.
pub(super) enum Missed {
    /// The folio is being freed, or must not be taken this way.
    Refused,
    /// It was split meanwhile, or freed and allocated again.
    Changed,
}

impl Held {
    /// Takes what `flags` say, which may be nothing, so many times.
    ///
    /// # Safety
    ///
    /// The folio must be kept by something: a lock of an entry that maps it, or a reference.
    #[inline]
    pub(super) unsafe fn take(
        folio: NonNull<bindings::folio>,
        count: usize,
        flags: Flags,
    ) -> Result<Self> {
        let raw = folio.as_ptr();
        let count = count as c_int;

        // SAFETY: As the caller promises.
        unsafe {
            if kernel::warn_on_once!(bindings::folio_ref_count(raw) <= 0) {
                return Err(ENOMEM);
            }
            if !flags.of_peers() && bindings::folio_is_pci_p2pdma(raw) {
                return Err(EREMOTEIO);
            }
            if flags.gets() {
                bindings::folio_ref_add(raw, count);
            } else if flags.pins() && !bindings::is_zero_folio(raw) {
                pin(raw, count);
            }
        }
        // INVARIANT: Just taken.
        Ok(Self {
            folio,
            count,
            flags,
        })
    }

    /// Takes what `flags` say of the folio that so many pages from `first` on seem to belong to.
    ///
    /// # Safety
    ///
    /// `first` must be a page of the memory map, as must be those behind it. Flags must say that
    /// something is taken.
    #[inline]
    pub(super) unsafe fn try_take(
        first: NonNull<bindings::page>,
        count: usize,
        flags: Flags,
    ) -> Result<Self, Missed> {
        // SAFETY: As the caller promises. Nothing of a folio is looked at before there is a
        // reference but its count, which each page has.
        unsafe {
            if !flags.of_peers() && bindings::is_pci_p2pdma_page(first.as_ptr()) {
                return Err(Missed::Refused);
            }
            let raw = bindings::page_folio(first.as_ptr());
            let folio = NonNull::new_unchecked(raw);
            let refs = count as c_int;
            let held = Self {
                folio,
                count: refs,
                flags,
            };
            // Nobody counts pages of zeroes.
            if flags.pins() && bindings::is_zero_folio(raw) {
                return Ok(held);
            }
            let held = ManuallyDrop::new(held);

            if kernel::warn_on_once!(bindings::folio_ref_count(raw) < 0)
                || !bindings::folio_ref_try_add(raw, refs)
            {
                return Err(Missed::Refused);
            }
            let last = first.as_ptr().wrapping_add(count.wrapping_sub(1));

            if bindings::page_folio(first.as_ptr()) != raw
                || count > 1 && bindings::page_folio(last) != raw
            {
                bindings::folio_put_refs(raw, refs);
                return Err(Missed::Changed);
            }
            if flags.pins() {
                if flags.is_long() && !bindings::folio_is_longterm_pinnable(raw) {
                    bindings::folio_put_refs(raw, refs);
                    return Err(Missed::Refused);
                }
                if bindings::folio_test_large(raw) {
                    bindings::folio_pincount_add(raw, refs);
                } else {
                    bindings::folio_ref_add(raw, refs.wrapping_mul(BIAS - 1));
                }
                // Before entries are looked at again: whoever makes a page shared first changes
                // entries, and then asks whether it is pinned.
                bindings::smp_mb__after_atomic();
                bindings::node_stat_mod_folio(raw, ACQUIRED, refs as isize);
            }
            // INVARIANT: Just taken.
            Ok(ManuallyDrop::into_inner(held))
        }
    }

    /// Gives back all but so many.
    #[inline]
    pub(super) fn keep_only(&mut self, count: usize) {
        let rest = self.count.wrapping_sub(count as c_int);

        if rest > 0 {
            // SAFETY: They are ours by the type invariants.
            unsafe { release(self.folio.as_ptr(), rest, self.flags) };
            // INVARIANT: Given back.
            self.count = count as c_int;
        }
    }

    /// Leaves what was taken to somebody else, who gives it back.
    #[inline]
    pub(super) fn keep(self) {
        let _ = ManuallyDrop::new(self);
    }

    /// Returns the raw folio.
    #[inline]
    pub(super) fn folio(&self) -> *mut bindings::folio {
        self.folio.as_ptr()
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: They are ours by the type invariants.
        unsafe { release(self.folio.as_ptr(), self.count, self.flags) };
    }
}

/// A reference or a pin of a small folio, which is given back unless it is [kept](Self::keep). As a pin
/// it is not counted yet.
///
/// # Invariants
///
/// The reference is ours; if `PIN`, so are [`BIAS`] of them.
#[must_use = "what was taken is given back at once if this is not bound"]
pub(super) struct One<const PIN: bool>(NonNull<bindings::folio>);

impl<const PIN: bool> One<PIN> {
    const REFS: c_int = if PIN { BIAS } else { 1 };

    /// Takes one of the folio that a page seems to be.
    ///
    /// # Safety
    ///
    /// `page` must be a page of the memory map.
    #[inline]
    pub(super) unsafe fn try_take(
        page: NonNull<bindings::page>,
        long: bool,
    ) -> Result<Self, Missed> {
        let raw: *mut bindings::folio = page.as_ptr().cast();

        // SAFETY: As the caller promises. Nothing is looked at before there is a reference but the
        // count of them, which each page has.
        unsafe {
            if kernel::warn_on_once!(bindings::folio_ref_count(raw) < 0)
                || !bindings::folio_ref_try_add(raw, Self::REFS)
            {
                return Err(Missed::Refused);
            }
            // INVARIANT: Just taken.
            let one = Self(page.cast());

            if !bindings::page_is_small_folio(page.as_ptr()) {
                return Err(Missed::Changed);
            }
            if PIN {
                if long && !bindings::folio_is_longterm_pinnable(raw) {
                    return Err(Missed::Refused);
                }
                // As for many, see above.
                bindings::smp_mb__after_atomic();
            }
            Ok(one)
        }
    }

    /// Returns the raw folio.
    #[inline]
    pub(super) fn folio(&self) -> *mut bindings::folio {
        self.0.as_ptr()
    }

    /// Leaves it to somebody else, who gives it back.
    #[inline]
    pub(super) fn keep(self) {
        let _ = ManuallyDrop::new(self);
    }
}

impl<const PIN: bool> Drop for One<PIN> {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: They are ours by the type invariants. It may be a page of a large folio by now, which
        // has the references then.
        unsafe {
            bindings::folio_put_refs(bindings::page_folio(self.0.as_ptr().cast()), Self::REFS)
        };
    }
}

/// Pins of small folios that are to be counted, by node.
pub(super) struct Uncounted {
    node: c_int,
    pins: isize,
}

impl Uncounted {
    pub(super) const fn new() -> Self {
        Self { node: 0, pins: 0 }
    }

    /// Counts the pin of a folio later.
    ///
    /// # Safety
    ///
    /// The folio must be kept by something.
    #[inline]
    pub(super) unsafe fn add(&mut self, folio: *mut bindings::folio) {
        // SAFETY: As the caller promises.
        let node = unsafe { bindings::folio_nid(folio) };

        if node != self.node {
            self.flush();
            self.node = node;
        }
        self.pins += 1;
    }

    /// Counts.
    pub(super) fn flush(&mut self) {
        if self.pins != 0 {
            // SAFETY: There is such a node, as a folio of it was pinned.
            unsafe { bindings::node_stat_mod(self.node, ACQUIRED, self.pins) };
            self.pins = 0;
        }
    }
}

impl Drop for Uncounted {
    fn drop(&mut self) {
        self.flush();
    }
}

const ACQUIRED: bindings::node_stat_item = bindings::node_stat_item_NR_FOLL_PIN_ACQUIRED;
const RELEASED: bindings::node_stat_item = bindings::node_stat_item_NR_FOLL_PIN_RELEASED;

/// # Safety
///
/// The folio must be kept by something.
#[inline]
unsafe fn pin(folio: *mut bindings::folio, count: c_int) {
    // SAFETY: As the caller promises.
    unsafe {
        if bindings::folio_test_large(folio) {
            bindings::folio_ref_add(folio, count);
            bindings::folio_pincount_add(folio, count);
        } else {
            bindings::folio_ref_add(folio, count.wrapping_mul(BIAS));
        }
        bindings::node_stat_mod_folio(folio, ACQUIRED, count as isize);
    }
}

/// # Safety
///
/// So many references or pins must be the caller's, who does not use them any more.
#[inline]
unsafe fn release(folio: *mut bindings::folio, count: c_int, flags: Flags) {
    if flags.pins() {
        // SAFETY: As the caller promises.
        unsafe { unpin(folio, count) };
    } else if flags.gets() {
        // SAFETY: As the caller promises.
        unsafe { bindings::folio_put_refs(folio, count) };
    }
}

/// # Safety
///
/// So many pins must be the caller's, who does not use them any more.
#[inline]
pub(super) unsafe fn unpin(folio: *mut bindings::folio, count: c_int) {
    // SAFETY: As the caller promises; a pin is a reference as well.
    unsafe {
        if bindings::is_zero_folio(folio) {
            return;
        }
        bindings::node_stat_mod_folio(folio, RELEASED, count as isize);
        let refs = if bindings::folio_test_large(folio) {
            bindings::folio_pincount_sub(folio, count);
            count
        } else {
            count.wrapping_mul(BIAS)
        };
        bindings::folio_put_refs(folio, refs);
    }
}

/// Pins a folio once more that the caller has pinned.
///
/// # Safety
///
/// A pin of the folio must be the caller's.
#[export]
pub(crate) unsafe extern "C" fn folio_add_pin(folio: *mut bindings::folio) {
    // SAFETY: As the caller promises.
    unsafe {
        if bindings::is_zero_folio(folio) {
            return;
        }
        if bindings::folio_test_large(folio) {
            kernel::warn_on_once!(bindings::folio_pincount(folio) < 1);
            bindings::folio_ref_add(folio, 1);
            bindings::folio_pincount_add(folio, 1);
        } else {
            kernel::warn_on_once!(bindings::folio_ref_count(folio) < BIAS);
            bindings::folio_ref_add(folio, BIAS);
        }
    }
}

/// Pins a folio some times more that the caller has pinned. Returns 0, or `-ENOMEM`.
///
/// # Safety
///
/// A pin of the folio must be the caller's.
#[export]
pub(crate) unsafe extern "C" fn folio_add_pins(folio: *mut bindings::folio, pins: u32) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { try_grab_folio(folio, pins as c_int, bindings::FOLL_PIN) }
}

/// Takes so many references or pins of a folio, as `flags` say, or nothing. Returns 0, `-ENOMEM` if the
/// folio is being freed, or `-EREMOTEIO` if it is of a peer device and that was not asked for.
///
/// # Safety
///
/// The folio must be kept by something.
#[export]
pub(crate) unsafe extern "C" fn try_grab_folio(
    folio: *mut bindings::folio,
    refs: c_int,
    flags: u32,
) -> c_int {
    // SAFETY: As the caller promises; a folio that is kept is not null.
    let held = unsafe {
        Held::take(
            NonNull::new_unchecked(folio),
            refs as usize,
            Flags::of_mm(flags),
        )
    };

    match held {
        Ok(held) => {
            held.keep();
            0
        }
        Err(error) => error.to_errno(),
    }
}
