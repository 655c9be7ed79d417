// SPDX-License-Identifier: GPL-2.0

//! A list as a program in C, for who has no use for this one.

use crate::arena::{BASE, END};
use crate::op::{Actor, Arg, Call, Op};
use crate::symbol::{Meaning, Symbol};
use crate::verb::Verb;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

const PRELUDE: &str = include_str!("prelude.c");

/// An argument; in C, words need to be told what they are.
struct C<'a>(&'a Arg);

impl fmt::Display for C<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            Arg::At(offset) => write!(f, "A + {offset:#x}"),
            Arg::Names(names) => {
                let names: Vec<&str> = names.iter().map(|symbol| symbol.name).collect();
                f.write_str(&names.join(" | "))
            }
            Arg::Words(words) => {
                f.write_str("WORDS(")?;
                for (n, word) in words.iter().enumerate() {
                    let comma = if n > 0 { ", " } else { "" };
                    write!(f, "{comma}{}", C(word))?;
                }
                f.write_str(")")
            }
            number => write!(f, "{number}"),
        }
    }
}

fn statement(call: &Call) -> String {
    let args: Vec<String> = call.args.iter().map(|arg| C(arg).to_string()).collect();
    let args = args.join(", ");
    match call.verb.number() {
        // A compound literal is not empty.
        Some(_) if args.is_empty() => format!("SYS({}, 0);", call.verb),
        Some(_) => format!("SYS({}, {args});", call.verb),
        None => format!("{}({args});", call.verb),
    }
}

fn numbers(arg: &Arg, found: &mut BTreeMap<&'static str, u64>) {
    match arg {
        Arg::Names(names) => {
            for Symbol { name, meaning } in names {
                if let Meaning::Number(number) = meaning {
                    found.insert(name, *number);
                }
            }
        }
        Arg::Words(words) => words.iter().for_each(|word| numbers(word, found)),
        Arg::Number(_) | Arg::At(_) => {}
    }
}

/// What the headers of an older C library may not know.
fn definitions(list: &[Op]) -> String {
    let mut text = String::new();
    let mut define = |name: &str, value: String| {
        let _ = writeln!(text, "#ifndef {name}\n#define {name} {value}\n#endif");
    };
    let mut names = BTreeMap::new();
    let mut calls: BTreeMap<&str, i64> = BTreeMap::new();
    for op in list {
        op.call.args.iter().for_each(|arg| numbers(arg, &mut names));
        if let Some(number) = op.call.verb.number() {
            calls.insert(op.call.verb.name(), number);
        }
    }
    for (name, value) in names {
        // Descriptors of ours are negative numbers.
        define(name, (value as i64).to_string());
    }
    for (name, number) in calls {
        define(&format!("SYS_{name}"), number.to_string());
    }
    text
}

/// Straight on if one thread does it all; otherwise a function for each step of somebody else.
pub fn c_program(list: &[Op]) -> String {
    let mut steps = String::new();
    let mut main = String::new();
    for op in list {
        let statement = statement(&op.call);
        if op.actor == Actor::Thread(0) {
            let _ = writeln!(main, "\tnumber = {};\n\t{statement}", op.id);
        } else {
            let id = op.id;
            let _ = writeln!(
                steps,
                "static void step_{id}(void)\n{{\n\t{statement}\n}}\n"
            );
            let _ = writeln!(main, "\ton({}, {id}, step_{id});", op.actor);
        }
    }
    let prelude = PRELUDE.replace("ARENA_END", &format!("{END:#x}"));
    let defines = definitions(list);
    format!(
        "{prelude}\n{defines}#define A {BASE:#x}UL\n\n{steps}int main(void)\n{{\n\tstart();\n\
         {main}\tfinish();\n\treturn 0;\n}}\n"
    )
}

/// Whether a program of it needs more than a kernel: an ext4, two nodes.
pub fn needs(list: &[Op]) -> Vec<&'static str> {
    let uses = |name: &str| list.iter().any(|op| op.to_string().contains(name));
    let nodes = |op: &Op| matches!(op.call.verb, Verb::MovePages | Verb::Mbind);
    let mut needs = Vec::new();
    if uses("F3") {
        needs.push("FUZZ_EXT4=DIRECTORY in the environment, on ext4");
    }
    if list.iter().any(nodes) {
        needs.push("numa=fake=2 on the kernel's command line");
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gen::Gen;
    use crate::op;
    use anyhow::{ensure, Result};
    use std::process::Command;

    /// gcc has nothing to say against it.
    fn compiles(program: &str) -> Result<()> {
        let dir = tempfile::tempdir()?;
        let source = dir.path().join("reproduce.c");
        std::fs::write(&source, program)?;
        let done = Command::new("gcc")
            .args(["-Wall", "-Wextra", "-Werror", "-O2", "-pthread", "-o"])
            .arg(dir.path().join("reproduce"))
            .arg(&source)
            .output()?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "{said}");
        Ok(())
    }

    #[test]
    fn every_operation_is_c() -> Result<()> {
        let list: Vec<Op> = (0..4)
            .flat_map(|seed| Gen::new(seed).list(300))
            .enumerate()
            .map(|(id, op)| Op {
                id: id as u32,
                ..op
            })
            .collect();
        compiles(&c_program(&list))
    }

    #[test]
    fn one_thread_goes_straight_on() -> Result<()> {
        let list = op::parse(
            "7 T0 madvise(A+0x1000, 0x2000, MADV_DONTNEED)\n\
             9 T0 ioctl(U0, UFFDIO_UNREGISTER, {A+0x0, 0x1000})\n\
             12 T0 munlockall()\n",
        )?;
        let program = c_program(&list);
        assert!(program.contains("\tSYS(madvise, A + 0x1000, 0x2000, MADV_DONTNEED);\n"));
        assert!(program.contains("\tSYS(ioctl, U0, UFFDIO_UNREGISTER, WORDS(A + 0x0, 0x1000));\n"));
        assert!(!program.contains("step_"));
        compiles(&program)
    }

    #[test]
    fn others_have_steps() -> Result<()> {
        let list = op::parse("1 T0 fork_child(0)\n2 C0 load(A+0x0)\n3 T1 pause_ms(1)\n")?;
        let program = c_program(&list);
        assert!(program.contains("\ton(C0, 2, step_2);\n"), "{program}");
        compiles(&program)
    }
}
