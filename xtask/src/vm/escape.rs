// SPDX-License-Identifier: GPL-2.0

//! The way out of a guest that does not listen any more: Ctrl-A x, as in QEMU itself.

const PREFIX: u8 = 0x01;

/// Looks at the keys that go to the guest.
#[derive(Default)]
pub struct Escape {
    prefixed: bool,
}

/// What a key means.
#[derive(Debug, PartialEq, Eq)]
pub enum Keys {
    /// These go on to the guest.
    Pass(Vec<u8>),
    /// The guest is to end.
    Quit,
}

impl Escape {
    /// Take out of the keys what is not for the guest. Ctrl-A Ctrl-A is one Ctrl-A for it.
    pub fn filter(&mut self, keys: &[u8]) -> Keys {
        let mut pass = Vec::with_capacity(keys.len());
        for &key in keys {
            match (self.prefixed, key) {
                (true, b'x' | b'X') => return Keys::Quit,
                (false, PREFIX) => self.prefixed = true,
                (prefixed, key) => {
                    if prefixed && key != PREFIX {
                        pass.push(PREFIX);
                    }
                    pass.push(key);
                    self.prefixed = false;
                }
            }
        }
        Keys::Pass(pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(keys: &[u8], expected: &[u8]) {
        assert_eq!(
            Escape::default().filter(keys),
            Keys::Pass(expected.to_vec())
        );
    }

    #[test]
    fn keys_pass() {
        passes(b"", b"");
        passes(b"exit\r\x03\x04", b"exit\r\x03\x04");
        passes(b"\x01\x01x", b"\x01x");
        passes(b"\x01e", b"\x01e");
    }

    #[test]
    fn the_way_out() {
        assert_eq!(Escape::default().filter(b"ab\x01x"), Keys::Quit);
        let mut escape = Escape::default();
        assert_eq!(escape.filter(b"\x01"), Keys::Pass(Vec::new()));
        assert_eq!(escape.filter(b"x"), Keys::Quit);
    }
}
