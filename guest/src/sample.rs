// SPDX-License-Identifier: GPL-2.0

//! A process's tables at one moment: had, needed, in excess.

use crate::maps;
use crate::pagemap::Pagemap;
use crate::shape::Shape;
use crate::status::Status;
use anyhow::Result;

#[derive(Clone, Debug)]
pub struct Sample {
    pub rss_kb: u64,
    pub vmpte_kb: u64,
    pub shape: Shape,
}

impl Sample {
    /// Look at a process. `before`: what it needed earlier, for the upper tables it cannot have
    /// lost since.
    pub fn take(pid: u32, before: Option<&Shape>) -> Result<Self> {
        const TRIES: u32 = 10;
        let pagemap = Pagemap::open(pid)?;
        let mut tries = 0;
        loop {
            let status = Status::read(pid)?;
            let areas = maps::areas(pid)?;
            let mut shape = pagemap.shape(&areas)?;
            if let Some(before) = before {
                let mapped: Vec<_> = areas.into_iter().map(|area| area.range).collect();
                shape.keep_upper(before, &mapped);
            }
            tries += 1;
            // A process that runs on may change in between.
            if tries == TRIES || Status::read(pid)?.vmpte_kb == status.vmpte_kb {
                return Ok(Self {
                    rss_kb: status.rss_kb,
                    vmpte_kb: status.vmpte_kb,
                    shape,
                });
            }
        }
    }

    pub fn ideal_kb(&self) -> u64 {
        self.shape.kb()
    }

    pub fn excess_kb(&self) -> i64 {
        self.vmpte_kb as i64 - self.ideal_kb() as i64
    }
}
