// SPDX-License-Identifier: GPL-2.0

//! The functions of a kernel, from its System.map.

use anyhow::{ensure, Context, Result};

/// Where user space ends, and what is the kernel's begins
const KERNEL: u64 = 1 << 63;

struct Symbol {
    address: u64,
    name: String,
}

/// By address.
pub struct Symbols(Vec<Symbol>);

impl Symbols {
    pub fn parse(map: &str) -> Result<Self> {
        let mut symbols = Vec::new();
        for line in map.lines() {
            let mut words = line.split_whitespace();
            let (Some(address), Some(kind), Some(name)) =
                (words.next(), words.next(), words.next())
            else {
                continue;
            };
            let address = u64::from_str_radix(address, 16)
                .with_context(|| format!("{line:?} is no line of a System.map"))?;
            if matches!(kind, "t" | "T" | "w" | "W") && address >= KERNEL {
                symbols.push(Symbol {
                    address,
                    name: name.to_owned(),
                });
            }
        }
        ensure!(!symbols.is_empty(), "the map names no function");
        symbols.sort_by_key(|symbol| symbol.address);
        Ok(Self(symbols))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn name(&self, number: usize) -> &str {
        self.0.get(number).map_or("?", |symbol| &symbol.name)
    }

    /// The number of the function that an address of the kernel is in.
    pub fn at(&self, address: u64) -> Option<usize> {
        self.0
            .partition_point(|symbol| symbol.address <= address)
            .checked_sub(1)
    }

    /// Whether a function begins here that takes a lock.
    pub fn takes_lock(&self, address: u64) -> bool {
        let first = self.0.partition_point(|symbol| symbol.address < address);
        self.0
            .iter()
            .skip(first)
            .take_while(|symbol| symbol.address == address)
            .any(|symbol| is_lock(&symbol.name))
    }
}

pub fn is_kernel(address: u64) -> bool {
    address >= KERNEL
}

fn is_lock(name: &str) -> bool {
    name.starts_with("_raw_") && name.contains("lock") && !name.contains("unlock")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
0000000000000000 A fixed_percpu_data
ffffffff81000000 T _text
ffffffff81000010 t do_fault
ffffffff81000020 T _raw_spin_lock
ffffffff81000030 T _raw_spin_unlock
ffffffff82000000 D jiffies
";

    #[test]
    fn functions() -> Result<()> {
        let symbols = Symbols::parse(MAP)?;
        let name = |address| symbols.at(address).map(|number| symbols.name(number));
        assert_eq!(symbols.len(), 4);
        assert_eq!(name(0xffff_ffff_8100_0000), Some("_text"));
        assert_eq!(name(0xffff_ffff_8100_001f), Some("do_fault"));
        assert_eq!(name(0xffff_ffff_8000_0000), None);
        Ok(())
    }

    #[test]
    fn locks() -> Result<()> {
        let symbols = Symbols::parse(MAP)?;
        assert!(symbols.takes_lock(0xffff_ffff_8100_0020));
        assert!(!symbols.takes_lock(0xffff_ffff_8100_0021));
        assert!(!symbols.takes_lock(0xffff_ffff_8100_0030));
        Ok(())
    }

    #[test]
    fn what_is_no_map() {
        assert!(Symbols::parse("").is_err());
        assert!(Symbols::parse("that is text").is_err());
    }
}
