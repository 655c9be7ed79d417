// SPDX-License-Identifier: GPL-2.0

//! The functions that are there twice, and which of them tests have called.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use kernel::prelude::*;

/// Which of both is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Rust,
    C,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Rust, Self::C];

    pub(super) fn other(self) -> Self {
        match self {
            Self::Rust => Self::C,
            Self::C => Self::Rust,
        }
    }
}

macro_rules! twins {
    ($($name:ident,)+) => {
        /// Each of them.
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy)]
        pub(super) enum Twin {
            $($name,)+
        }

        const NAMES: &[&str] = &[$(stringify!($name),)+];
    };
}

twins! {
    try_grab_folio,
    folio_add_pin,
    folio_add_pins,
    unpin_user_page,
    unpin_folio,
    unpin_user_folio,
    unpin_folios,
    unpin_user_pages,
    unpin_user_pages_dirty_lock,
    unpin_user_page_range_dirty_lock,
    fixup_user_fault,
    populate_vma_page_range,
    faultin_page_range,
    __mm_populate,
    fault_in_writeable,
    fault_in_subpage_writeable,
    fault_in_safe_writeable,
    fault_in_readable,
    get_dump_page,
    get_user_pages,
    get_user_pages_remote,
    get_user_pages_unlocked,
    get_user_pages_fast,
    get_user_pages_fast_only,
    pin_user_pages,
    pin_user_pages_remote,
    pin_user_pages_unlocked,
    pin_user_pages_fast,
    memfd_pin_folios,
}

/// How often each was called, in Rust and in C.
static CALLS: [[AtomicUsize; 2]; NAMES.len()] =
    [const { [const { AtomicUsize::new(0) }; 2] }; NAMES.len()];

/// Counts a call.
pub(super) fn note(twin: Twin, side: Side) {
    if let Some(count) = CALLS
        .get(twin as usize)
        .and_then(|calls| calls.get(side as usize))
    {
        count.fetch_add(1, Relaxed);
    }
}

/// Calls a function on one side, and counts that.
macro_rules! call {
    ($side:expr, $name:ident($($arg:expr),* $(,)?)) => {{
        let side = $side;

        $crate::gup::tests::twins::note($crate::gup::tests::twins::Twin::$name, side);
        match side {
            $crate::gup::tests::twins::Side::Rust => kernel::bindings::$name($($arg),*),
            $crate::gup::tests::twins::Side::C => {
                kernel::macros::paste!(kernel::bindings::[<c_ $name>])($($arg),*)
            }
        }
    }};
}

pub(super) use call;

/// Returns how often each function has been called so far, in Rust and in C.
pub(super) fn calls() -> Result<KVVec<(&'static str, [usize; 2])>> {
    let mut all = KVVec::new();

    for (name, counts) in NAMES.iter().zip(&CALLS) {
        let [rust, c] = counts.each_ref().map(|count| count.load(Relaxed));

        all.push((*name, [rust, c]), GFP_KERNEL)?;
    }
    Ok(all)
}

/// Goes over the names of functions that C declares as twins.
pub(super) fn declared() -> impl Iterator<Item = &'static str> {
    include_str!("../../../include/linux/rust_gup_twins.h")
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter_map(|word| word.strip_prefix("c_"))
}
