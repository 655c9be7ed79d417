// SPDX-License-Identifier: GPL-2.0

//! What figures come from: the images of some kernels, and the programs that measure them.

use super::{lockfile, Inputs};
use crate::build::Kernel;
use crate::paths::{short_hash, Paths};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// What measures, besides the crates that it is built from.
///
/// Not among it: bars, which judge figures and do not make them; Documentation and the README,
/// which quote figures, so that the commit that brings them has the hashes of the one that was
/// measured; how a guest is started, as the gate measures what that changes; and the compiler of
/// the guest's programs, which are the same for both kernels.
const MEASURING: &[&str] = &[
    "guest",
    "Cargo.toml",
    ".cargo",
    "xtask/src/bench/measure.rs",
    "xtask/src/bench/measure",
];

impl Inputs {
    /// All that figures of these kernels depend on, as it is now.
    pub fn of_figures(paths: &Paths, kernels: &[Kernel]) -> Result<Self> {
        let mut all = Self::default();
        for kernel in kernels {
            all.join(&kernel.name(), Self::of(paths, kernel)?);
        }
        all.add_measuring(&paths.root)?;
        Ok(all)
    }

    /// Kernels of one tree differ in their configurations only.
    fn join(&mut self, kernel: &str, mut parts: Self) {
        if let Some(hash) = parts.0.remove("configuration") {
            self.0.insert(format!("configuration of {kernel}"), hash);
        }
        self.0.append(&mut parts.0);
    }

    fn add_measuring(&mut self, root: &Path) -> Result<()> {
        self.add_files(root, MEASURING)?;
        let lock = fs::read_to_string(root.join("Cargo.lock")).context("reading Cargo.lock")?;
        self.set("Cargo.lock", &lockfile::packages(&lock, "guest")?);
        Ok(())
    }

    /// One hash of all parts, if there are any.
    pub fn hash(&self) -> Option<String> {
        let lines = self.0.iter().map(|(name, hash)| format!("{name} {hash}\n"));
        (!self.0.is_empty()).then(|| short_hash(&lines.collect::<String>()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::OVERLAY;
    use super::*;
    use crate::cmd;
    use std::process::Command;

    fn write(root: &Path, name: &str, text: &str) -> Result<()> {
        let file = root.join(name);
        if let Some(dir) = file.parent() {
            fs::create_dir_all(dir)?;
        }
        Ok(fs::write(file, text)?)
    }

    fn tree() -> Result<tempfile::TempDir> {
        let dir = tempfile::tempdir()?;
        for file in [
            "guest/src/lib.rs",
            "Cargo.toml",
            ".cargo/config.toml",
            "xtask/src/bench/measure.rs",
            "xtask/src/bench/measure/rows.rs",
        ] {
            write(dir.path(), file, "")?;
        }
        let lock = "version = 4\n[[package]]\nname = \"guest\"\nversion = \"0.1.0\"\n";
        write(dir.path(), "Cargo.lock", lock)?;
        Ok(dir)
    }

    fn inputs(dir: &tempfile::TempDir) -> Result<Inputs> {
        let mut inputs = Inputs::default();
        inputs.add_measuring(dir.path())?;
        Ok(inputs)
    }

    #[test]
    fn what_measures_counts_wherever_it_is() -> Result<()> {
        let before = inputs(&tree()?)?;
        assert_eq!(before, inputs(&tree()?)?);
        for (file, part) in [
            ("guest/src/bench/rows/new.rs", "guest"),
            ("xtask/src/bench/measure/rows.rs", "xtask/src/bench/measure"),
            ("xtask/src/bench/measure.rs", "xtask/src/bench/measure.rs"),
            ("Cargo.toml", "Cargo.toml"),
        ] {
            let dir = tree()?;
            write(dir.path(), file, "changed")?;
            let after = inputs(&dir)?;
            assert_eq!(before.changed(&after), [part]);
            assert_ne!(before.hash(), after.hash());
        }
        Ok(())
    }

    #[test]
    fn what_quotes_and_judges_does_not_count() -> Result<()> {
        let dir = tree()?;
        let before = inputs(&dir)?;
        for file in [
            "README.md",
            "Documentation/bench/report.json",
            "configs/bars.toml",
            "xtask/src/bench/gate.rs",
            "xtask/src/bench/report/page.rs",
        ] {
            write(dir.path(), file, "changed")?;
        }
        assert_eq!(before.hash(), inputs(&dir)?.hash());
        Ok(())
    }

    #[test]
    fn kernels_have_configurations_of_their_own() {
        let kernel = |config: &str| {
            let mut parts = Inputs::default();
            parts.set("configuration", config);
            parts.set("clang", "22");
            parts
        };
        let mut all = Inputs::default();
        all.join("stock", kernel("a"));
        all.join("freepte", kernel("b"));
        let names: Vec<&String> = all.0.keys().collect();
        assert_eq!(
            names,
            [
                "clang",
                "configuration of freepte",
                "configuration of stock"
            ]
        );
        assert_eq!(Inputs::default().hash(), None);
    }

    /// A folder that is new goes into the images, or it does not: that has to be said.
    #[test]
    fn each_folder_counts_or_does_not() -> Result<()> {
        const NOT: &[&str] = &[".ci", "Documentation", "configs", "tools", "xtask"];
        let root = Paths::discover()?.root;
        let git = ["ls-tree", "-d", "--name-only", "HEAD"];
        // Without git there is nothing that tells files of ours from others.
        let folders = cmd::try_output(Command::new("git").arg("-C").arg(root).args(git));
        for folder in folders.unwrap_or_default().lines() {
            let known = [OVERLAY, MEASURING, NOT].concat();
            assert!(known.contains(&folder), "{folder}");
        }
        Ok(())
    }
}
