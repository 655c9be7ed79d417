// SPDX-License-Identifier: GPL-2.0

//! Delta debugging (Zeller's ddmin): of a list that fails, a part that still does and of which
//! nothing more can be left out.
//!
//! Trying one costs little, starting a machine to try it much: so a round tells all that it wants
//! tried, and learns all answers at once.

pub struct Ddmin<T> {
    list: Vec<T>,
    /// Into how many parts the list is divided
    parts: usize,
    /// How many items one round may try, if it can
    budget: usize,
    stage: Stage,
}

enum Stage {
    /// Leave out each part by itself
    Each,
    /// Each of these could be left out by itself: leave out all, or the first half of them, …
    Together(Vec<usize>),
}

impl<T: Clone> Ddmin<T> {
    /// For a list that is known to fail.
    pub fn new(list: Vec<T>, budget: usize) -> Self {
        Self {
            parts: first_parts(list.len(), budget),
            list,
            budget,
            stage: Stage::Each,
        }
    }

    pub fn list(&self) -> &[T] {
        &self.list
    }

    fn part_of(&self, index: usize) -> usize {
        // As even as can be: the lengths of two parts differ by one at most.
        index * self.parts / self.list.len().max(1)
    }

    fn without(&self, parts: &[usize]) -> Vec<T> {
        let stays = |&(index, _): &(usize, &T)| !parts.contains(&self.part_of(index));
        let left = self.list.iter().enumerate().filter(stays);
        left.map(|(_, item)| item.clone()).collect()
    }

    /// The lists to try now; none when nothing more can be left out.
    pub fn candidates(&self) -> Vec<Vec<T>> {
        if self.list.len() < 2 {
            return Vec::new();
        }
        match &self.stage {
            Stage::Each => (0..self.parts).map(|n| self.without(&[n])).collect(),
            Stage::Together(parts) => halves(parts.len())
                .map(|count| self.without(parts.get(..count).unwrap_or(parts)))
                .collect(),
        }
    }

    /// Which of the candidates fail.
    pub fn learn(&mut self, fails: &[bool]) {
        match &self.stage {
            Stage::Each => {
                let failing = fails.iter().enumerate().filter(|(_, &fails)| fails);
                let parts: Vec<usize> = failing.map(|(n, _)| n).collect();
                match parts.as_slice() {
                    [] if self.parts >= self.list.len() => self.finish(),
                    [] => self.parts = (self.parts * 2).min(self.list.len()),
                    [one] => self.leave_out(&[*one]),
                    _ => self.stage = Stage::Together(parts),
                }
            }
            Stage::Together(parts) => {
                let parts = parts.clone();
                // One by itself is known to work.
                let most = halves(parts.len()).zip(fails).find(|(_, &fails)| fails);
                let count = most.map_or(1, |(count, _)| count);
                self.stage = Stage::Each;
                self.leave_out(parts.get(..count).unwrap_or(&parts));
            }
        }
    }

    fn leave_out(&mut self, parts: &[usize]) {
        self.list = self.without(parts);
        let left = self.parts - parts.len();
        let most = self.list.len().max(1);
        self.parts = left.max(first_parts(most, self.budget)).min(most);
    }

    fn finish(&mut self) {
        // Nothing is left to divide into.
        self.parts = 0;
    }
}

/// The more parts, the more is known after a round, and the longer it takes.
fn first_parts(len: usize, budget: usize) -> usize {
    const MOST: usize = 16;
    (budget / len.max(1)).clamp(2, MOST).min(len.max(1))
}

/// n, n/2, … 2
fn halves(n: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(n), |n| Some(n / 2)).take_while(|&n| n >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minimise 0..len by a test; how many rounds it took.
    fn minimise(len: u32, fails: impl Fn(&[u32]) -> bool) -> (Vec<u32>, usize) {
        let mut ddmin = Ddmin::new((0..len).collect(), 4 * len as usize);
        let mut rounds = 0;
        loop {
            let candidates = ddmin.candidates();
            if candidates.is_empty() {
                return (ddmin.list().to_vec(), rounds);
            }
            let fails: Vec<bool> = candidates.iter().map(|c| fails(c)).collect();
            ddmin.learn(&fails);
            rounds += 1;
            assert!(rounds < 1000, "it goes on for ever");
        }
    }

    #[test]
    fn what_is_needed_is_left() {
        for needed in [
            vec![0],
            vec![999],
            vec![3, 700],
            vec![0, 1, 2, 500, 998, 999],
            (100..140).collect(),
        ] {
            let (found, rounds) = minimise(1000, |c| needed.iter().all(|n| c.contains(n)));
            assert_eq!(found, needed);
            assert!(rounds < 60, "{rounds} rounds for {needed:?}");
        }
    }

    #[test]
    fn either_of_two_ways() {
        let (found, _) = minimise(64, |c| {
            c.contains(&5) && c.contains(&60) || c.contains(&33) && c.contains(&34)
        });
        assert!(found == [5, 60] || found == [33, 34], "{found:?}");
    }

    #[test]
    fn what_breaks_when_all_is_left_out_at_once() {
        // Any 10 of them will do.
        let (found, _) = minimise(100, |c| c.len() >= 10);
        assert_eq!(found.len(), 10);
    }

    #[test]
    fn nothing_can_be_left_out() {
        let (found, _) = minimise(9, |c| c.len() == 9);
        assert_eq!(found.len(), 9);
        assert_eq!(minimise(1, |_| true).0.len(), 1);
    }

    /// A test that nothing passes twice: the answers differ, and it ends all the same.
    #[test]
    fn ends_with_a_test_that_wavers() {
        let count = std::cell::Cell::new(0_u32);
        minimise(200, |_| {
            count.set(
                count
                    .get()
                    .wrapping_mul(1_664_525)
                    .wrapping_add(1_013_904_223),
            );
            count.get() >> 31 == 0
        });
    }
}
