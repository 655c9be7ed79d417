// SPDX-License-Identifier: GPL-2.0

//! Numbers that look random and are the same in every run.

/// Marsaglia's xorshift, with 64 bits of state.
pub struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Random {
    /// Another sequence for each seed.
    pub fn new(seed: u64) -> Self {
        // The finalizer of splitmix64: seeds that lie side by side have nothing in common after it.
        let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
        // Zero is where xorshift stands still.
        Self(if state == 0 { 1 } else { state })
    }

    pub fn word(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        // The upper half is the better one; the bias is far below what anything here could tell.
        ((self.word() >> 32) % end as u64) as usize
    }

    /// As many small numbers as large ones: each doubling from 2^`least` to 2^`end` has the same
    /// share.
    pub fn doubling(&mut self, least: u32, end: u32) -> usize {
        let floor = 1 << (least as usize + self.below((end - least) as usize));
        floor + self.below(floor)
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Random;
    use std::collections::BTreeSet;

    #[test]
    fn seeds_differ() {
        let first: BTreeSet<u64> = (0..1000).map(|seed| Random::new(seed).word()).collect();
        assert_eq!(first.len(), 1000);
        assert_eq!(Random::new(7).word(), Random::new(7).word());
    }

    #[test]
    fn doublings_have_equal_shares() {
        let mut random = Random::default();
        let mut shares = [0; 12];
        for _ in 0..12_000 {
            let size = random.doubling(4, 16);
            assert!((16..65536).contains(&size));
            shares[size.ilog2() as usize - 4] += 1;
        }
        assert!(
            shares.iter().all(|share| (850..1150).contains(share)),
            "{shares:?}"
        );
    }

    #[test]
    fn a_shuffle_keeps_all() {
        let mut items: Vec<_> = (0..1000).collect();
        Random::default().shuffle(&mut items);
        assert!(!items.is_sorted());
        items.sort_unstable();
        assert!(items.into_iter().eq(0..1000));
    }
}
