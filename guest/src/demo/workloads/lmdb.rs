// SPDX-License-Identifier: GPL-2.0

//! An LMDB database on ext4, filled, scanned through its map, then reclaimed.

use super::{entries_left, Grown, Size, Starts, Workload};
use crate::subject::Subject;
use anyhow::{ensure, Context, Result};
use heed::types::Bytes;
use heed::{Database, Env, EnvFlags, EnvOpenOptions, PutFlags};
use pagetables::cgroup::Cgroup;
use pagetables::ext4::{self, Ext4};
use pagetables::tools;
use std::path::Path;

const RECORDS: usize = 100_000;
/// With LMDB's header it fills a page of its own.
const VALUE: usize = 4000;
const SPACE_MIB: usize = 512;

#[derive(Default)]
pub struct Lmdb {
    fs: Option<Ext4>,
}

impl Workload for Lmdb {
    fn name(&self) -> &'static str {
        "lmdb"
    }

    fn title(&self, _size: Size) -> String {
        "LMDB on ext4, scanned; page cache reclaimed".to_owned()
    }

    fn missing(&self) -> Option<String> {
        (tools::find("FREEPTE_MKFS", "mkfs.ext4").is_none())
            .then(|| "mkfs.ext4 (package e2fsprogs)".to_owned())
    }

    fn prepare(&mut self, size: Size) -> Result<()> {
        let fs = Ext4::new(size.of(SPACE_MIB) as u64)?;
        fill(&fs.path(), size.of(RECORDS))?;
        self.fs = Some(fs);
        Ok(())
    }

    fn grow(&mut self, _size: Size, starts: Starts) -> Result<Box<dyn Grown>> {
        let dir = self.fs.as_ref().context("not prepared")?.path();
        // What is read from now on is charged to the reader's group.
        ext4::drop_caches()?;
        let cgroup = Cgroup::new(self.name())?;
        let mut subject = Subject::worker(&["lmdb", &dir.to_string_lossy()])?;
        subject.expect("ready")?;
        cgroup.add(subject.pid())?;
        starts(subject.pid())?;
        subject.go()?;
        let full = subject.expect("full")?;
        Ok(Box::new(Reclaimed {
            full,
            subject,
            cgroup,
        }))
    }

    fn finish(&mut self) {
        self.fs = None;
    }
}

/// A worker whose memory goes by reclaiming its control group.
pub struct Reclaimed {
    pub full: String,
    // Dropped in this order: the process goes before its group.
    pub subject: Subject,
    pub cgroup: Cgroup,
}

impl Grown for Reclaimed {
    fn pid(&self) -> u32 {
        self.subject.pid()
    }

    fn shrink(&mut self) -> Result<()> {
        self.cgroup.reclaim(entries_left(&self.subject, &self.full))
    }
}

fn open(dir: &Path, flags: EnvFlags) -> Result<Env> {
    let mut options = EnvOpenOptions::new();
    options.map_size(SPACE_MIB << 20);
    // SAFETY: the file system is ours alone, so nothing else changes the database's file; the
    // flags give up durability and locks, which one process at a time does not need.
    #[allow(unsafe_code)]
    let env = unsafe { options.flags(flags).open(dir) };
    env.with_context(|| format!("opening the database in {}", dir.display()))
}

fn fill(dir: &Path, records: usize) -> Result<()> {
    const BATCH: usize = 10_000;
    let env = open(dir, EnvFlags::NO_SYNC)?;
    let mut txn = env.write_txn()?;
    let db: Database<Bytes, Bytes> = env.create_database(&mut txn, None)?;
    let mut value = [0; VALUE];
    for record in 0..records {
        let key = (record as u64).to_be_bytes();
        value[..8].copy_from_slice(&key);
        db.put_with_flags(&mut txn, PutFlags::APPEND, &key, &value)?;
        if record % BATCH == BATCH - 1 {
            txn.commit()?;
            txn = env.write_txn()?;
        }
    }
    txn.commit()?;
    Ok(())
}

/// Read every record through the map, then call `then` with the database still open.
pub fn scan(dir: &Path, then: impl FnOnce() -> Result<()>) -> Result<()> {
    let env = open(dir, EnvFlags::READ_ONLY | EnvFlags::NO_LOCK)?;
    let txn = env.read_txn()?;
    let db: Database<Bytes, Bytes> = env
        .open_database(&txn, None)?
        .context("the database is empty")?;
    for (record, item) in db.iter(&txn)?.enumerate() {
        let (key, value) = item?;
        ensure!(
            value.len() == VALUE && &value[..8] == key,
            "record {record} reads wrong"
        );
    }
    then()
}
