// SPDX-License-Identifier: GPL-2.0

//! Doing what an operation says.

#![allow(unsafe_code)]

use crate::access::{self, Fault};
use crate::arena::{BASE, BLOCK, END, PAGE};
use crate::op::{Arg, Call};
use crate::symbol::{
    Meaning, MADV_COLLAPSE, MADV_GUARD_INSTALL, UFFDIO_MOVE, UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES,
};
use crate::verb::Verb;
use crate::{actors, knobs, observe, world};
use std::io;

/// What an operation returned.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// As the kernel returns it: negative errors
    pub ret: i64,
    /// What else came back: data, words that were written to
    pub words: Vec<u64>,
}

impl Outcome {
    fn of(ret: i64) -> Self {
        Self {
            ret,
            ..Self::default()
        }
    }

    fn of_result<T>(result: io::Result<T>) -> Self {
        Self::of(match result {
            Ok(_) => 0,
            Err(error) => -i64::from(error.raw_os_error().unwrap_or(libc::EIO)),
        })
    }

    fn of_access(result: Result<u64, Fault>) -> Self {
        let mut outcome = Self::default();
        match result {
            Ok(value) => outcome.words.push(value),
            Err(Fault(fault)) => outcome.ret = -(fault as i64),
        }
        outcome
    }
}

/// The words of an argument, for the kernel to read and write.
type Words = Vec<Box<[u64]>>;

fn number(arg: &Arg, words: &mut Words) -> u64 {
    match arg {
        Arg::Number(number) => *number,
        Arg::At(offset) => BASE + offset,
        Arg::Names(names) => names
            .iter()
            .fold(0, |all, name| all | world::value(name.meaning)),
        Arg::Words(list) => {
            let list: Box<[u64]> = list.iter().map(|arg| number(arg, words)).collect();
            let address = list.as_ptr() as u64;
            words.push(list);
            address
        }
    }
}

fn has_out(arg: &Arg) -> bool {
    match arg {
        Arg::Names(names) => names.iter().any(|name| name.meaning == Meaning::Out),
        Arg::Words(list) => list.iter().any(has_out),
        _ => false,
    }
}

/// A system call; the error as the kernel returns it.
///
/// # Safety
///
/// All memory that the call writes to or unmaps lies in the arena, in `OUT`, or in words that the
/// caller made for it.
unsafe fn system(number: i64, args: [u64; 6]) -> i64 {
    let [a, b, c, d, e, f] = args;
    // SAFETY: the caller's promise.
    let ret = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if ret == -1 {
        return -i64::from(
            io::Error::last_os_error()
                .raw_os_error()
                .unwrap_or(libc::EIO),
        );
    }
    ret
}

fn system_call(nr: i64, args: &[Arg]) -> Outcome {
    let mut words = Words::new();
    let mut values = [0; 6];
    for (value, arg) in values.iter_mut().zip(args) {
        *value = number(arg, &mut words);
    }
    let out = args.iter().any(has_out);
    if out {
        world::clear_out();
    }
    // SAFETY: the generator makes only addresses of the arena, and the parser none but numbers
    // that the kernel takes for addresses of nothing.
    let mut outcome = Outcome::of(unsafe { system(nr, values) });
    if out {
        outcome.words.extend(world::out());
    }
    // What the kernel wrote to them; where they are is nobody's concern.
    let places: Vec<u64> = words.iter().map(|list| list.as_ptr() as u64).collect();
    let own = |word: &u64| places.contains(word) || *word == world::value(Meaning::Out);
    for word in words.iter().flatten().filter(|word| !own(word)) {
        outcome.words.push(*word);
    }
    outcome
}

fn store(address: u64, value: u64) -> Result<u64, Fault> {
    if !(BASE..=END - 8).contains(&address) {
        return Err(Fault(0));
    }
    // SAFETY: the arena is no memory that Rust knows of.
    unsafe { access::store(address, value) }.map(|()| 0)
}

/// An access to each of so many pages: how many worked, what was read, and how the first one
/// failed that did.
fn each_page(start: u64, count: u64, access: impl Fn(u64) -> Result<u64, Fault>) -> Outcome {
    let mut outcome = Outcome::default();
    for page in 0..count {
        match access(start + page * PAGE) {
            Ok(value) => outcome.words.push(value),
            Err(Fault(fault)) => {
                outcome.ret = page as i64;
                outcome.words.push(fault);
                return outcome;
            }
        }
    }
    outcome.ret = count as i64;
    outcome
}

/// MADV_COLLAPSE of a table that is not there fails, of one that is there and empty works: without
/// an entry in each table the result would tell whether an empty one was freed. Of a file it makes
/// a large page in the page cache, and a later fault maps that as a whole where there is no table,
/// and piecemeal where there is one, empty or not.
fn collapse(start: u64, len: u64) -> Outcome {
    if !observe::is_anonymous(start, start + len) {
        return Outcome::of(-i64::from(libc::EOPNOTSUPP));
    }
    let (first, end) = (start.next_multiple_of(BLOCK), (start + len) / BLOCK * BLOCK);
    for block in (first..end).step_by(BLOCK as usize) {
        if let Err(fault) = store(block, block) {
            return Outcome::of_access(Err(fault));
        }
    }
    system_call(
        libc::SYS_madvise,
        &[
            Arg::At(start - BASE),
            Arg::Number(len),
            Arg::from(MADV_COLLAPSE),
        ],
    )
}

/// MADV_GUARD_INSTALL starts again as long as a page has an entry that zapping leaves in place, such
/// as the mark that a page of a file is write-protected: on any kernel, for ever.
fn never_ends(call: &Call) -> bool {
    match call.args.as_slice() {
        [Arg::At(start), Arg::Number(len), advice] if *advice == Arg::from(MADV_GUARD_INSTALL) => {
            let start = BASE + start;
            world::any_uffd() && !observe::is_anonymous(start, start + len)
        }
        _ => false,
    }
}

fn moves_no_holes(call: &Call) -> bool {
    let holes = Arg::from(UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES);
    match call.args.as_slice() {
        [_, code, Arg::Words(words)] if *code == Arg::from(UFFDIO_MOVE) => !words.contains(&holes),
        _ => false,
    }
}

/// UFFDIO_MOVE of a page that is not there to a place that is taken: it looks at the place first if
/// there is a table that the page could be in, empty or not. Both errors are one to us.
fn same_error(outcome: &mut Outcome) {
    const HOLE: i64 = -(libc::ENOENT as i64);
    const TAKEN: i64 = -(libc::EEXIST as i64);
    if outcome.ret == HOLE {
        outcome.ret = TAKEN;
    }
    for word in outcome.words.iter_mut().filter(|w| **w as i64 == HOLE) {
        *word = TAKEN as u64;
    }
}

fn open_uffd(slot: usize, features: u64) -> io::Result<()> {
    const API: u64 = 0xaa;
    const UFFDIO_API: u64 = 0xc018_aa3f;
    // SAFETY: plain system calls, and an argument that lives across the second.
    unsafe {
        let fd = libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | libc::O_NONBLOCK) as i32;
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut api = [API, features, 0];
        let done = libc::ioctl(fd, UFFDIO_API, api.as_mut_ptr());
        let error = io::Error::last_os_error();
        if done < 0 {
            libc::close(fd);
            return Err(error);
        }
        world::put_uffd(slot, fd);
    }
    Ok(())
}

pub fn run(call: &Call) -> Outcome {
    if let Some(nr) = call.verb.number() {
        if never_ends(call) {
            return Outcome::of(-i64::from(libc::EOPNOTSUPP));
        }
        let mut outcome = system_call(nr, &call.args);
        if moves_no_holes(call) {
            same_error(&mut outcome);
        }
        return outcome;
    }
    let mut none = Words::new();
    let mut arg = |n: usize| call.args.get(n).map_or(0, |arg| number(arg, &mut none));
    let (first, second, third) = (arg(0), arg(1), arg(2));
    let slot = first as usize;
    match call.verb {
        Verb::Load => Outcome::of_access(access::load(first)),
        Verb::Store => Outcome::of_access(store(first, second)),
        Verb::LoadPages => each_page(first, second, access::load),
        Verb::StorePages => each_page(first, second, |page| store(page, third)),
        Verb::Collapse => collapse(first, second),
        Verb::OpenMemfd => Outcome::of_result(world::open_memfd(slot)),
        Verb::OpenUffd => Outcome::of_result(open_uffd(slot, second)),
        Verb::CloseUffd => Outcome::of(i64::from(world::close_uffd(slot))),
        Verb::Fork => Outcome::of_result(actors::fork_child(slot)),
        Verb::Reap => Outcome::of(actors::reap_child(slot)),
        Verb::Pause => {
            std::thread::sleep(std::time::Duration::from_millis(first));
            Outcome::default()
        }
        Verb::Knob => {
            knobs::set(first, second);
            Outcome::default()
        }
        Verb::ClearRefs => {
            Outcome::of_result(std::fs::write("/proc/self/clear_refs", first.to_string()))
        }
        Verb::SwapCycle => Outcome::of_result(knobs::swap_cycle()),
        Verb::DropCaches => Outcome::of_result(std::fs::write("/proc/sys/vm/drop_caches", "1")),
        // All others have a number.
        _ => Outcome::of(-i64::from(libc::ENOSYS)),
    }
}
