// SPDX-License-Identifier: GPL-2.0

//! What a program in the guest tells the plugin: `nopl MARKER(%rax)`, which does nothing.

/// The first four bytes that no compiler would choose; the lowest two bits say what is meant.
const MAGIC: u32 = 0x5e66_7074;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Marker {
    /// What follows is measured
    Begin = MAGIC,
    /// It is measured no more
    End = MAGIC + 1,
    /// All sections since the last of these are of one round
    Round = MAGIC + 2,
}

impl Marker {
    /// What an instruction means, if it is a marker.
    pub fn of(code: &[u8]) -> Option<Self> {
        let &[0x0f, 0x1f, 0x80, ref disp @ ..] = code else {
            return None;
        };
        let disp = u32::from_le_bytes(disp.try_into().ok()?);
        [Self::Begin, Self::End, Self::Round]
            .into_iter()
            .find(|&marker| marker as u32 == disp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nops() {
        assert_eq!(
            Marker::of(&[0x0f, 0x1f, 0x80, 0x75, 0x70, 0x66, 0x5e]),
            Some(Marker::End)
        );
        assert_eq!(Marker::of(&[0x0f, 0x1f, 0x80, 0, 0, 0, 0]), None);
        assert_eq!(Marker::of(&[0x0f, 0x1f, 0x40, 0]), None);
        assert_eq!(Marker::of(&[]), None);
    }
}
