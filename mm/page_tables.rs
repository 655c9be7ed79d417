// SPDX-License-Identifier: GPL-2.0

//! The page tables of a process as text: see `Documentation/mm/page_tables_debugfs.rst`.

use core::ffi::c_int;
use kernel::{
    bindings,
    error::to_result,
    mm::{
        walk::{Below, Level, Node, Tree},
        MmWithUser,
    },
    page::PAGE_SIZE,
    prelude::*,
    seq_file::SeqFile,
    seq_print,
};

/// Entries of a table.
const ENTRIES: usize = PAGE_SIZE / size_of::<u64>();

/// Writes a line for each table of user memory, and one with the totals.
///
/// # Safety
///
/// `file` must be valid and being shown, and `mm` have users.
#[export]
pub(crate) unsafe extern "C" fn page_tables_show(
    file: *mut bindings::seq_file,
    mm: *mut bindings::mm_struct,
) -> c_int {
    // SAFETY: As the caller promises.
    let (file, mm) = unsafe { (SeqFile::from_raw(file), MmWithUser::from_raw(mm)) };

    match show(file, mm) {
        Ok(()) => 0,
        Err(error) => error.to_errno(),
    }
}

#[derive(Default)]
struct Totals {
    tables: [usize; 5],
    populated: usize,
}

fn index(level: Level) -> usize {
    match level {
        Level::Pgd => 0,
        Level::P4d => 1,
        Level::Pud => 2,
        Level::Pmd => 3,
        Level::Pte => 4,
    }
}

/// The first column: the name, further to the right the deeper the level.
fn label(level: Level, has_p4d: bool) -> &'static str {
    match (level, has_p4d) {
        (Level::Pgd, _) => "pgd    ",
        (Level::P4d, _) => " p4d   ",
        (Level::Pud, false) => " pud   ",
        (Level::Pud, true) => "  pud  ",
        (Level::Pmd, false) => "  pmd  ",
        (Level::Pmd, true) => "   pmd ",
        (Level::Pte, false) => "   pte ",
        (Level::Pte, true) => "    pte",
    }
}

impl Totals {
    fn line(&mut self, file: &SeqFile, level: Level, has_p4d: bool, start: usize, table: Below) {
        if let Some(count) = self.tables.get_mut(index(level)) {
            *count = count.wrapping_add(1);
        }
        let label = label(level, has_p4d);
        seq_print!(file, "{} {:#018x} {:>9}", label, start, table.populated);
        match table.refs {
            Some(refs) => {
                self.populated = self.populated.wrapping_add(table.populated);
                seq_print!(file, " {:>4}\n", refs);
            }
            None => seq_print!(file, "    -\n"),
        }
    }

    fn end(&self, file: &SeqFile) {
        let [pgd, p4d, pud, pmd, pte] = self.tables;
        let tables = self
            .tables
            .iter()
            .fold(0, |sum: usize, n| sum.wrapping_add(*n));

        let size = tables.wrapping_mul(PAGE_SIZE >> 10);
        let entries = pte.wrapping_mul(ENTRIES);

        seq_print!(
            file,
            "total pgd {} p4d {} pud {} pmd {} pte {}: {} tables, {} kB; ",
            pgd,
            p4d,
            pud,
            pmd,
            pte,
            tables,
            size
        );
        seq_print!(
            file,
            "{} of {} entries of pte tables populated\n",
            self.populated,
            entries
        );
    }
}

fn show(file: &SeqFile, mm: &MmWithUser) -> Result {
    let mut totals = Totals::default();

    seq_print!(file, "level                start populated refs\n");
    // Who unmaps memory frees tables under the lock for reading.
    // SAFETY: The mm has users.
    to_result(unsafe { bindings::mmap_write_lock_killable(mm.as_raw()) })?;
    walk(file, mm, &mut totals);
    // SAFETY: Taken above.
    unsafe { bindings::mmap_write_unlock(mm.as_raw()) };
    totals.end(file);
    Ok(())
}

fn walk(file: &SeqFile, mm: &MmWithUser, totals: &mut Totals) {
    // SAFETY: The mm is valid.
    let last = unsafe { bindings::mm_task_size(mm.as_raw()) }.wrapping_sub(1);
    // SAFETY: The mmap lock is held for writing, so that tables of user space stay, but for PTE
    // tables, which are freed by RCU.
    let mut tree = unsafe { Tree::new(mm.as_raw(), core::ptr::null_mut(), 0..=last) };
    let has_p4d = tree.has_p4d_tables();

    totals.line(file, Level::Pgd, has_p4d, 0, tree.root());
    while let Some(node) = tree.next() {
        let Node::Entry { addr, .. } = node else {
            continue;
        };
        let Some((level, table)) = tree.below() else {
            continue;
        };

        totals.line(file, level, has_p4d, addr, table);
        if level == Level::Pte {
            tree.skip_below();
        }
    }
}
