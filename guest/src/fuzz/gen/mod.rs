// SPDX-License-Identifier: GPL-2.0

//! Making a list of operations from a seed: the same list on every machine.

mod advice;
mod files;
mod maps;
mod menu;
mod model;
mod pick;
mod processes;
mod touch;
mod uffd;

use crate::arena::PAGE;
use crate::op::{Actor, Arg, Call, Op};
use crate::symbol::{self, Symbol, FILES};
use crate::verb::Verb;
use menu::{Group, GROUPS, MENU};
use model::Model;
use pagetables::random::Random;
use std::collections::VecDeque;
use std::ops::Range;

/// Longer than a list takes, and as long as may be.
const NEVER_MS: u64 = 60_000;

pub struct Gen {
    random: Random,
    model: Model,
    /// How much of each group of operations a list has
    shares: [usize; GROUPS],
    /// Whether faults map pages around, too
    around: bool,
    /// What is already decided
    soon: VecDeque<Call>,
}

impl Gen {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        // Lists differ in what they are about: one that has a bit of everything seldom gets deep
        // into anything.
        let mut shares = [0; GROUPS];
        for share in &mut shares {
            *share = match random.below(6) {
                0 | 1 => 0,
                2 | 3 => 1,
                4 => 3,
                _ => 6,
            };
        }
        for always in [Group::Touch, Group::Map, Group::Empty] {
            if let Some(share) = shares.get_mut(always as usize) {
                *share = 2 + *share / 2;
            }
        }
        Self {
            random,
            model: Model::default(),
            shares,
            around: false,
            soon: VecDeque::new(),
        }
    }

    /// How a list begins: the knobs, and something to work on.
    fn begin(&mut self) {
        let knob = |name: Symbol, value: u64| call(Verb::Knob, [name.into(), value.into()]);
        let delay = self.one_of(&[0, 0, 0, 1, 4], 0);
        let thp = u64::from(self.chance(25));
        // The pages around one that is read are mapped with it, if there is a table or the first of
        // them that is in memory is not the last of its file, but on tmpfs. Nor are they if the
        // table is freed meanwhile. So either, or files on ext4 and a reclaimer that comes.
        self.around = self.chance(50);
        let (around, delay) = match self.around {
            true => (16 * PAGE, NEVER_MS),
            false => (PAGE, delay),
        };
        self.soon.push_back(knob(symbol::KNOB_DELAY_MS, delay));
        self.soon.push_back(knob(symbol::KNOB_THP_64K, thp));
        self.soon.push_back(knob(symbol::KNOB_FAULT_AROUND, around));
        for _ in 0..4 {
            let call = self.mmap();
            self.soon.push_back(call);
        }
    }

    /// One of the files of the list. That on ext4 is the last.
    fn any_file(&mut self) -> usize {
        self.random.below(FILES.len() - usize::from(self.around))
    }

    fn next_call(&mut self) -> Call {
        if let Some(call) = self.soon.pop_front() {
            return call;
        }
        let weights = MENU.map(|item| {
            let share = self.shares.get(item.group as usize);
            item.weight * share.copied().unwrap_or(0)
        });
        let mut at = self.random.below(weights.iter().sum());
        for (item, weight) in MENU.iter().zip(weights) {
            if at < weight {
                return (item.make)(self);
            }
            at -= weight;
        }
        self.mmap()
    }

    fn actor(&mut self, call: &Call) -> Actor {
        // The first process forks, and reaps its children.
        let child = matches!(self.model.children, [true, _] | [_, true]);
        let may = !matches!(call.verb, Verb::Fork | Verb::Reap | Verb::SwapCycle);
        if child && may && self.chance(35) {
            let slot = usize::from(match self.model.children {
                [true, true] => self.chance(50),
                [_, second] => second,
            });
            return Actor::Child(slot);
        }
        Actor::Thread(if self.chance(70) {
            0
        } else {
            self.random.below(crate::op::THREADS)
        })
    }

    pub fn list(mut self, len: usize) -> Vec<Op> {
        self.begin();
        (0..len as u32)
            .map(|id| {
                let call = self.next_call();
                let actor = self.actor(&call);
                Op { id, actor, call }
            })
            .collect()
    }
}

fn call(verb: Verb, args: impl Into<Vec<Arg>>) -> Call {
    Call {
        verb,
        args: args.into(),
    }
}

/// The address and the length of a range of pages.
fn span(range: &Range<u64>) -> [Arg; 2] {
    [at(range.start), len(range)]
}

fn at(page: u64) -> Arg {
    Arg::At(Model::bytes(page))
}

fn len(range: &Range<u64>) -> Arg {
    Model::bytes(range.end - range.start).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_makes_one_list() {
        for seed in 0..20 {
            let list = Gen::new(seed).list(500);
            assert_eq!(list.len(), 500);
            assert_eq!(list, Gen::new(seed).list(500));
            // A longer one begins in the same way.
            assert_eq!(list, Gen::new(seed).list(700)[..500]);
        }
        assert_ne!(Gen::new(1).list(500), Gen::new(2).list(500));
    }

    /// Lists of other builds of this program must be the same: an old failure is found again.
    #[test]
    fn texts_are_understood() -> anyhow::Result<()> {
        let list = Gen::new(5).list(2000);
        let text: String = list.iter().map(|op| format!("{op}\n")).collect();
        assert_eq!(op::parse(&text)?, list);
        Ok(())
    }

    #[test]
    fn every_verb_is_used() {
        let used: BTreeSet<&str> = (0..40)
            .flat_map(|seed| Gen::new(seed).list(2000))
            .map(|op| op.call.verb.name())
            .collect();
        for verb in crate::verb::ALL {
            assert!(used.contains(verb.name()), "{verb} is never used");
        }
    }

    #[test]
    fn every_name_is_used() {
        let text: String = (0..40)
            .flat_map(|seed| Gen::new(seed).list(2000))
            .map(|op| format!("{op} "))
            .collect();
        let words: BTreeSet<&str> = text
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .collect();
        // One that is part of an operation of its own
        let alone = |s: &&Symbol| **s != symbol::MADV_COLLAPSE;
        for symbol in symbol::ALL.iter().filter(alone) {
            assert!(words.contains(symbol.name), "{symbol} is never used");
        }
    }
}
