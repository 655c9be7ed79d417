// SPDX-License-Identifier: GPL-2.0

//! What user space can see of the arena, but for what tells of page tables.

use crate::arena::{BASE, END, PAGE};
use crate::digest::Digest;
use crate::symbol::Meaning;
use crate::{glance, world};
use pagetables::entry;
use std::fmt::Write;
use std::fs::{self, File};
use std::io::{self, Read};
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

pub use glance::glance;

/// A digest of what is observed, and a text of it when that is wanted.
pub struct Record {
    pub digest: Digest,
    pub text: Option<String>,
}

impl Record {
    pub fn new(with_text: bool) -> Self {
        Self {
            digest: Digest::default(),
            text: with_text.then(String::new),
        }
    }

    pub fn line(&mut self, line: &str) {
        self.digest.bytes(line.as_bytes());
        if let Some(text) = &mut self.text {
            text.push_str(line);
            text.push('\n');
        }
    }

    /// Numbers, and the text of them, which is made only when it is wanted.
    pub fn words(&mut self, words: &[u64], describe: impl FnOnce() -> String) {
        words.iter().for_each(|&word| self.digest.word(word));
        if let Some(text) = &mut self.text {
            text.push_str(&describe());
            text.push('\n');
        }
    }
}

/// All that this process can see of itself.
pub fn everything(record: &mut Record) {
    let result = areas(record)
        .and_then(|areas| areas.iter().try_for_each(|area| pages(record, area)))
        .and_then(|()| status(record));
    if let Err(error) = result {
        record.line(&format!("cannot be observed: {error}"));
    }
}

/// The fields of smaps that are left out.
///
/// `Referenced` follows the marks of the page's age, which reclaim moves when it likes. `LazyFree`
/// counts the pages that were taken to the list of those that reclaim drops first: `MADV_FREE` leaves
/// them in a batch of its processor, and whoever drains that (khugepaged does, now and then) makes the
/// field grow from nothing. What `MADV_FREE` does to an entry is seen in `Private_Clean`.
const NOT_OF_SMAPS: &[&str] = &["Referenced:", "LazyFree:"];

struct Area {
    start: u64,
    end: u64,
    readable: bool,
    anonymous: bool,
}

/// The areas of the arena as smaps has them, line by line.
fn areas(record: &mut Record) -> io::Result<Vec<Area>> {
    let mut areas = Vec::new();
    for line in smaps_of_arena()?.lines() {
        if let Some((header, area)) = header(line) {
            record.line(&header);
            areas.push(area);
        } else if !NOT_OF_SMAPS.iter().any(|field| line.starts_with(field)) {
            record.line(line);
        }
    }
    Ok(areas)
}

/// The start of the file, up to the first area above the arena.
fn smaps_of_arena() -> io::Result<String> {
    let mut file = File::open("/proc/self/smaps")?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let mut seen = 0;
    loop {
        let count = file.read(&mut chunk)?;
        bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
        // Only whole lines, each looked at once.
        let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |n| n + 1);
        let text = bytes.get(seen..whole).unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        let mut at = seen;
        for line in text.split_inclusive('\n') {
            if header(line.trim_end()).is_some_and(|(_, area)| area.start >= END) {
                bytes.truncate(at);
                return Ok(String::from_utf8_lossy(&bytes).into_owned());
            }
            at += line.len();
        }
        if count == 0 {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        seen = whole;
    }
}

/// Whether all that is mapped in a range is private memory without a file.
pub fn is_anonymous(start: u64, end: u64) -> bool {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines()
        .filter_map(|line| header(line).map(|(_, area)| area))
        .take_while(|area| area.start < end)
        .all(|area| area.end <= start || area.anonymous)
}

/// The first line of an area, without the numbers of its file's device and inode, which come from
/// counters of the whole system.
fn header(line: &str) -> Option<(String, Area)> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let hex = |word| u64::from_str_radix(word, 16).ok();
    let (start, end) = (hex(start)?, hex(end)?);
    let (perms, offset) = (words.next()?, words.next()?);
    let _device = words.next()?;
    let anonymous = words.next()? == "0";
    let name: Vec<&str> = words.collect();
    let name = name.join(" ");
    // A file without a name is shown by its inode's number.
    let name = match name.rsplit_once("/#") {
        Some(_) => "a file",
        None => name.as_str(),
    };
    let kind = if anonymous { "" } else { "file " };
    Some((
        format!("{start:x}-{end:x} {perms} {offset} {kind}{name}"),
        Area {
            start,
            end,
            readable: perms.starts_with('r'),
            anonymous,
        },
    ))
}

/// Words of the pagemap, without numbers of page frames and of swap slots.
const SEEN: u64 = !((1 << 55) - 1);
const PRESENT: u64 = 1 << 63;

fn describe(word: u64) -> String {
    let bits = [
        (55, "soft-dirty"),
        (56, "exclusive"),
        (57, "uffd-wp"),
        (58, "guard"),
        (61, "file"),
        (62, "swapped"),
        (63, "present"),
    ];
    let set: Vec<&str> = bits
        .iter()
        .filter(|(bit, _)| word >> bit & 1 != 0)
        .map(|(_, name)| *name)
        .collect();
    set.join(" ")
}

/// Every page of an area: its word of the pagemap, its byte of mincore, and what is in it if that
/// can be read without a fault.
fn pages(record: &mut Record, area: &Area) -> io::Result<()> {
    let count = ((area.end - area.start) / PAGE) as usize;
    let mut bytes = vec![0; count * 8];
    let pagemap = world::value(Meaning::Pagemap) as RawFd;
    borrowed(pagemap).read_exact_at(&mut bytes, area.start / PAGE * 8)?;
    let core = mincore(area, count)?;
    for (n, (word, core)) in bytes.chunks_exact(8).zip(core).enumerate() {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default()) & SEEN;
        if word == 0 && core == 0 {
            continue;
        }
        let address = area.start + n as u64 * PAGE;
        let content = if word & PRESENT != 0 && area.readable {
            glance::content(address)
        } else {
            0
        };
        // A soft-dirty hole is part of a soft-dirty area: it is in the digest, but no news.
        let told = entry::is_entry(word) || core != 0;
        let describe = || match told {
            true => format!("{address:x} {} core {core} {content:x}", describe(word)),
            false => String::new(),
        };
        record.words(&[address, word, u64::from(core), content], describe);
    }
    Ok(())
}

#[allow(unsafe_code)]
fn mincore(area: &Area, count: usize) -> io::Result<Vec<u8>> {
    let mut core = vec![0; count];
    let start = area.start as *mut libc::c_void;
    // SAFETY: the vector has a byte for each page; the memory itself is not accessed.
    let done = unsafe { libc::mincore(start, count * PAGE as usize, core.as_mut_ptr()) };
    if done < 0 {
        return Err(io::Error::last_os_error());
    }
    core.iter_mut().for_each(|byte| *byte &= 1);
    Ok(core)
}

/// A descriptor of ours as a file that is not closed in the end.
#[allow(unsafe_code)]
fn borrowed(fd: RawFd) -> ManuallyDrop<File> {
    // SAFETY: nobody closes it while the file is used: that is another operation.
    ManuallyDrop::new(unsafe { File::from_raw_fd(fd) })
}

/// The fields of status that are looked at.
///
/// Not VmPTE, which is what freepte is about. Nor those that count this program's own heap, stacks
/// and pages of its file (VmLck too, after mlockall): how large these are follows how it was called
/// and what is in the page cache. What the arena adds to them is in smaps, and that a count is
/// wrong the kernel says when the process ends.
const OF_STATUS: [&str; 3] = ["VmPin", "RssShmem", "VmSwap"];

type Status = [i64; OF_STATUS.len()];

/// What this program has of each by itself.
static OWN: OnceLock<Status> = OnceLock::new();

fn read_status() -> io::Result<Status> {
    let text = fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| {
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        value.trim().strip_suffix(" kB")?.parse().ok()
    };
    Ok(OF_STATUS.map(|name| field(name).unwrap_or(-1)))
}

/// What there is now is this program's own.
pub fn begin() -> io::Result<()> {
    let _ = OWN.set(read_status()?);
    Ok(())
}

fn status(record: &mut Record) -> io::Result<()> {
    let own = OWN.get().copied().unwrap_or_default();
    for ((name, now), own) in OF_STATUS.iter().zip(read_status()?).zip(own) {
        record.line(&format!("{name} {:+} kB", now - own));
    }
    Ok(())
}

/// The files of the list: how large, where there is data, and what.
pub fn files(record: &mut Record) {
    let mut buffer = vec![0; 64 << 10];
    for slot in 0..4 {
        let fd = world::value(Meaning::File(slot)) as RawFd;
        if let Err(error) = file(record, slot, &borrowed(fd), &mut buffer) {
            record.line(&format!("F{slot} cannot be observed: {error}"));
        }
    }
}

fn file(record: &mut Record, slot: usize, file: &File, buffer: &mut [u8]) -> io::Result<()> {
    let size = file.metadata()?.len();
    let mut line = format!("F{slot} size {size:x}");
    let mut at = 0;
    while let Some(start) = seek(file, at, libc::SEEK_DATA)? {
        at = seek(file, start, libc::SEEK_HOLE)?.unwrap_or(size);
        let mut digest = Digest::default();
        let mut from = start;
        while from < at {
            let len = buffer.len().min((at - from) as usize);
            let part = buffer.get_mut(..len).unwrap_or_default();
            file.read_exact_at(part, from)?;
            digest.bytes(part);
            from += len as u64;
        }
        let _ = write!(line, ", {start:x}-{at:x} {:x}", digest.value());
    }
    record.line(&line);
    Ok(())
}

#[allow(unsafe_code)]
fn seek(file: &File, from: u64, whence: i32) -> io::Result<Option<u64>> {
    // SAFETY: the descriptor is open.
    let found = unsafe { libc::lseek(file.as_raw_fd(), from as i64, whence) };
    if found >= 0 {
        return Ok(Some(found as u64));
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::ENXIO) => Ok(None),
        _ => Err(error),
    }
}

/// Read every page of the arena that can be read, so that what was swapped out or is still in a
/// file is seen as well.
pub fn touch_everything(record: &mut Record) {
    let mut address = BASE;
    let areas = areas(&mut Record::new(false)).unwrap_or_default();
    for area in areas.iter().filter(|area| area.readable) {
        address = address.max(area.start);
        while address < area.end {
            let found = crate::access::load(address);
            let (kind, value) = match found {
                Ok(value) => (0, value),
                Err(fault) => (1, fault.0),
            };
            if kind != 0 || value != 0 {
                record.words(&[address, kind, value], || {
                    format!("{address:x} read {found:x?}")
                });
            }
            address += PAGE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let line = "10000000-10001000 rw-s 00001000 00:01 1026    /memfd:F0 (deleted)";
        let (text, area) = header(line).map_or(Default::default(), |(t, a)| (t, Some(a)));
        assert_eq!(
            text,
            "10000000-10001000 rw-s 00001000 file /memfd:F0 (deleted)"
        );
        assert!(area.is_some_and(|a| a.readable && a.end - a.start == PAGE));
        let line = "10000000-10001000 ---p 00000000 00:00 0 ";
        assert_eq!(
            header(line).map(|h| h.0).unwrap_or_default(),
            "10000000-10001000 ---p 00000000 "
        );
        let line = "10000000-10001000 rw-s 00000000 07:00 12     /tmp/.tmpx/mnt/#12 (deleted)";
        assert!(header(line).is_some_and(|h| h.0.ends_with("file a file")));
        assert!(header("Rss:                   4 kB").is_none());
        assert!(header("VmFlags: rd wr mr mw me ac sd").is_none());
    }

    #[test]
    fn numbers_of_frames_are_not_seen() {
        assert_eq!(0x1234 & SEEN, 0);
        assert_eq!(describe(1 << 63 | 1 << 55), "soft-dirty present");
    }
}
