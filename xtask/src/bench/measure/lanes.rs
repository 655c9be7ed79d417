// SPDX-License-Identifier: GPL-2.0

//! The same work for both kernels: at the same time, where the machine has room for two guests
//! that neither wait for each other nor share a processor.

use crate::cmd;
use crate::kvm;
use crate::paths::Paths;
use anyhow::{anyhow, Result};
use std::thread;

/// Run `work` for either; `apart`: one after the other in any case.
pub fn both<K: Sync, T: Send>(
    paths: &Paths,
    kernels: &[K; 2],
    apart: bool,
    work: impl Fn(&K) -> Result<T> + Sync,
) -> Result<[T; 2]> {
    let [first, second] = kernels;
    // A guest under TCG, without threads of its own for its processors, takes one of ours.
    if apart || cmd::cpus() < 2 || kvm::works(paths)? {
        return Ok([work(first)?, work(second)?]);
    }
    thread::scope(|scope| {
        let other = scope.spawn(|| work(second));
        let one = work(first);
        let other = other.join().map_err(|_| anyhow!("a lane is gone"))?;
        Ok([one?, other?])
    })
}
