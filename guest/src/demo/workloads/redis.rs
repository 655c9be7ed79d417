// SPDX-License-Identifier: GPL-2.0

//! Redis, on jemalloc as everyone builds it: filled, flushed, purged.

use super::{Grown, Size, Starts, Workload};
use anyhow::{ensure, Context, Result};
use pagetables::status::Status;
use pagetables::tools;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const KEYS: usize = 800_000;
const VALUE: usize = 400;
const BATCH: usize = 500;

pub struct Redis;

fn server() -> Option<PathBuf> {
    tools::find("FREEPTE_REDIS", "redis-server")
}

impl Workload for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn title(&self, _size: Size) -> String {
        "Redis (jemalloc), filled and flushed".to_owned()
    }

    fn missing(&self) -> Option<String> {
        server()
            .is_none()
            .then(|| "redis-server (package redis-server, or FREEPTE_REDIS)".to_owned())
    }

    fn grow(&mut self, size: Size, starts: Starts) -> Result<Box<dyn Grown>> {
        let mut redis = Running::start()?;
        starts(redis.pid())?;
        redis.fill(size.of(KEYS))?;
        Ok(Box::new(redis))
    }
}

struct Running {
    child: Child,
    link: BufReader<UnixStream>,
    _dir: TempDir,
}

impl Running {
    fn start() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let socket = dir.path().join("socket");
        let child = Command::new(server().context("no redis-server")?)
            .current_dir(dir.path())
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .args(["--loglevel", "warning", "--unixsocket"])
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("starting redis-server")?;
        let mut child = Some(child);
        let link = connect(&socket).inspect_err(|_| {
            if let Some(child) = &mut child {
                let _ = child.kill();
                let _ = child.wait();
            }
        })?;
        Ok(Self {
            child: child.take().context("no redis-server")?,
            link: BufReader::new(link),
            _dir: dir,
        })
    }

    fn fill(&mut self, keys: usize) -> Result<()> {
        let value = "v".repeat(VALUE);
        let mut key = 0;
        while key < keys {
            let end = (key + BATCH).min(keys);
            let names: Vec<_> = (key..end).map(|key| format!("key:{key:012}")).collect();
            let mut words = vec!["MSET"];
            for name in &names {
                words.extend([name.as_str(), value.as_str()]);
            }
            self.ask(&words)?;
            key = end;
        }
        Ok(())
    }

    fn ask(&mut self, words: &[&str]) -> Result<()> {
        let mut bytes = Vec::new();
        request(&mut bytes, words)?;
        self.link.get_mut().write_all(&bytes)?;
        self.answer()
    }

    fn answer(&mut self) -> Result<()> {
        let mut line = String::new();
        self.link.read_line(&mut line)?;
        ensure!(line == "+OK\r\n", "Redis answered {line:?}");
        Ok(())
    }
}

impl Grown for Running {
    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn shrink(&mut self) -> Result<()> {
        // A purge does nothing while jemalloc's own background thread is at it: ask again.
        const TRIES: u32 = 10;
        let full = Status::read(self.pid())?.rss_kb;
        self.ask(&["FLUSHALL"])?;
        for _ in 0..TRIES {
            self.ask(&["MEMORY", "PURGE"])?;
            if Status::read(self.pid())?.rss_kb < full / 4 {
                break;
            }
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn connect(socket: &std::path::Path) -> Result<UnixStream> {
    const PATIENCE: Duration = Duration::from_secs(60);
    let start = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Ok(link) => return Ok(link),
            Err(error) if start.elapsed() > PATIENCE => {
                return Err(error).context("redis-server does not answer")
            }
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// A command in the server's protocol: an array of bulk strings.
fn request(out: &mut Vec<u8>, words: &[&str]) -> Result<()> {
    write!(out, "*{}\r\n", words.len())?;
    for word in words {
        write!(out, "${}\r\n{word}\r\n", word.len())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn protocol() -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        super::request(&mut bytes, &["SET", "k", "value"])?;
        assert_eq!(bytes, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n");
        Ok(())
    }
}
