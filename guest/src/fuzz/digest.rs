// SPDX-License-Identifier: GPL-2.0

//! A number for all that was seen: it differs where something differs, but for one case in 2^64.

/// Quick to feed and good enough to tell what is different by chance; nobody makes collisions here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    #[inline]
    pub fn word(&mut self, word: u64) {
        // A rotation brings what a multiplication only moved up back to the low bits.
        self.0 = (self.0.rotate_left(29) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(rest) {
            *to = *from;
        }
        self.word(u64::from_le_bytes(word));
        self.word(bytes.len() as u64);
    }

    pub fn value(self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::Digest;

    fn of(words: &[u64]) -> u64 {
        let mut digest = Digest::default();
        words.iter().for_each(|&word| digest.word(word));
        digest.value()
    }

    #[test]
    fn order_and_number_count() {
        assert_ne!(of(&[1, 2]), of(&[2, 1]));
        assert_ne!(of(&[0]), of(&[0, 0]));
        assert_ne!(of(&[]), of(&[0]));
        assert_ne!(of(&[1 << 63]), of(&[0]));
        assert_eq!(of(&[5, 6]), of(&[5, 6]));
    }

    #[test]
    fn bytes_have_a_length() {
        let of = |bytes: &[u8]| {
            let mut digest = Digest::default();
            digest.bytes(bytes);
            digest.value()
        };
        assert_ne!(of(b"abc"), of(b"abc\0"));
        assert_ne!(of(b"abcdefgh"), of(b"abcdefghi"));
    }
}
