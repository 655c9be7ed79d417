// SPDX-License-Identifier: GPL-2.0

//! A shared memory segment, filled, then swapped out to zram.

use super::lmdb::Reclaimed;
use super::{entries_left, Grown, Size, Starts, Workload};
use crate::subject::Subject;
use anyhow::Result;
use pagetables::cgroup::Cgroup;
use pagetables::tools;
use pagetables::zram::Zram;

const MIB: usize = 400;

pub struct Shm;

impl Workload for Shm {
    fn name(&self) -> &'static str {
        "shm"
    }

    fn title(&self, _size: Size) -> String {
        "shared memory, swapped out to zram".to_owned()
    }

    fn missing(&self) -> Option<String> {
        (tools::find("FREEPTE_MKSWAP", "mkswap").is_none())
            .then(|| "mkswap (package util-linux)".to_owned())
    }

    fn grow(&mut self, size: Size, starts: Starts) -> Result<Box<dyn Grown>> {
        let cgroup = Cgroup::new(self.name())?;
        let mut subject = Subject::worker(&["shm", &size.of(MIB).to_string()])?;
        subject.expect("ready")?;
        cgroup.add(subject.pid())?;
        starts(subject.pid())?;
        subject.go()?;
        let full = subject.expect("full")?;
        let reclaimed = Reclaimed {
            full,
            subject,
            cgroup,
        };
        Ok(Box::new(Swapped {
            reclaimed,
            _zram: Zram::new("1G")?,
        }))
    }
}

struct Swapped {
    // Dropped in this order: the process goes before the swap it lives in.
    reclaimed: Reclaimed,
    _zram: Zram,
}

impl Grown for Swapped {
    fn pid(&self) -> u32 {
        self.reclaimed.pid()
    }

    fn shrink(&mut self) -> Result<()> {
        // A page of shared memory that is swapped out leaves no entry: the segment knows where
        // it went.
        let reclaimed = &self.reclaimed;
        reclaimed
            .cgroup
            .reclaim(entries_left(&reclaimed.subject, &reclaimed.full))
    }
}
