// SPDX-License-Identifier: GPL-2.0

//! A heap that comes and goes: objects of all sizes, most of them freed at random, half as much
//! allocated again, nearly all freed.

use pagetables::random::Random;
use std::hint::black_box;

/// Of the first fill one object in so many is left, scattered over everything.
const FIRST: usize = 20;
/// Of all then one in so many: what lives as long as the program.
const SECOND: usize = 1000;

/// The objects, each an allocation of its own, written to.
#[derive(Default)]
pub struct Heap {
    random: Random,
    objects: Vec<Box<[u8]>>,
}

impl Heap {
    /// Allocate objects of 16 bytes to 64 KiB, small ones and large ones as often.
    pub fn fill(&mut self, bytes: usize) {
        let mut left = bytes;
        while left > 0 {
            let size = self.random.doubling(4, 16);
            let object = vec![1; size].into_boxed_slice();
            self.objects.push(black_box(object));
            left = left.saturating_sub(size);
        }
    }

    /// Free all but one of `keep` objects, in random order.
    fn thin(&mut self, keep: usize) {
        self.random.shuffle(&mut self.objects);
        self.objects.truncate(self.objects.len() / keep);
    }

    pub fn free_most(&mut self) {
        self.thin(FIRST);
    }

    pub fn free_nearly_all(&mut self) {
        self.thin(SECOND);
    }
}

#[cfg(test)]
mod tests {
    use super::Heap;

    fn bytes(heap: &Heap) -> usize {
        heap.objects.iter().map(|object| object.len()).sum()
    }

    #[test]
    fn comes_and_goes() {
        const SIZE: usize = 16 << 20;
        let mut heap = Heap::default();
        heap.fill(SIZE);
        assert!((SIZE..SIZE + (64 << 10)).contains(&bytes(&heap)));
        let count = heap.objects.len();
        heap.free_most();
        assert_eq!(heap.objects.len(), count / 20);
        assert!((SIZE / 40..SIZE / 10).contains(&bytes(&heap)));
        heap.fill(SIZE / 2);
        heap.free_nearly_all();
        assert!(bytes(&heap) < SIZE / 100);
        assert!(!heap.objects.is_empty());
    }
}
