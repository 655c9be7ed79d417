// SPDX-License-Identifier: GPL-2.0

//! What was counted, round by round.

use crate::symbols::Symbols;
use serde::Serialize;
use std::collections::BTreeMap;

/// All sections of a round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Round {
    pub locks: u64,
    pub atomics: u64,
    /// Instructions of the kernel, by function
    pub functions: BTreeMap<String, u64>,
}

/// What is told to it while a section is measured.
pub struct Counter {
    symbols: Symbols,
    locks: u64,
    atomics: u64,
    functions: Vec<u64>,
    rounds: Vec<Round>,
}

impl Counter {
    pub fn new(symbols: Symbols) -> Self {
        Self {
            functions: vec![0; symbols.len()],
            symbols,
            locks: 0,
            atomics: 0,
            rounds: Vec::new(),
        }
    }

    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    pub fn lock(&mut self) {
        self.locks += 1;
    }

    pub fn atomic(&mut self) {
        self.atomics += 1;
    }

    /// Instructions of a function, by its number.
    pub fn instructions(&mut self, function: usize, count: u64) {
        if let Some(sum) = self.functions.get_mut(function) {
            *sum += count;
        }
    }

    pub fn end_round(&mut self) {
        let mut functions = BTreeMap::new();
        for (number, count) in self.functions.iter_mut().enumerate() {
            let count = std::mem::take(count);
            if count > 0 {
                *functions
                    .entry(self.symbols.name(number).to_owned())
                    .or_default() += count;
            }
        }
        self.rounds.push(Round {
            locks: std::mem::take(&mut self.locks),
            atomics: std::mem::take(&mut self.atomics),
            functions,
        });
    }

    pub fn rounds(&self) -> &[Round] {
        &self.rounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Result;

    #[test]
    fn a_round_starts_at_nothing() -> Result<()> {
        let mut counter = Counter::new(Symbols::parse(
            "ffffffff81000000 T one\nffffffff81000010 T two\n",
        )?);
        for _ in 0..2 {
            counter.lock();
            counter.atomic();
            counter.instructions(1, 5);
            counter.instructions(2, 5);
        }
        counter.end_round();
        counter.end_round();
        let expected = Round {
            locks: 2,
            atomics: 2,
            functions: BTreeMap::from([("two".to_owned(), 10)]),
        };
        assert_eq!(counter.rounds(), [expected, Round::default()]);
        Ok(())
    }
}
