// SPDX-License-Identifier: GPL-2.0

//! Threads and children, who act one at a time, in the order of the list.
//!
//! Each has a turn: one semaphore tells it to go on, another that it is done. They lie in memory
//! that is shared with children. The first thread hands out the turns and takes its own.

#![allow(unsafe_code)]

use crate::exec;
use crate::observe::{self, Record};
use crate::op::{Actor, Arg, Call, Op, ACTORS, CHILDREN, THREADS};
use crate::verb::Verb;
use crate::world;
use anyhow::{bail, ensure, Context, Result};
use std::cell::UnsafeCell;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{io, mem, ptr, thread};

/// How long an operation may take before it is taken for hung: far longer than any does.
const PATIENCE: Duration = Duration::from_secs(120);
/// Room for what a child observes
const TEXT: usize = 8 << 20;

/// In `todo`, instead of the number of an operation
const OBSERVE: u32 = u32::MAX;
const EXIT: u32 = u32::MAX - 1;

/// What an actor tells of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub ret: i64,
    pub digest: u64,
    /// What the digest is of, if that is wanted
    pub text: String,
}

struct Turn {
    go: UnsafeCell<libc::sem_t>,
    done: UnsafeCell<libc::sem_t>,
    todo: AtomicU32,
    ret: AtomicI64,
    digest: AtomicU64,
}

struct Shared {
    turns: [Turn; ACTORS],
    pids: [AtomicI32; CHILDREN],
    alive: [AtomicBool; CHILDREN],
    /// Whether observations are wanted as text
    verbose: AtomicBool,
    text_len: AtomicU64,
    text: UnsafeCell<[u8; TEXT]>,
}

// SAFETY: semaphores are made for it; the text is written and read in turns.
unsafe impl Sync for Shared {}

static SHARED: OnceLock<&'static Shared> = OnceLock::new();
static LIST: OnceLock<Vec<Op>> = OnceLock::new();
/// The store that writes something else, if any: what a fault of a kernel might look like.
static DISTORTED: OnceLock<Option<u32>> = OnceLock::new();

fn shared() -> Result<&'static Shared> {
    SHARED.get().copied().context("nothing is set up")
}

fn map_shared() -> Result<&'static Shared> {
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let len = mem::size_of::<Shared>();
    // SAFETY: new memory, all zeroes, which is valid for everything in it but the semaphores, and
    // those are initialised before anybody sees them. It is never unmapped.
    unsafe {
        let place = libc::mmap(ptr::null_mut(), len, prot, flags, -1, 0);
        ensure!(
            place != libc::MAP_FAILED,
            "mmap: {}",
            io::Error::last_os_error()
        );
        let shared = &*place.cast::<Shared>();
        for turn in &shared.turns {
            libc::sem_init(turn.go.get(), 1, 0);
            libc::sem_init(turn.done.get(), 1, 0);
        }
        Ok(shared)
    }
}

fn post(semaphore: &UnsafeCell<libc::sem_t>) {
    // SAFETY: initialised, and never destroyed.
    unsafe { libc::sem_post(semaphore.get()) };
}

fn wait(semaphore: &UnsafeCell<libc::sem_t>) {
    // SAFETY: as above.
    while unsafe { libc::sem_wait(semaphore.get()) } != 0 {}
}

/// False when the time ran out.
fn wait_patiently(semaphore: &UnsafeCell<libc::sem_t>) -> bool {
    let end = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        + PATIENCE;
    let end = libc::timespec {
        tv_sec: end.as_secs() as libc::time_t,
        tv_nsec: libc::c_long::from(end.subsec_nanos() as i32),
    };
    loop {
        // SAFETY: as above; the time lives across the call.
        if unsafe { libc::sem_timedwait(semaphore.get(), &raw const end) } == 0 {
            return true;
        }
        if io::Error::last_os_error().raw_os_error() == Some(libc::ETIMEDOUT) {
            return false;
        }
    }
}

/// A store of another value.
fn other_value(call: &Call) -> Call {
    let mut other = call.clone();
    if let (Verb::Store, Some(Arg::Number(value))) = (call.verb, other.args.last_mut()) {
        *value ^= 1;
    }
    other
}

/// Do an operation, and look at what is mapped after it.
fn act(op: &Op) -> Seen {
    let distorted = DISTORTED.get().copied().flatten() == Some(op.id);
    let outcome = if distorted {
        exec::run(&other_value(&op.call))
    } else {
        exec::run(&op.call)
    };
    let mut record = new_record();
    record.words(&outcome.words, || describe(&outcome.words));
    observe::glance(&mut record);
    Seen {
        ret: outcome.ret,
        digest: record.digest.value(),
        text: record.text.unwrap_or_default(),
    }
}

/// Words and where they stand, but for those that are zero.
fn describe(words: &[u64]) -> String {
    let mut text = "returned".to_owned();
    for (n, word) in words.iter().enumerate().filter(|(_, &word)| word != 0) {
        let _ = write!(text, " {n}:{word:x}");
    }
    text
}

fn new_record() -> Record {
    Record::new(shared().is_ok_and(|shared| shared.verbose.load(SeqCst)))
}

/// Take one's turns until told to exit.
fn serve(actor: Actor) {
    let (Ok(shared), Some(list)) = (shared(), LIST.get()) else {
        return;
    };
    let Some(turn) = shared.turns.get(actor.index()) else {
        return;
    };
    loop {
        wait(&turn.go);
        match turn.todo.load(SeqCst) {
            EXIT => return,
            OBSERVE => {
                let mut record = new_record();
                observe::everything(&mut record);
                turn.digest.store(record.digest.value(), SeqCst);
                leave_text(shared, record.text.as_deref().unwrap_or(""));
            }
            number => {
                if let Some(op) = list.get(number as usize) {
                    let seen = act(op);
                    turn.ret.store(seen.ret, SeqCst);
                    turn.digest.store(seen.digest, SeqCst);
                    leave_text(shared, &seen.text);
                }
            }
        }
        post(&turn.done);
    }
}

fn leave_text(shared: &Shared, text: &str) {
    let len = text.len().min(TEXT);
    // SAFETY: it is this actor's turn; nobody else touches the text before it is done.
    unsafe { ptr::copy_nonoverlapping(text.as_ptr(), shared.text.get().cast::<u8>(), len) };
    shared.text_len.store(len as u64, SeqCst);
}

fn take_text(shared: &Shared) -> String {
    let len = shared.text_len.load(SeqCst) as usize;
    // SAFETY: the actor that wrote it is done.
    let bytes = unsafe { std::slice::from_raw_parts(shared.text.get().cast::<u8>(), len) };
    String::from_utf8_lossy(bytes).into_owned()
}

/// Set the scene for a list.
pub fn start(list: Vec<Op>, verbose: bool, distorted: Option<u32>) -> Result<()> {
    let shared = map_shared()?;
    shared.verbose.store(verbose, SeqCst);
    let fresh =
        SHARED.set(shared).is_ok() && LIST.set(list).is_ok() && DISTORTED.set(distorted).is_ok();
    ensure!(fresh, "a process runs one list");
    for n in 1..THREADS {
        thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(move || {
                // What the C library and Rust take for a thread is there by now.
                shared.turns.get(n).iter().for_each(|turn| post(&turn.done));
                serve(Actor::Thread(n));
            })
            .context("starting a thread")?;
        shared.turns.get(n).iter().for_each(|turn| wait(&turn.done));
    }
    Ok(())
}

fn hand_out(shared: &Shared, actor: Actor, todo: u32) -> Result<Seen> {
    let turn = shared.turns.get(actor.index()).context("no such actor")?;
    turn.todo.store(todo, SeqCst);
    shared.text_len.store(0, SeqCst);
    post(&turn.go);
    if !wait_patiently(&turn.done) {
        bail!("{actor} hangs");
    }
    Ok(Seen {
        ret: turn.ret.load(SeqCst),
        digest: turn.digest.load(SeqCst),
        text: take_text(shared),
    })
}

fn is_alive(child: usize) -> bool {
    shared().is_ok_and(|shared| shared.alive.get(child).is_some_and(|a| a.load(SeqCst)))
}

/// Have the operation of this number done by its actor. None: the actor is a child that is not.
pub fn step(number: usize) -> Result<Option<Seen>> {
    let op = LIST
        .get()
        .and_then(|list| list.get(number))
        .context("no such operation")?;
    match op.actor {
        Actor::Thread(0) => Ok(Some(act(op))),
        Actor::Child(child) if !is_alive(child) => Ok(None),
        actor => hand_out(shared()?, actor, number as u32).map(Some),
    }
}

/// What each living child sees; as text, if that is wanted.
pub fn children_observe() -> Result<Vec<(Actor, u64, String)>> {
    let shared = shared()?;
    let mut all = Vec::new();
    for child in (0..CHILDREN).filter(|&child| is_alive(child)) {
        let actor = Actor::Child(child);
        let seen = hand_out(shared, actor, OBSERVE)?;
        all.push((actor, seen.digest, seen.text));
    }
    Ok(all)
}

fn shared_io() -> io::Result<&'static Shared> {
    shared().map_err(io::Error::other)
}

/// The child acts when it is told to.
pub fn fork_child(child: usize) -> io::Result<()> {
    let shared = shared_io()?;
    let (Some(pid_place), Some(alive)) = (shared.pids.get(child), shared.alive.get(child)) else {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    };
    if alive.load(SeqCst) {
        return Err(io::Error::from_raw_os_error(libc::EBUSY));
    }
    // SAFETY: the other threads wait for their turn and hold no lock; the C library sees to its
    // own. The child ends without running anything of theirs.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: plain system calls.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            let ready = world::open_pagemap().is_ok();
            if ready {
                serve(Actor::Child(child));
            }
            // SAFETY: ends the process, and touches nothing.
            unsafe { libc::_exit(i32::from(!ready)) }
        }
        pid => {
            pid_place.store(pid, SeqCst);
            alive.store(true, SeqCst);
            // SAFETY: a plain system call.
            let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
            world::put_child(child, pidfd as i32);
            Ok(())
        }
    }
}

/// Tell a child to exit and wait until it has; its status, or the signal that ended it, negative.
pub fn reap_child(child: usize) -> i64 {
    let Ok(shared) = shared() else { return -1 };
    let actor = Actor::Child(child);
    let (Some(pid), Some(alive)) = (shared.pids.get(child), shared.alive.get(child)) else {
        return -i64::from(libc::EINVAL);
    };
    let Some(turn) = shared
        .turns
        .get(actor.index())
        .filter(|_| alive.load(SeqCst))
    else {
        return -i64::from(libc::ECHILD);
    };
    turn.todo.store(EXIT, SeqCst);
    post(&turn.go);
    let mut status = 0;
    // SAFETY: the status lives across the call.
    let done = unsafe { libc::waitpid(pid.load(SeqCst), &raw mut status, 0) };
    alive.store(false, SeqCst);
    world::drop_child(child);
    match () {
        () if done < 0 => -i64::from(libc::ECHILD),
        () if libc::WIFSIGNALED(status) => -i64::from(libc::WTERMSIG(status)),
        () => i64::from(libc::WEXITSTATUS(status)),
    }
}
