// SPDX-License-Identifier: GPL-2.0

//! What is mapped where, roughly: so that most operations find something to work on. What an
//! operation really did nobody tells; where the model is wrong, calls fail, which is as good a
//! case as any other.

use crate::arena::{BLOCKS, PAGE, SLOTS};
use std::ops::Range;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Hole,
    /// Private anonymous
    Anon,
    /// Shared anonymous
    Shared,
    /// Of a file of the list
    File(usize),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub kind: Kind,
    /// The userfaultfd that it is registered with
    pub uffd: Option<usize>,
}

pub const PAGES: u64 = BLOCKS * SLOTS;

pub struct Model {
    pages: Vec<Page>,
    pub children: [bool; 2],
    pub uffds: [bool; 2],
}

impl Default for Model {
    fn default() -> Self {
        Self {
            pages: vec![Page::default(); PAGES as usize],
            children: Default::default(),
            uffds: Default::default(),
        }
    }
}

impl Model {
    pub fn at(&self, page: u64) -> Page {
        self.pages.get(page as usize).copied().unwrap_or_default()
    }

    fn slice(&mut self, range: Range<u64>) -> &mut [Page] {
        let range = range.start as usize..range.end.min(PAGES) as usize;
        self.pages.get_mut(range).unwrap_or_default()
    }

    pub fn map(&mut self, range: Range<u64>, kind: Kind) {
        let page = Page { kind, uffd: None };
        self.slice(range).fill(page);
    }

    /// What was at one place is at another one now; there, what was it before.
    pub fn shift(&mut self, from: Range<u64>, to: u64, leave: bool) {
        let moved: Vec<Page> = self.slice(from.clone()).to_vec();
        if !leave {
            self.map(from, Kind::Hole);
        }
        let end = to + moved.len() as u64;
        for (page, moved) in self.slice(to..end).iter_mut().zip(moved) {
            *page = Page {
                uffd: None,
                ..moved
            };
        }
    }

    pub fn register(&mut self, range: Range<u64>, uffd: Option<usize>) {
        for page in self.slice(range) {
            if page.kind != Kind::Hole {
                page.uffd = uffd;
            }
        }
    }

    pub fn forget_uffd(&mut self, slot: usize) {
        for page in &mut self.pages {
            if page.uffd == Some(slot) {
                page.uffd = None;
            }
        }
    }

    /// How many pages from this one on are alike, up to a number.
    pub fn alike(&self, page: u64, most: u64) -> u64 {
        let first = self.at(page);
        (page..(page + most).min(PAGES))
            .take_while(|&other| self.at(other) == first)
            .count() as u64
    }

    pub fn bytes(pages: u64) -> u64 {
        pages * PAGE
    }
}
