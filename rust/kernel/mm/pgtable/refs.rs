// SPDX-License-Identifier: GPL-2.0

//! The word that counts the references of a table.
//!
//! One reference is the table's own; it is given up when its memory is to be given back. Those who
//! hold the table's lock, or the RCU read lock, need none: references are for the few who keep a
//! table while they sleep.
//!
//! This file is compiled by the host's tests as well, on a model of weak memory.

use super::atomic::{Atomic, Full, Relaxed};

/// The references of one table.
///
/// Whatever changes it is fully ordered: a reference that was taken is visible before the PMD entry
/// is looked at again, and who gives the memory back sees what all holders did.
#[repr(transparent)]
pub struct Refs(Atomic<i32>);

/// What follows from dropping a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// Nothing: there are others.
    Shared,
    /// Nobody but the table itself is left. `wanted` if it would have been unhooked, was it not for
    /// the reference, so that somebody has to look at it again.
    Unused {
        /// Whether [`Refs::freeze`] failed in the meantime.
        wanted: bool,
    },
    /// The table gave up its own before, and this was the last one: its memory is to be given back.
    Last,
}

impl Refs {
    /// A table nobody but itself holds.
    pub const UNUSED: i32 = 1;
    /// A table that was unhooked while nobody held it: there are no references to take any more.
    const FROZEN: i32 = 0;
    /// Whether somebody tried to freeze it and could not.
    const WANTED: i32 = 1 << 30;
    const COUNT: i32 = Self::WANTED - 1;
    /// More are refused. The rest of the bits are room for those who count up at the same time.
    const MOST: i32 = Self::COUNT / 2;

    /// Those of a new table.
    pub fn new() -> Self {
        Self(Atomic::new(Self::UNUSED))
    }

    /// Makes a reference of a word that C code shares.
    ///
    /// # Safety
    ///
    /// `word` must point to the references of a table that is not freed during `'a`.
    #[cfg(CONFIG_FREE_USER_PTE)]
    #[inline]
    pub unsafe fn from_raw<'a>(word: *mut crate::bindings::atomic_t) -> &'a Self {
        // SAFETY: The caller promises that it is valid; both types wrap an atomic integer.
        unsafe { &*word.cast() }
    }

    /// Takes a reference, unless the table is being freed, is no user PTE table, or has too many.
    #[inline]
    pub(super) fn try_get(&self) -> bool {
        let available = |word: i32| {
            word > Self::FROZEN && (Self::UNUSED..Self::MOST).contains(&(word & Self::COUNT))
        };

        available(self.replace(|word| if available(word) { word + 1 } else { word }))
    }

    /// Sees to it that no reference can be taken any more. Returns false if somebody holds one:
    /// then the last one to drop it is told.
    ///
    /// The caller holds the locks under which a table is unhooked.
    #[inline]
    pub(super) fn freeze(&self) -> bool {
        let before = self.replace(|word| match word {
            ..=Self::FROZEN => word,
            Self::UNUSED => Self::FROZEN,
            _ => word | Self::WANTED,
        });

        before == Self::UNUSED
    }

    /// Drops a reference that [`try_get`](Self::try_get) took.
    #[inline]
    pub(super) fn put(&self) -> Put {
        let left = |word: i32| (word & Self::COUNT) - 1;
        let before = self.replace(|word| match left(word) {
            count @ ..=Self::UNUSED => count,
            _ => word - 1,
        });

        match left(before) {
            ..=Self::FROZEN => Put::Last,
            Self::UNUSED => Put::Unused {
                wanted: before & Self::WANTED != 0,
            },
            _ => Put::Shared,
        }
    }

    /// Drops the table's own reference, after nobody can find it any more. Returns true if its
    /// memory is to be given back now; else the last holder does that.
    #[inline]
    pub(super) fn give_up(&self) -> bool {
        let before = self.replace(|word| match word {
            Self::FROZEN => Self::FROZEN,
            _ => (word & Self::COUNT) - 1,
        });

        before & Self::COUNT <= Self::UNUSED
    }

    /// Returns whether somebody beside the table itself holds a reference.
    #[inline]
    pub fn is_shared(&self) -> bool {
        self.0.load(Relaxed) & Self::COUNT > Self::UNUSED
    }

    /// Returns how many references there are beside the table's own.
    #[cfg(CONFIG_FREE_USER_PTE)]
    #[inline]
    pub fn held(&self) -> u32 {
        (self.0.load(Relaxed) & Self::COUNT)
            .saturating_sub(Self::UNUSED)
            .unsigned_abs()
    }

    /// Replaces the word by what `change` makes of it, and returns what it was before.
    ///
    /// If that is the same it is written all the same: whoever comes later relies on seeing what
    /// was done before.
    #[inline]
    fn replace(&self, change: impl Fn(i32) -> i32) -> i32 {
        let mut word = self.0.load(Relaxed);

        loop {
            match self.0.cmpxchg(word, change(word), Full) {
                Ok(_) => return word,
                Err(other) => word = other,
            }
        }
    }
}
