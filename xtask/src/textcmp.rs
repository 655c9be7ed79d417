// SPDX-License-Identifier: GPL-2.0

//! Whether two builds have the same machine code: the code sections of every object, byte for
//! byte, and what the relocations in them refer to.
//!
//! Line numbers may differ, since a patch moves what stands below it: they are immediates of a
//! move into a register. Anything else is a difference.

use crate::cmd;
use anyhow::{ensure, Context, Result};
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SectionFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One code section: its bytes, and its relocations by what they refer to.
#[derive(Debug, PartialEq, Eq)]
struct Code {
    bytes: Vec<u8>,
    relocations: Vec<(u64, String)>,
}

#[derive(Debug, Default)]
pub struct Comparison {
    pub same: usize,
    pub line_numbers: Vec<String>,
    pub different: Vec<String>,
    pub only_one: Vec<String>,
}

impl Comparison {
    pub fn equal(&self) -> bool {
        self.same > 0 && self.different.is_empty() && self.only_one.is_empty()
    }

    pub fn summary(&self) -> String {
        let list = |names: &[String]| {
            if names.is_empty() {
                String::new()
            } else {
                format!(": {}", names.join(" "))
            }
        };
        format!(
            "{} objects the same, {} but for line numbers{}, {} different{}, {} in one build only{}",
            self.same,
            self.line_numbers.len(),
            list(&self.line_numbers),
            self.different.len(),
            list(&self.different),
            self.only_one.len(),
            list(&self.only_one)
        )
    }
}

/// Compare all objects of two build directories. `objdump` disassembles what differs.
pub fn compare(a: &Path, b: &Path, objdump: &str) -> Result<Comparison> {
    let (in_a, in_b) = (objects(a)?, objects(b)?);
    ensure!(!in_a.is_empty(), "{} has no objects", a.display());
    let mut found = Comparison::default();
    for name in in_a.union(&in_b) {
        let show = name.display().to_string();
        if !in_a.contains(name) || !in_b.contains(name) {
            // Glue without code of its own is no difference.
            let dir = if in_a.contains(name) { a } else { b };
            if code(&dir.join(name))?.values().any(|c| !c.bytes.is_empty()) {
                found.only_one.push(show);
            }
        } else if code(&a.join(name))? == code(&b.join(name))? {
            found.same += 1;
        } else if only_lines(
            &disassemble(objdump, &a.join(name))?,
            &disassemble(objdump, &b.join(name))?,
        ) {
            found.line_numbers.push(show);
        } else {
            found.different.push(show);
        }
    }
    Ok(found)
}

/// The objects of a build, relative to it; not those of host programs nor what is linked from
/// others.
fn objects(dir: &Path) -> Result<BTreeSet<PathBuf>> {
    const NOT: [&str; 4] = ["scripts", "tools", "freepte-modules", "arch/x86/tools"];
    let mut found = BTreeSet::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(sub) = todo.pop() {
        let here = dir.join(&sub);
        for entry in fs::read_dir(&here).with_context(|| format!("reading {}", here.display()))? {
            let entry = entry?;
            let rel = sub.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() && !NOT.iter().any(|n| rel == Path::new(n)) {
                todo.push(rel);
            } else if kind.is_file() && is_object(&rel) {
                found.insert(rel);
            }
        }
    }
    Ok(found)
}

fn is_object(path: &Path) -> bool {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
    name.ends_with(".o")
        && !name.ends_with(".mod.o")
        && !name.starts_with('.')
        && name != "vmlinux.o"
        && name != "built-in.o"
}

/// The code sections of an object by name; several of one name are numbered.
fn code(path: &Path) -> Result<BTreeMap<String, Code>> {
    let data = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let mut found = BTreeMap::new();
    // LLVM bitcode under the name of an object has no sections.
    let Ok(file) = object::File::parse(&*data) else {
        return Ok(found);
    };
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags } = section.flags() else {
            continue;
        };
        if sh_flags & u64::from(object::elf::SHF_EXECINSTR) == 0 {
            continue;
        }
        let mut relocations: Vec<(u64, String)> = section
            .relocations()
            .map(|(offset, r)| (offset, target(&file, &r.target())))
            .collect();
        relocations.sort();
        let mut name = section.name()?.to_owned();
        while found.contains_key(&name) {
            name.push('+');
        }
        found.insert(
            name,
            Code {
                bytes: section.data()?.to_vec(),
                relocations,
            },
        );
    }
    Ok(found)
}

/// What a relocation refers to; within a data section the place may move, the section may not.
fn target(file: &object::File<'_>, target: &RelocationTarget) -> String {
    let RelocationTarget::Symbol(index) = target else {
        return format!("{target:?}");
    };
    let Ok(symbol) = file.symbol_by_index(*index) else {
        return "?".to_owned();
    };
    let section = symbol
        .section_index()
        .and_then(|i| file.section_by_index(i).ok());
    match symbol.name() {
        Ok(name) if !name.is_empty() && !name.starts_with(".L") => name.to_owned(),
        _ => section
            .and_then(|s| s.name().ok().map(str::to_owned))
            .unwrap_or_default(),
    }
}

fn disassemble(objdump: &str, path: &Path) -> Result<Vec<String>> {
    let text = cmd::output(
        Command::new(objdump)
            .args(["-d", "-r", "--no-show-raw-insn", "--no-leading-addr"])
            .arg(path),
    )?;
    // The first lines name the file.
    Ok(text.lines().skip(3).map(str::to_owned).collect())
}

/// Whether two listings differ only in immediates that can be line numbers.
fn only_lines(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a != b && a.iter().zip(b).all(|(x, y)| x == y || is_line_move(x, y))
}

/// `movl $0x123, %esi` against the same with another small number.
fn is_line_move(a: &str, b: &str) -> bool {
    const MOST: u64 = 20_000;
    let split = |text: &str| -> Option<(String, u64, String)> {
        let (before, rest) = text.split_once('$')?;
        let digits = rest.strip_prefix("0x")?;
        let end = digits
            .find(|c: char| !c.is_ascii_hexdigit())
            .unwrap_or(digits.len());
        let value = u64::from_str_radix(&digits[..end], 16).ok()?;
        Some((before.trim().to_owned(), value, digits[end..].to_owned()))
    };
    let (Some((op, m, to)), Some((op2, n, to2))) = (split(a), split(b)) else {
        return false;
    };
    op.starts_with("mov") && op == op2 && to == to2 && m <= MOST && n <= MOST
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[&str]) -> Vec<String> {
        text.iter().map(|&l| l.to_owned()).collect()
    }

    #[test]
    fn line_numbers() {
        let a = lines(&["\tmovl\t$0x123, %esi", "\tcallq\tf"]);
        assert!(only_lines(
            &a,
            &lines(&["\tmovl\t$0x125, %esi", "\tcallq\tf"])
        ));
        assert!(!only_lines(
            &a,
            &lines(&["\tmovl\t$0x125, %edi", "\tcallq\tf"])
        ));
        assert!(!only_lines(
            &a,
            &lines(&["\tmovl\t$0x123, %esi", "\tcallq\tg"])
        ));
        assert!(!only_lines(
            &a,
            &lines(&["\taddl\t$0x125, %esi", "\tcallq\tf"])
        ));
        assert!(!only_lines(
            &a,
            &lines(&["\tmovl\t$0xffff0000, %esi", "\tcallq\tf"])
        ));
        assert!(!only_lines(&a, &a));
    }

    #[test]
    fn what_counts_as_an_object() {
        assert!(is_object(Path::new("mm/memory.o")));
        assert!(!is_object(Path::new("lib/test_hmm.mod.o")));
        assert!(!is_object(Path::new(".tmp_vmlinux1.kallsyms.o")));
        assert!(!is_object(Path::new("vmlinux.o")));
    }

    #[test]
    fn an_empty_comparison_is_no_success() {
        assert!(!Comparison::default().equal());
    }
}
