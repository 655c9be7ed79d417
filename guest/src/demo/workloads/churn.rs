// SPDX-License-Identifier: GPL-2.0

//! A malloc whose heap comes and goes; memory that is free is given back to the kernel.

use super::{Grown, Size, Starts, Workload};
use crate::allocator::Allocator;
use crate::subject::Subject;
use anyhow::{ensure, Result};
use pagetables::status::Status;
use std::process::Command;
use std::thread;
use std::time::Duration;

const MIB: usize = 256;
/// How long the heap stays as it is between two steps: freepte frees a tenth of a second after
/// the memory went.
const HOLD: Duration = Duration::from_millis(700);

pub struct Churn(pub Allocator);

impl Workload for Churn {
    fn name(&self) -> &'static str {
        match self.0 {
            Allocator::Glibc => "malloc-glibc",
            Allocator::Jemalloc => "malloc-jemalloc",
            Allocator::Tcmalloc => "malloc-tcmalloc",
            Allocator::Mimalloc => "malloc-mimalloc",
        }
    }

    fn title(&self, size: Size) -> String {
        let name = match self.0 {
            Allocator::Glibc => "glibc malloc",
            other => other.word(),
        };
        format!(
            "{name}: {} MiB, 95 % freed at random, half filled again, 99.9 % freed",
            size.of(MIB)
        )
    }

    fn missing(&self) -> Option<String> {
        self.0.preload().err().map(|error| error.to_string())
    }

    fn grow(&mut self, size: Size, starts: Starts) -> Result<Box<dyn Grown>> {
        let mut command = Command::new("/proc/self/exe");
        command
            .envs(self.0.settings().iter().copied())
            .args(["worker", "churn", self.0.word()])
            .arg(size.of(MIB).to_string());
        if let Some(library) = self.0.preload()? {
            command.env("LD_PRELOAD", library);
        }
        let mut subject = Subject::spawn(&mut command)?;
        subject.expect("ready")?;
        starts(subject.pid())?;
        subject.go()?;
        subject.expect("full")?;
        Ok(Box::new(Heap(subject)))
    }
}

struct Heap(Subject);

impl Heap {
    fn rss_kb(&self) -> Result<u64> {
        Ok(Status::read(self.0.pid())?.rss_kb)
    }

    /// Let it do a step; returns by how much less memory it has then.
    fn step(&mut self, word: &str) -> Result<i64> {
        let before = self.rss_kb()?;
        self.0.go()?;
        self.0.expect(word)?;
        Ok(before as i64 - self.rss_kb()? as i64)
    }
}

impl Grown for Heap {
    fn pid(&self) -> u32 {
        self.0.pid()
    }

    fn shrink(&mut self) -> Result<()> {
        let full = self.rss_kb()? as i64;
        let fell = self.step("less")?;
        ensure!(
            fell > full / 8,
            "of {full} kB only {fell} went with 95 % of the objects"
        );
        thread::sleep(HOLD);
        self.step("again")?;
        thread::sleep(HOLD);
        self.step("empty")?;
        let left = self.rss_kb()? as i64;
        ensure!(
            // The caches of tcmalloc alone hold half of a small heap.
            left < full * 2 / 3,
            "of {full} kB there are still {left} with 99.9 % of the objects gone"
        );
        Ok(())
    }
}
