// SPDX-License-Identifier: GPL-2.0

//! A page in each of many tables, given back by madvise.

use super::lmdb::Reclaimed;
use super::{entries_left, Grown, Size, Starts, Workload};
use crate::subject::Subject;
use crate::workers::Way;
use anyhow::Result;
use pagetables::cgroup::Cgroup;

const TABLES: usize = 1024;

pub struct Sparse(pub Way);

impl Workload for Sparse {
    fn name(&self) -> &'static str {
        match self.0 {
            Way::Whole => "dontneed-whole",
            Way::Pieces => "dontneed-64k",
            Way::Free => "madv-free",
        }
    }

    fn title(&self, size: Size) -> String {
        let how = match self.0 {
            Way::Whole => "one MADV_DONTNEED over everything",
            Way::Pieces => "MADV_DONTNEED in 64 KiB pieces",
            Way::Free => "MADV_FREE, pages reclaimed",
        };
        format!("{} tables, a page each: {how}", size.of(TABLES))
    }

    fn grow(&mut self, size: Size, starts: Starts) -> Result<Box<dyn Grown>> {
        let cgroup = Cgroup::new(self.name())?;
        let tables = size.of(TABLES).to_string();
        let mut subject = Subject::worker(&["sparse", &tables, self.0.word()])?;
        subject.expect("ready")?;
        cgroup.add(subject.pid())?;
        starts(subject.pid())?;
        subject.go()?;
        let full = subject.expect("full")?;
        Ok(Box::new(Grew {
            way: self.0,
            reclaimed: Reclaimed {
                full,
                subject,
                cgroup,
            },
        }))
    }
}

struct Grew {
    way: Way,
    reclaimed: Reclaimed,
}

impl Grown for Grew {
    fn pid(&self) -> u32 {
        self.reclaimed.pid()
    }

    fn shrink(&mut self) -> Result<()> {
        let Reclaimed {
            subject,
            cgroup,
            full,
        } = &mut self.reclaimed;
        subject.go()?;
        subject.expect("empty")?;
        if self.way == Way::Free {
            cgroup.reclaim(entries_left(subject, full))?;
        }
        Ok(())
    }
}
