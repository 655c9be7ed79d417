// SPDX-License-Identifier: GPL-2.0

//! What is mapped: `/proc/PID/maps`.

use anyhow::{Context, Result};
use std::fs;
use std::ops::Range;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    pub range: Range<u64>,
    pub name: String,
}

/// The areas of a process; the kernel's own `[vsyscall]`, which is not in its tables, left out.
pub fn areas(pid: u32) -> Result<Vec<Area>> {
    let file = format!("/proc/{pid}/maps");
    let text = fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
    Ok(parse(&text))
}

/// Where the hugetlb areas of a process begin: `ht` among their VmFlags.
pub fn hugetlb_starts(pid: u32) -> Result<Vec<u64>> {
    let file = format!("/proc/{pid}/smaps");
    let text = fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
    Ok(parse_hugetlb(&text))
}

fn parse(text: &str) -> Vec<Area> {
    text.lines()
        .filter_map(parse_line)
        .filter(|area| area.name != "[vsyscall]")
        .collect()
}

fn parse_line(line: &str) -> Option<Area> {
    // address perms offset dev inode name
    let mut rest = line;
    let mut fields = [""; 5];
    for field in &mut fields {
        rest = rest.trim_start();
        let end = rest.find(' ').unwrap_or(rest.len());
        (*field, rest) = rest.split_at(end);
    }
    let (start, end) = fields[0].split_once('-')?;
    let hex = |word| u64::from_str_radix(word, 16).ok();
    Some(Area {
        range: hex(start)?..hex(end)?,
        name: rest.trim().to_owned(),
    })
}

fn parse_hugetlb(smaps: &str) -> Vec<u64> {
    let mut found = Vec::new();
    let mut area = None;
    for line in smaps.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            if flags.split_whitespace().any(|flag| flag == "ht") {
                found.extend(area);
            }
        } else if let Some(next) = parse_line(line) {
            area = Some(next.range.start);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let text = "55d0-55d1 r--p 00000000 fd:00 123   /usr/bin/a b\n\
                    7f00-7f02 rw-p 00000000 00:00 0 \n\
                    ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]\n";
        let list = parse(text);
        assert_eq!(list.len(), 2);
        assert_eq!(list[0].range, 0x55d0..0x55d1);
        assert_eq!(list[0].name, "/usr/bin/a b");
        assert_eq!(list[1].name, "");
    }

    #[test]
    fn hugetlb() {
        let text = "1000-2000 rw-p 00000000 00:00 0 \nRss: 4 kB\nVmFlags: rd wr sd\n\
                    200000-400000 rw-p 00000000 00:0f 7 /anon_hugepage (deleted)\n\
                    VmFlags: rd wr de ht sd\n";
        assert_eq!(parse_hugetlb(text), [0x20_0000]);
    }
}
