// SPDX-License-Identifier: GPL-2.0

//! Dumps of page tables: what `mm/ptdump.c` looks at, for the architecture's code to print.

use kernel::{
    bindings,
    mm::{
        pgtable::{Pmd, Pte, Pud},
        walk::{Level, Node, Raw, Tree},
    },
    prelude::*,
};

/// Tells of each entry of a range.
///
/// # Safety
///
/// `mm` must be valid, and both its mmap lock and that of `init_mm` be held for writing. `pgd` must
/// be null or a root; `state` must be valid, and all its callbacks set, but for `effective_prot`.
#[export]
pub(crate) unsafe extern "C" fn rust_ptdump(
    mm: *mut bindings::mm_struct,
    start: usize,
    end: usize,
    pgd: *mut bindings::pgd_t,
    state: *mut bindings::ptdump_state,
) {
    if start >= end {
        return;
    }
    // SAFETY: Both are valid.
    unsafe {
        bindings::mmap_assert_write_locked(mm);
        bindings::mmap_assert_write_locked(&raw mut bindings::init_mm);
    }
    // SAFETY: As the caller promises: tables are freed with one of the locks only, but for PTE tables
    // of user space.
    let mut tree = unsafe { Tree::new(mm, pgd, start..=end.wrapping_sub(1)) };
    let dump = Dump(state);

    while let Some(node) = tree.next() {
        match node {
            Node::Hole { addr, level } => dump.note(addr, none(level)),
            Node::Entry { addr, value } => {
                if let Some(shadow) = kasan_shadow(value) {
                    dump.note(addr, Raw::Pte(shadow));
                    tree.skip_below();
                    continue;
                }
                dump.add_rights(value);
                if value.is_leaf() {
                    dump.note(addr, value);
                }
            }
        }
    }
}

/// What is told of a hole. One that is found where a level would be that this machine has not is one
/// of the level above.
fn none(level: Level) -> Raw {
    // SAFETY: Set once, at boot.
    let has_p4d = unsafe { bindings::has_p4d_tables() };

    match level {
        Level::Pte => Raw::Pte(Pte::NONE),
        Level::Pmd => Raw::Pmd(Pmd::from_raw(0)),
        Level::Pud => Raw::Pud(Pud::from_raw(0)),
        Level::P4d if has_p4d => Raw::P4d(0),
        Level::P4d | Level::Pgd => Raw::Pgd(0),
    }
}

/// Returns what is told of a range of which KASAN knows nothing: the same tables, which lead to the same
/// page, are there again and again, dozens of seconds of them.
fn kasan_shadow(value: Raw) -> Option<Pte> {
    let (level, raw) = match value {
        Raw::Pgd(raw) => (bindings::pgtable_level_PGTABLE_LEVEL_PGD, raw),
        Raw::P4d(raw) => (bindings::pgtable_level_PGTABLE_LEVEL_P4D, raw),
        Raw::Pud(pud) => (bindings::pgtable_level_PGTABLE_LEVEL_PUD, pud.into_raw()),
        Raw::Pmd(pmd) => (bindings::pgtable_level_PGTABLE_LEVEL_PMD, pmd.into_raw()),
        Raw::Pte(_) => return None,
    };

    // SAFETY: These only compare.
    unsafe {
        bindings::leads_to_kasan_shadow(level, raw)
            .then(|| Pte::from_ffi(bindings::kasan_shadow_entry()))
    }
}

/// The callbacks of who prints.
struct Dump(*mut bindings::ptdump_state);

macro_rules! call {
    ($dump:expr, $callback:ident $(, $arg:expr)*) => {{
        let state = $dump.0;

        // SAFETY: The state is valid, and its callbacks are called as they want to be.
        unsafe {
            if let Some(callback) = (*state).$callback {
                callback(state $(, $arg)*)
            }
        }
    }};
}

impl Dump {
    fn note(&self, addr: usize, value: Raw) {
        match value {
            Raw::Pgd(raw) => call!(self, note_page_pgd, addr, pgd(raw)),
            Raw::P4d(raw) => call!(self, note_page_p4d, addr, p4d(raw)),
            Raw::Pud(pud) => call!(self, note_page_pud, addr, pud.into_ffi()),
            Raw::Pmd(pmd) => call!(self, note_page_pmd, addr, pmd.into_ffi()),
            Raw::Pte(pte) => call!(self, note_page_pte, addr, pte.into_ffi()),
        }
    }

    /// Tells what an entry allows, of which those below it may allow less.
    fn add_rights(&self, value: Raw) {
        match value {
            Raw::Pgd(raw) => call!(self, effective_prot_pgd, pgd(raw)),
            Raw::P4d(raw) => call!(self, effective_prot_p4d, p4d(raw)),
            Raw::Pud(pud) => call!(self, effective_prot_pud, pud.into_ffi()),
            Raw::Pmd(pmd) => call!(self, effective_prot_pmd, pmd.into_ffi()),
            Raw::Pte(pte) => call!(self, effective_prot_pte, pte.into_ffi()),
        }
    }
}

fn pgd(raw: u64) -> bindings::pgd_t {
    // SAFETY: This only computes.
    unsafe { bindings::pgd_of(raw) }
}

fn p4d(raw: u64) -> bindings::p4d_t {
    // SAFETY: This only computes.
    unsafe { bindings::p4d_of(raw) }
}
