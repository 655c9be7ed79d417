// SPDX-License-Identifier: GPL-2.0

//! A shell in the guest, on our terminal.
//!
//! It has a console of its own in the guest, so that what the kernel says stays in the log. All
//! keys go there: Ctrl-C interrupts what runs in the shell, and job control works. What a console
//! can't tell, the size of the window, goes over a port beside it.

use super::escape::{Escape, Keys};
use super::ports::{self, Reader, Sink, Status};
use crate::children::Child;
use crate::terminal::{self, Raw};
use anyhow::{Context, Result};
use signal_hook::consts::SIGWINCH;
use signal_hook::iterator::Signals;
use std::fs::{File, OpenOptions};
use std::io::{stdin, stdout, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::Duration;

/// How the console and the port are connected: by a FIFO for each direction.
pub struct Console {
    console: PathBuf,
    size: PathBuf,
    pub status: Status,
}

impl Console {
    pub fn new(dir: &Path) -> Result<Self> {
        let console = Self {
            console: dir.join("console"),
            size: dir.join("size"),
            status: Status::new(dir),
        };
        for pipe in [&console.console, &console.size] {
            ports::fifo(&to_guest(pipe))?;
            ports::fifo(&from_guest(pipe))?;
        }
        Ok(console)
    }

    pub fn qemu_opts(&self) -> String {
        let mut opts = ports::BUS.to_owned();
        for (name, device, pipe) in [
            ("console", "virtconsole", &self.console),
            ("size", "virtserialport", &self.size),
        ] {
            opts.push_str(&format!(
                " -chardev pipe,id=freepte-{name},path={} \
                 -device {device},bus=freepte.0,name=freepte.{name},chardev=freepte-{name}",
                pipe.display()
            ));
        }
        opts.push_str(&self.status.qemu_opts());
        opts
    }

    /// Connect the terminal with the guest until the guest ends.
    pub fn attend(&self, guest: &mut Child) -> Result<()> {
        let shown = Reader::start(
            &from_guest(&self.console),
            Box::new(stdout()),
            Sink::Inherit,
        )?;
        let raw = Raw::new()?;
        let resized = tell_sizes(open(&to_guest(&self.size))?)?;
        let quit = send_keys(open(&to_guest(&self.console))?);
        while guest.wait_for(Duration::from_millis(100))?.is_none() {
            if quit.try_recv() != Err(TryRecvError::Empty) {
                guest.end();
            }
        }
        resized.close();
        shown.finish()?;
        drop(raw);
        println!();
        Ok(())
    }
}

fn to_guest(pipe: &Path) -> PathBuf {
    pipe.with_extension("in")
}

fn from_guest(pipe: &Path) -> PathBuf {
    pipe.with_extension("out")
}

/// Open a FIFO to write to it. That it may be read as well has this not wait for QEMU.
fn open(fifo: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(fifo)
        .with_context(|| format!("opening {}", fifo.display()))
}

/// Tell the guest how large the window is, now and whenever that changes.
fn tell_sizes(mut guest: File) -> Result<signal_hook::iterator::Handle> {
    let mut tell = move || match terminal::size() {
        Some((rows, columns)) => writeln!(guest, "{rows} {columns}"),
        None => Ok(()),
    };
    let mut changes = Signals::new([SIGWINCH]).context("asking for signals")?;
    let handle = changes.handle();
    tell()?;
    thread::spawn(move || {
        for _ in changes.forever() {
            if tell().is_err() {
                return;
            }
        }
    });
    Ok(handle)
}

/// Send the guest what is typed. The receiver learns when that is to end, or can't go on.
fn send_keys(mut guest: File) -> Receiver<()> {
    let (quit, asked) = mpsc::channel();
    let (typed, keys) = mpsc::channel::<Vec<u8>>();
    // A guest that does not listen must not keep us from hearing that it is to end.
    thread::spawn(move || {
        for keys in keys {
            if guest.write_all(&keys).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        let mut escape = Escape::default();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stdin().read(&mut buffer) {
            let keys = buffer.get(..count).unwrap_or_default();
            match escape.filter(keys) {
                Keys::Pass(keys) => {
                    let _ = typed.send(keys);
                }
                Keys::Quit => break,
            }
        }
        let _ = quit.send(());
    });
    asked
}
