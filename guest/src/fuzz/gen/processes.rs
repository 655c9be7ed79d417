// SPDX-License-Identifier: GPL-2.0

//! Children that share pages with their parent for a while.

use super::{call, Gen};
use crate::op::Call;
use crate::verb::Verb;

impl Gen {
    pub fn fork(&mut self) -> Call {
        let slot = self.random.below(2);
        if let Some(child) = self.model.children.get_mut(slot) {
            *child = true;
        }
        call(Verb::Fork, [(slot as u64).into()])
    }

    pub fn reap(&mut self) -> Call {
        let slot = self.random.below(2);
        if let Some(child) = self.model.children.get_mut(slot) {
            *child = false;
        }
        call(Verb::Reap, [(slot as u64).into()])
    }
}
