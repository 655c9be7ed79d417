// SPDX-License-Identifier: GPL-2.0

//! The virtio ports between guest and host, each a FIFO or a file on this side. What travels over
//! them stays clean of what virtme-ng, QEMU and the kernel have to say.

use anyhow::{bail, Context, Result};
use rustix::fs::{fcntl_setfl, mknodat, open, FileType, Mode, OFlags, CWD};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread;

/// Where the command's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// To our own standard output and standard error
    Inherit,
    /// Into the outcome
    Capture,
    /// Standard output into the outcome, standard error to our own
    CaptureOut,
}

impl Sink {
    /// That of standard output, and that of standard error.
    fn of_each(self) -> (Self, Self) {
        match self {
            Self::CaptureOut => (Self::Capture, Self::Inherit),
            both => (both, both),
        }
    }
}

/// The device that has the ports; it comes before them.
pub const BUS: &str = "-device virtio-serial-pci,id=freepte,max_ports=8";

/// A port that the guest writes and that is a file or a FIFO here.
fn port(name: &str, file: &Path) -> String {
    format!(
        " -chardev file,id=freepte-{name},path={} \
         -device virtserialport,bus=freepte.0,name=freepte.{name},chardev=freepte-{name}",
        file.display()
    )
}

/// The port by which the guest tells an exit status.
pub struct Status(PathBuf);

impl Status {
    pub fn new(dir: &Path) -> Self {
        Self(dir.join("status"))
    }

    pub fn qemu_opts(&self) -> String {
        port("status", &self.0)
    }

    /// What was told, if anything was.
    pub fn read(&self) -> Option<i32> {
        fs::read_to_string(&self.0).ok()?.trim().parse().ok()
    }
}

/// The ports of a command.
pub struct Ports {
    out: PathBuf,
    err: PathBuf,
    status: Status,
}

impl Ports {
    pub fn new(dir: &Path) -> Result<Self> {
        let ports = Self {
            out: dir.join("out"),
            err: dir.join("err"),
            status: Status::new(dir),
        };
        fifo(&ports.out)?;
        fifo(&ports.err)?;
        Ok(ports)
    }

    pub fn qemu_opts(&self) -> String {
        let mut opts = BUS.to_owned();
        for (name, file) in [
            ("out", &self.out),
            ("err", &self.err),
            // A port has one writer at a time: programs that open /dev/stdout get their own.
            ("devout", &self.out),
            ("deverr", &self.err),
        ] {
            opts.push_str(&port(name, file));
        }
        opts.push_str(&self.status.qemu_opts());
        opts
    }

    /// Begin to read what comes out of them.
    pub fn read(self, sink: Sink) -> Result<Readers> {
        let (of_out, of_err) = sink.of_each();
        Ok(Readers {
            out: Reader::start(&self.out, Box::new(std::io::stdout()), of_out)?,
            err: Reader::start(&self.err, Box::new(std::io::stderr()), of_err)?,
            status: self.status,
        })
    }
}

/// Read a FIFO from the beginning until its writers have gone.
pub struct Reader {
    /// Kept open until QEMU has gone: until then there is no end of file.
    hold: File,
    thread: thread::JoinHandle<Result<Vec<u8>>>,
}

impl Reader {
    pub fn start(path: &Path, ours: Box<dyn Write + Send>, sink: Sink) -> Result<Self> {
        let input = open_fifo(path)?;
        let hold = OpenOptions::new().write(true).open(path)?;
        let thread = thread::spawn(move || pump(input, ours, sink));
        Ok(Self { hold, thread })
    }

    /// What was captured, after QEMU has gone.
    pub fn finish(self) -> Result<String> {
        drop(self.hold);
        match self.thread.join() {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes?).into_owned()),
            Err(_) => bail!("the reader of the guest's output died"),
        }
    }
}

pub struct Readers {
    out: Reader,
    err: Reader,
    status: Status,
}

/// What a command told.
pub struct Told {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Readers {
    pub fn finish(self) -> Result<Told> {
        Ok(Told {
            stdout: self.out.finish()?,
            stderr: self.err.finish()?,
            status: self.status.read(),
        })
    }
}

fn pump(mut input: File, mut ours: Box<dyn Write + Send>, sink: Sink) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut buffer = [0; 65536];
    let mut closed = false;
    loop {
        let count = input.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            return Ok(all);
        };
        match sink {
            Sink::Capture | Sink::CaptureOut => all.extend_from_slice(bytes),
            // Whoever reads us may have gone; the guest must not hang for that.
            Sink::Inherit if !closed => {
                closed = ours.write_all(bytes).and_then(|()| ours.flush()).is_err();
            }
            Sink::Inherit => {}
        }
    }
}

/// Make a FIFO.
pub fn fifo(path: &Path) -> Result<()> {
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, path, FileType::Fifo, mode, 0)
        .with_context(|| format!("making {}", path.display()))
}

/// Open a FIFO for reading without waiting for a writer; reads wait as usual.
fn open_fifo(path: &Path) -> Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fifo =
        open(path, flags, Mode::empty()).with_context(|| format!("opening {}", path.display()))?;
    fcntl_setfl(&fifo, OFlags::empty())?;
    Ok(fifo.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_captured_while_progress_shows() {
        let each = (Sink::Capture, Sink::Inherit);
        assert_eq!(Sink::CaptureOut.of_each(), each);
        assert_eq!(Sink::Capture.of_each(), (Sink::Capture, Sink::Capture));
        assert_eq!(Sink::Inherit.of_each(), (Sink::Inherit, Sink::Inherit));
    }
}
