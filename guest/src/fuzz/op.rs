// SPDX-License-Identifier: GPL-2.0

//! An operation and its text, one line: `17 T1 madvise(A+0x3000, 0x1000, MADV_DONTNEED)`.
//!
//! The part after the actor is C, but for what `A` and the names stand for. So one text serves to
//! hand a list to the guest, to show it, and to make a program of it.

use crate::symbol::{self, Symbol};
use crate::verb::{self, Verb};
use anyhow::{bail, ensure, Context, Result};
use std::fmt;
use std::str::FromStr;

/// Who acts: threads of one process, and children that it forked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Thread(usize),
    Child(usize),
}

pub const THREADS: usize = 3;
pub const CHILDREN: usize = 2;
pub const ACTORS: usize = THREADS + CHILDREN;

impl Actor {
    /// A number of its own among all actors.
    pub fn index(self) -> usize {
        match self {
            Self::Thread(n) => n,
            Self::Child(n) => THREADS + n,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Thread(n) => write!(f, "T{n}"),
            Self::Child(n) => write!(f, "C{n}"),
        }
    }
}

impl FromStr for Actor {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut chars = text.chars();
        let letter = chars.next();
        let number: usize = chars.as_str().parse()?;
        match letter {
            Some('T') if number < THREADS => Ok(Self::Thread(number)),
            Some('C') if number < CHILDREN => Ok(Self::Child(number)),
            _ => bail!("`{text}` is no actor"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    Number(u64),
    /// An address: so many bytes into the arena
    At(u64),
    /// Names, joined by "or"
    Names(Vec<Symbol>),
    /// The address of these words
    Words(Vec<Arg>),
}

impl From<u64> for Arg {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<Symbol> for Arg {
    fn from(symbol: Symbol) -> Self {
        Self::Names(vec![symbol])
    }
}

impl From<Vec<Symbol>> for Arg {
    fn from(symbols: Vec<Symbol>) -> Self {
        Self::Names(symbols)
    }
}

impl From<Vec<Arg>> for Arg {
    fn from(words: Vec<Arg>) -> Self {
        Self::Words(words)
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Number(n) if *n == u64::MAX => f.write_str("-1"),
            Self::Number(n) if *n < 10 => write!(f, "{n}"),
            Self::Number(n) => write!(f, "{n:#x}"),
            Self::At(offset) => write!(f, "A+{offset:#x}"),
            Self::Names(names) => {
                let names: Vec<&str> = names.iter().map(|symbol| symbol.name).collect();
                f.write_str(&names.join("|"))
            }
            Self::Words(words) => {
                f.write_str("{")?;
                list(f, words)?;
                f.write_str("}")
            }
        }
    }
}

fn list(f: &mut fmt::Formatter, args: &[Arg]) -> fmt::Result {
    for (n, arg) in args.iter().enumerate() {
        let comma = if n > 0 { ", " } else { "" };
        write!(f, "{comma}{arg}")?;
    }
    Ok(())
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub verb: Verb,
    pub args: Vec<Arg>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}(", self.verb)?;
        list(f, &self.args)?;
        f.write_str(")")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// Its number in the list that it was made for: it keeps it in what is left of that list
    pub id: u32,
    pub actor: Actor,
    pub call: Call,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {} {}", self.id, self.actor, self.call)
    }
}

impl FromStr for Op {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let parse = || {
            let mut parts = line.splitn(3, ' ');
            let mut part = || parts.next().context("it ends too early");
            let (id, actor, call) = (part()?.parse()?, part()?.parse()?, part()?);
            let (name, args) = call.split_once('(').context("no arguments")?;
            let mut rest = Rest(args);
            let op = Self {
                id,
                actor,
                call: Call {
                    verb: verb::by_name(name).with_context(|| format!("`{name}`?"))?,
                    args: rest.list(')')?,
                },
            };
            ensure!(rest.0.is_empty(), "`{}` is too much", rest.0);
            Ok(op)
        };
        parse().with_context(|| format!("no operation: {line}"))
    }
}

/// What is left to parse.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn eat(&mut self, what: char) -> bool {
        match self.0.strip_prefix(what) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> &'a str {
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let end = self.0.find(|c| !part(c)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        word
    }

    fn list(&mut self, end: char) -> Result<Vec<Arg>> {
        let mut args = Vec::new();
        while !self.eat(end) {
            if !args.is_empty() {
                ensure!(self.eat(','), "a comma is missing before `{}`", self.0);
                while self.eat(' ') {}
            }
            args.push(self.arg()?);
        }
        Ok(args)
    }

    fn arg(&mut self) -> Result<Arg> {
        if self.eat('{') {
            return Ok(Arg::Words(self.list('}')?));
        }
        let word = self.word();
        if word == "A" {
            ensure!(self.eat('+'), "an address is A+0x1000");
            return Ok(Arg::At(number(self.word())?));
        }
        if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return Ok(Arg::Number(number(word)?));
        }
        let symbol = |name| symbol::by_name(name).with_context(|| format!("`{name}`?"));
        let mut names = vec![symbol(word)?];
        while self.eat('|') {
            names.push(symbol(self.word())?);
        }
        Ok(Arg::Names(names))
    }
}

fn number(word: &str) -> Result<u64> {
    if word == "-1" {
        return Ok(u64::MAX);
    }
    let parsed = match word.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => word.parse(),
    };
    parsed.with_context(|| format!("`{word}` is no number"))
}

/// A list, one operation a line.
#[cfg(test)]
pub fn parse(text: &str) -> Result<Vec<Op>> {
    text.lines()
        .filter(|line| !line.is_empty())
        .map(str::parse)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() -> Result<()> {
        for line in [
            "17 T1 madvise(A+0x3000, 0x1000, MADV_DONTNEED)",
            "0 C1 ioctl(U0, UFFDIO_COPY, {A+0x0, A+0x2000, 0x1000, 0, 0})",
            "3 T0 mmap(A+0x0, 0x1000, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED, F1, 0)",
            "4 T0 mmap(A+0x0, 0x1000, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)",
            "5 T2 munlockall()",
            "6 T2 process_vm_readv(0, {A+0x0, 8}, 1, {A+0x1000, 8}, 1, 0)",
        ] {
            assert_eq!(line.parse::<Op>()?.to_string(), line);
        }
        Ok(())
    }

    #[test]
    fn what_is_no_operation() {
        for line in [
            "",
            "x T0 munlockall()",
            "1 T9 munlockall()",
            "1 T0 no_such_call()",
            "1 T0 munlockall(",
            "1 T0 munlockall() ",
            "1 T0 load(B+0x1000)",
            "1 T0 load(A)",
            "1 T0 munmap(A+0x0 0x1000)",
            "1 T0 load(0xg)",
        ] {
            assert!(line.parse::<Op>().is_err(), "{line}");
        }
    }
}
