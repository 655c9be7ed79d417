// SPDX-License-Identifier: GPL-2.0

//! Each replacement of C by Rust has its own symbol in Kconfig, with a default. The variants name
//! them: a build in which one of them is off fails, as any request does that is not honoured.

use crate::kconfig;
use std::collections::BTreeMap;

/// Ask for a symbol of a Kconfig file to be off, and no longer for what depends on it.
pub fn switch_off(kconfig: &str, symbol: &str, config: &mut kconfig::Options) {
    let needs = dependencies(kconfig);
    let mut gone = vec![symbol.to_owned()];
    let mut n = 0;
    while let Some(symbol) = gone.get(n).cloned() {
        config.remove(&symbol);
        let of_it = needs.iter().filter(|(_, words)| words.contains(&symbol));
        for (dependent, _) in of_it {
            if !gone.contains(dependent) {
                gone.push(dependent.clone());
            }
        }
        n += 1;
    }
    config.insert(symbol.to_owned(), "n".to_owned());
}

/// What each symbol of a Kconfig file depends on; what has to be off for it is left out.
fn dependencies(kconfig: &str) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    let mut current = None;
    for line in kconfig.lines() {
        if let Some(symbol) = line.strip_prefix("config ") {
            current = Some(symbol.trim().to_owned());
        } else if let (Some(symbol), Some(needs)) =
            (&current, line.trim_start().strip_prefix("depends on "))
        {
            let words = needs
                .split(|c: char| c.is_whitespace() || "()&|".contains(c))
                .filter(|word| !word.is_empty() && !word.starts_with('!'));
            all.entry(symbol.clone())
                .or_insert_with(Vec::new)
                .extend(words.map(str::to_owned));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::Paths;
    use anyhow::Result;
    use std::fs;

    /// Which of the symbols of a Kconfig file that start with RUST_ a fragment does not ask for.
    ///
    /// RUST_MM_TWINS replaces nothing.
    fn unpinned(kconfig: &str, fragment: &str) -> Vec<String> {
        let pinned = kconfig::parse(fragment);
        kconfig
            .lines()
            .filter_map(|line| line.strip_prefix("config "))
            .map(str::trim)
            .filter(|symbol| symbol.starts_with("RUST_") && *symbol != "RUST_MM_TWINS")
            .filter(|symbol| pinned.get(*symbol).map(String::as_str) != Some("y"))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn replacements_are_pinned() -> Result<()> {
        let root = Paths::discover()?.root;
        let kconfig = fs::read_to_string(root.join("Kconfig"))?;
        let fragment = fs::read_to_string(root.join("configs/freepte.config"))?;
        assert_eq!(unpinned(&kconfig, &fragment), Vec::<String>::new());
        // Or the test has no Kconfig file to look at.
        assert_ne!(unpinned(&kconfig, ""), Vec::<String>::new());
        Ok(())
    }

    #[test]
    fn what_is_not_pinned_is_found() {
        let kconfig = "config RUST_A\n\tbool \"a\"\n\nconfig RUST_MM_TWINS\n\tbool\n\n\
            config RUST_B\n\tdepends on RUST_A\n\nconfig OTHER\n\tbool\n";
        assert_eq!(
            unpinned(kconfig, "CONFIG_RUST_A=y\n# CONFIG_RUST_B is not set\n"),
            ["RUST_B"]
        );
        assert_eq!(unpinned(kconfig, "CONFIG_RUST_A=y\n"), ["RUST_B"]);
        assert!(unpinned(kconfig, "CONFIG_RUST_A=y\nCONFIG_RUST_B=y\n").is_empty());
    }

    #[test]
    fn what_depends_on_it_goes_along() {
        let kconfig = "config A\n\tdepends on X\nconfig B\n\tdepends on (A && Y)\n\
            config C\n\tbool \"c\"\n\tdepends on B\nconfig D\n\tdepends on !A\n";
        let pins = "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\nCONFIG_D=y\nCONFIG_Y=y\n";
        let mut config = kconfig::parse(pins);
        switch_off(kconfig, "A", &mut config);
        let wanted = kconfig::parse("CONFIG_A=n\nCONFIG_D=y\nCONFIG_Y=y\n");
        assert_eq!(config, wanted);
    }

    #[test]
    fn each_replacement_can_be_switched_off() -> Result<()> {
        let root = Paths::discover()?.root;
        let kconfig = fs::read_to_string(root.join("Kconfig"))?;
        let fragment = fs::read_to_string(root.join("configs/freepte.config"))?;
        let mut config = kconfig::parse(&fragment);
        switch_off(&kconfig, "RUST_PAGEWALK", &mut config);
        assert!(config
            .get("RUST_PAGEWALK")
            .is_some_and(|value| value == "n"));
        assert!(!config.contains_key("RUST_PAGE_READERS"));
        assert!(config.get("RUST_GUP").is_some_and(|value| value == "y"));
        Ok(())
    }
}
