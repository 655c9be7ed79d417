// SPDX-License-Identifier: GPL-2.0

//! madvise in all its forms, and the pagemap.

use super::pick::Want;
use super::{call, span, Gen};
use crate::arena::SLOTS;
use crate::op::{Arg, Call};
use crate::symbol::{self as sym, Symbol, CHILDREN};
use crate::verb::Verb;
use std::ops::Range;

impl Gen {
    fn advise(&mut self, range: &Range<u64>, advice: Symbol) -> Call {
        let [start, len] = span(range);
        call(Verb::Madvise, [start, len, advice.into()])
    }

    pub fn dont_need(&mut self) -> Call {
        let range = self.range(Want::Mapped);
        let advice = self.one_of(
            &[
                sym::MADV_DONTNEED,
                sym::MADV_DONTNEED,
                sym::MADV_DONTNEED_LOCKED,
            ],
            sym::MADV_DONTNEED,
        );
        self.advise(&range, advice)
    }

    /// A whole table, at once or in parts, over whatever areas there are; then time to free it.
    pub fn empty_table(&mut self) -> Call {
        let start = self.page(Want::Mapped) / SLOTS * SLOTS;
        let parts = self.one_of(&[1, 1, 2, 2, 4, 8], 1);
        for part in 0..parts {
            let start = start + part * SLOTS / parts;
            let range = start..start + SLOTS / parts;
            let call = self.advise(&range, sym::MADV_DONTNEED);
            self.soon.push_back(call);
        }
        if self.chance(70) {
            self.soon.push_back(call(Verb::Pause, [1.into()]));
        }
        self.soon.pop_front().unwrap_or_else(|| self.dont_need())
    }

    pub fn free(&mut self) -> Call {
        let range = self.range(Want::Anon);
        self.advise(&range, sym::MADV_FREE)
    }

    pub fn guard(&mut self) -> Call {
        let range = self.range(Want::Mapped);
        let advice = self.one_of(
            &[
                sym::MADV_GUARD_INSTALL,
                sym::MADV_GUARD_REMOVE,
                sym::MADV_GUARD_REMOVE,
            ],
            sym::MADV_GUARD_REMOVE,
        );
        self.advise(&range, advice)
    }

    pub fn hint(&mut self) -> Call {
        let range = self.range(Want::Mapped);
        let advice = self.one_of(
            &[
                sym::MADV_NORMAL,
                sym::MADV_RANDOM,
                sym::MADV_SEQUENTIAL,
                sym::MADV_COLD,
                sym::MADV_COLD,
                sym::MADV_WILLNEED,
                sym::MADV_WILLNEED,
            ],
            sym::MADV_COLD,
        );
        self.advise(&range, advice)
    }

    pub fn populate(&mut self) -> Call {
        let range = self.small_range(Want::Mapped);
        let advice = self.one_of(
            &[sym::MADV_POPULATE_READ, sym::MADV_POPULATE_WRITE],
            sym::MADV_POPULATE_READ,
        );
        self.advise(&range, advice)
    }

    /// What splits and merges areas; KSM itself does not run.
    pub fn flag(&mut self) -> Call {
        let range = self.range(Want::Mapped);
        let advice = self.one_of(
            &[
                sym::MADV_DONTDUMP,
                sym::MADV_DODUMP,
                sym::MADV_MERGEABLE,
                sym::MADV_UNMERGEABLE,
            ],
            sym::MADV_DODUMP,
        );
        self.advise(&range, advice)
    }

    pub fn fork_flag(&mut self) -> Call {
        let range = self.range(Want::Mapped);
        let advice = self.one_of(
            &[
                sym::MADV_DONTFORK,
                sym::MADV_DOFORK,
                sym::MADV_DOFORK,
                sym::MADV_WIPEONFORK,
                sym::MADV_KEEPONFORK,
            ],
            sym::MADV_DOFORK,
        );
        self.advise(&range, advice)
    }

    pub fn huge_flag(&mut self) -> Call {
        let range = self.range(Want::Mapped);
        let advice = self.one_of(
            &[sym::MADV_HUGEPAGE, sym::MADV_HUGEPAGE, sym::MADV_NOHUGEPAGE],
            sym::MADV_HUGEPAGE,
        );
        self.advise(&range, advice)
    }

    /// Of private anonymous memory only: of a file's pages it makes a large one in the page cache,
    /// and a later fault maps that as a whole where there is no table, and piecemeal where there
    /// is one, empty or not.
    pub fn collapse(&mut self) -> Call {
        let block = self.page(Want::Anon) / SLOTS * SLOTS;
        let count = self.model.alike(block, SLOTS);
        call(Verb::Collapse, span(&(block..block + count)))
    }

    pub fn process_madvise(&mut self) -> Call {
        let range = self.range(Want::Mapped);
        let own = self.chance(60);
        let target = if own {
            sym::PIDFD_SELF_THREAD_GROUP
        } else {
            self.one_of(&CHILDREN, sym::D0)
        };
        let advice = match own {
            true => self.one_of(&[sym::MADV_DONTNEED, sym::MADV_COLD], sym::MADV_COLD),
            false => self.one_of(&[sym::MADV_COLD, sym::MADV_PAGEOUT], sym::MADV_COLD),
        };
        let part: Vec<Arg> = span(&range).into();
        call(
            Verb::ProcessMadvise,
            [
                target.into(),
                part.into(),
                1.into(),
                advice.into(),
                0.into(),
            ],
        )
    }

    pub fn page_out(&mut self) -> Call {
        let range = self.range(Want::Mapped);
        self.advise(&range, sym::MADV_PAGEOUT)
    }

    /// Lazily freed pages that are dropped and not swapped out.
    pub fn free_and_page_out(&mut self) -> Call {
        let page = self.page(Want::Anon);
        let range = page..page + self.model.alike(page, 8).max(1);
        let advice = self.one_of(&[sym::MADV_FREE, sym::MADV_PAGEOUT], sym::MADV_FREE);
        self.advise(&range, advice)
    }

    pub fn swap_cycle(&mut self) -> Call {
        call(Verb::SwapCycle, [])
    }

    /// 4: soft-dirty marks; 1: marks of age.
    pub fn clear_refs(&mut self) -> Call {
        let what = self.one_of(&[4, 4, 4, 1], 4);
        call(Verb::ClearRefs, [what.into()])
    }

    pub fn scan(&mut self) -> Call {
        let range = self.range(Want::Mapped);
        let flags: Arg = match self.below(3) {
            0 => 0.into(),
            1 => vec![sym::PM_SCAN_WP_MATCHING, sym::PM_SCAN_CHECK_WPASYNC].into(),
            _ => sym::PM_SCAN_WP_MATCHING.into(),
        };
        let category = self.one_of(
            &[
                sym::PAGE_IS_WPALLOWED,
                sym::PAGE_IS_WRITTEN,
                sym::PAGE_IS_WRITTEN,
                sym::PAGE_IS_FILE,
                sym::PAGE_IS_PRESENT,
                sym::PAGE_IS_SWAPPED,
                sym::PAGE_IS_PFNZERO,
                sym::PAGE_IS_SOFT_DIRTY,
                sym::PAGE_IS_GUARD,
            ],
            sym::PAGE_IS_WRITTEN,
        );
        let inverted: Arg = if self.chance(20) {
            category.into()
        } else {
            0.into()
        };
        let most = self.one_of(&[0, 0, 1, 3, 16], 0);
        let [start, end] = [super::at(range.start), super::at(range.end)];
        let returned = vec![
            sym::PAGE_IS_WRITTEN,
            sym::PAGE_IS_PRESENT,
            sym::PAGE_IS_SWAPPED,
            sym::PAGE_IS_SOFT_DIRTY,
        ];
        let words: Vec<Arg> = vec![
            96.into(),
            flags,
            start,
            end,
            0.into(),
            sym::OUT.into(),
            64.into(),
            most.into(),
            inverted,
            category.into(),
            0.into(),
            returned.into(),
        ];
        call(
            Verb::Ioctl,
            [sym::PAGEMAP.into(), sym::PAGEMAP_SCAN.into(), words.into()],
        )
    }

    fn node(&mut self) -> u64 {
        self.below(2)
    }

    pub fn move_to_node(&mut self) -> Call {
        let page = self.page(Want::Mapped);
        let node = self.node();
        let how = self.one_of(
            &[sym::MPOL_MF_MOVE, sym::MPOL_MF_MOVE_ALL],
            sym::MPOL_MF_MOVE,
        );
        call(
            Verb::MovePages,
            [
                0.into(),
                1.into(),
                vec![super::at(page)].into(),
                vec![Arg::from(node)].into(),
                sym::OUT.into(),
                how.into(),
            ],
        )
    }

    pub fn mbind(&mut self) -> Call {
        let range = self.range(Want::Mapped);
        let [start, len] = span(&range);
        if self.chance(40) {
            return call(
                Verb::Mbind,
                [
                    start,
                    len,
                    sym::MPOL_DEFAULT.into(),
                    0.into(),
                    0.into(),
                    0.into(),
                ],
            );
        }
        let mask = 1 << self.node();
        call(
            Verb::Mbind,
            [
                start,
                len,
                sym::MPOL_BIND.into(),
                vec![Arg::from(mask)].into(),
                64.into(),
                sym::MPOL_MF_MOVE.into(),
            ],
        )
    }
}
