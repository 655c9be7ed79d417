// SPDX-License-Identifier: GPL-2.0

//! What may be asked for, and what is taken: against the C.

mod called;
mod counts;
mod large;
mod memfd;
mod memory;
mod outcome;
mod reached;
mod shape;
mod twins;
mod ways;

use kernel::prelude::*;

/// Fails a test unless something holds.
fn ensure(holds: bool) -> Result {
    if holds {
        Ok(())
    } else {
        Err(EINVAL)
    }
}

#[kernel::prelude::kunit_tests(rust_gup_flags)]
mod flags {
    use crate::gup::flags::{Flags, Refused, Wish};
    use kernel::{bindings, prelude::*};

    const GET: u32 = bindings::FOLL_GET;
    const PIN: u32 = bindings::FOLL_PIN;
    const LONG: u32 = bindings::FOLL_LONGTERM;
    const PEERS: u32 = bindings::FOLL_PCI_P2PDMA;

    /// All sets of what goes together with holds, for all functions.
    #[test]
    fn combinations() -> Result {
        for added in [0, GET, PIN] {
            for set in 0..8u32 {
                let bit = |at: u32, flag| if set >> at & 1 != 0 { flag } else { 0 };
                let asked = bit(0, GET) | bit(1, LONG) | bit(2, PEERS);
                let all = asked | added;

                for has_pages in [false, true] {
                    let wrong = all & (GET | PIN) == GET | PIN
                        || all & LONG != 0 && (all & PIN == 0 || all & PEERS != 0)
                        || all & (GET | PIN) != 0 && !has_pages;
                    let parsed = Flags::of_caller(asked, added, has_pages);

                    assert_eq!(parsed.is_err(), wrong);
                    assert!(wrong || parsed.is_ok_and(|flags| flags.bits() == all));
                }
            }
        }
        Ok(())
    }

    #[test]
    fn internal() -> Result {
        for bit in 16..23 {
            assert_eq!(Flags::of_caller(1 << bit, 0, true), Err(Refused));
        }
        Ok(())
    }

    #[test]
    fn wishes() -> Result {
        assert_eq!(Wish::presence().flags().bits(), 0);
        assert_eq!(
            Wish::get().write().flags().bits(),
            GET | bindings::FOLL_WRITE
        );
        assert_eq!(Wish::pin().long().flags().bits(), PIN | LONG);
        assert!(Wish::pin().flags().wants_own());
        assert!(!Wish::pin().write().flags().wants_own());
        assert!(Wish::pin().long().write().flags().writes_for_long());
        Ok(())
    }
}
