// SPDX-License-Identifier: GPL-2.0

//! Looking at a process many times a second, beside whatever goes on.
//!
//! A look takes 3 to 10 ms under emulation. Where it takes longer than the period there are fewer
//! of them, each with its true time. The process hardly feels it: the walk over its tables takes
//! its mmap_lock for reading, for one table at a time as long as none is empty.
//!
//! Each look is from the next processor: so none sleeps for long, and what the kernel may put off
//! (see `cpus`) is done before the curve seems to be at its end.

use anyhow::{anyhow, Result};
use pagetables::cpus;
use pagetables::maps;
use pagetables::pagemap::Pagemap;
use pagetables::shape::Shape;
use pagetables::status::Status;
use serde::Serialize;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_millis(50);
/// It goes on so long after the memory went,
const SETTLE: Duration = Duration::from_secs(2);
/// until nothing has changed for so long,
const FLAT: Duration = Duration::from_secs(1);
/// but no longer than this.
const PATIENCE: Duration = Duration::from_secs(10);
/// Tables that come and go by so much are no change.
const FLAT_KB: u64 = 8;

/// What a process had at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// Since it had its memory to fill
    pub ms: u64,
    pub rss_kb: u64,
    pub vmpte_kb: u64,
    pub ideal_kb: u64,
}

/// A thread that looks at a process until told to come to an end, or the process has gone.
pub struct Sampler {
    end: Sender<()>,
    thread: JoinHandle<Result<Vec<Moment>>>,
}

impl Sampler {
    pub fn start(pid: u32) -> Result<Self> {
        let mut watch = Watch::new(pid)?;
        let (end, ended) = mpsc::channel();
        let thread = thread::spawn(move || watch.run(&ended).map(|()| watch.moments));
        Ok(Self { end, thread })
    }

    /// Go on until the process has settled; the process must live on meanwhile.
    pub fn finish(self) -> Result<Vec<Moment>> {
        drop(self.end);
        self.thread
            .join()
            .map_err(|_| anyhow!("the sampler died"))?
    }
}

struct Watch {
    pid: u32,
    pagemap: Pagemap,
    start: Instant,
    /// The tables that it needed when last looked at
    shape: Shape,
    moments: Vec<Moment>,
}

impl Watch {
    fn new(pid: u32) -> Result<Self> {
        Ok(Self {
            pid,
            pagemap: Pagemap::open(pid)?,
            start: Instant::now(),
            shape: Shape::default(),
            moments: Vec::new(),
        })
    }

    fn run(&mut self, ended: &Receiver<()>) -> Result<()> {
        let mut end: Option<Instant> = None;
        for cpu in cpus::allowed()?.into_iter().cycle() {
            cpus::run_on(cpu)?;
            self.look()?;
            if end.is_some_and(|end| settled(&self.moments, end.elapsed())) {
                return Ok(());
            }
            thread::sleep(until_next(self.start.elapsed()));
            if end.is_none() && ended.try_recv() == Err(TryRecvError::Disconnected) {
                end = Some(Instant::now());
            }
        }
        Err(anyhow!("no processor to look from"))
    }

    fn look(&mut self) -> Result<()> {
        const TRIES: u32 = 8;
        let mut tries = 0;
        loop {
            let ms = self.start.elapsed().as_millis() as u64;
            let status = Status::read(self.pid)?;
            self.look_at_tables()?;
            tries += 1;
            // It runs on: what is there and what is needed should be of the same moment.
            let now = Status::read(self.pid)?.vmpte_kb;
            if tries == TRIES || now.abs_diff(status.vmpte_kb) <= FLAT_KB {
                self.moments.push(Moment {
                    ms,
                    rss_kb: status.rss_kb,
                    vmpte_kb: status.vmpte_kb,
                    ideal_kb: self.shape.kb(),
                });
                return Ok(());
            }
        }
    }

    fn look_at_tables(&mut self) -> Result<()> {
        let areas = maps::areas(self.pid)?;
        let mut shape = self.pagemap.shape(&areas)?;
        let mapped: Vec<_> = areas.into_iter().map(|area| area.range).collect();
        shape.keep_upper(&self.shape, &mapped);
        self.shape = shape;
        Ok(())
    }
}

/// The time left until a multiple of the period.
fn until_next(elapsed: Duration) -> Duration {
    let period = PERIOD.as_nanos() as u64;
    Duration::from_nanos(period - elapsed.as_nanos() as u64 % period)
}

/// Whether so long after the end nothing more is to be expected.
fn settled(moments: &[Moment], since: Duration) -> bool {
    since >= SETTLE && (since >= PATIENCE || is_flat(moments))
}

fn is_flat(moments: &[Moment]) -> bool {
    let Some(last) = moments.last() else {
        return false;
    };
    let from = last.ms.saturating_sub(FLAT.as_millis() as u64);
    moments
        .iter()
        .rev()
        .take_while(|moment| moment.ms >= from)
        .all(|moment| {
            moment.vmpte_kb.abs_diff(last.vmpte_kb) <= FLAT_KB
                && moment.ideal_kb.abs_diff(last.ideal_kb) <= FLAT_KB
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pagetables::map::Mapping;
    use pagetables::TABLE_SPAN;

    fn moments(list: &[(u64, u64)]) -> Vec<Moment> {
        let moment = |&(ms, vmpte_kb): &(u64, u64)| Moment {
            ms,
            vmpte_kb,
            ..Moment::default()
        };
        list.iter().map(moment).collect()
    }

    #[test]
    fn ends_when_flat() {
        let steep = moments(&[(0, 900), (950, 800), (1900, 64)]);
        let flat = moments(&[(0, 900), (899, 800), (900, 64), (1900, 68)]);
        assert!(!settled(&flat, SETTLE / 2));
        assert!(settled(&flat, SETTLE));
        assert!(!settled(&steep, SETTLE));
        assert!(settled(&steep, PATIENCE));
        assert!(!is_flat(&[]));
    }

    #[test]
    fn ticks() {
        let ms = Duration::from_millis;
        assert_eq!(until_next(ms(0)), ms(50));
        assert_eq!(until_next(ms(49)), ms(1));
        assert_eq!(until_next(ms(130)), ms(20));
    }

    #[test]
    fn sees_tables_come() -> Result<()> {
        const TABLES: usize = 64;
        let mut watch = Watch::new(std::process::id())?;
        watch.look()?;
        let mapping = Mapping::anon(TABLES * TABLE_SPAN)?;
        mapping.no_huge_pages()?;
        for offset in (0..mapping.len()).step_by(TABLE_SPAN) {
            mapping.write(offset);
        }
        watch.look()?;
        let [before, after] = watch.moments[..] else {
            panic!("two looks are two moments");
        };
        // Other tests run beside this one.
        let more = 4 * TABLES as u64 / 2;
        assert!(
            after.vmpte_kb > before.vmpte_kb + more,
            "{before:?} {after:?}"
        );
        assert!(
            after.ideal_kb > before.ideal_kb + more,
            "{before:?} {after:?}"
        );
        Ok(())
    }
}
