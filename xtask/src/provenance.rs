// SPDX-License-Identifier: GPL-2.0

//! Where figures come from: the tree, the compilers and the machine that they were measured with.

mod tools;

pub use tools::Tools;

use crate::build::Kernel;
use crate::cmd;
use crate::inputs::Inputs;
use crate::kvm;
use crate::paths::Paths;
use anyhow::{ensure, Result};
use serde::{Deserialize, Serialize};
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Folders and files that figures do not depend on, and that what is said of them is written to:
/// a commit that changes nothing else has the figures of the one before.
const OF_FIGURES: &[&str] = &["Documentation", "README.md"];

/// Written beside figures, in the file that they are kept in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// UTC, as in 2026-01-31 12:00
    pub date: String,
    /// The command that measures the same again
    pub command: String,
    /// Of the repository, with "+" when files differed from it; empty outside of one
    pub commit: String,
    /// What the kernels were made from and with
    #[serde(flatten)]
    pub tools: Tools,
    /// "QEMU emulator version 7.2.19 (...)"
    pub qemu: String,
    /// "TCG" or "KVM": what ran all that is not counted in instructions
    pub accelerator: String,
    /// The host's processor
    pub processor: String,
    /// Of the tree, and of what measured
    #[serde(default)]
    pub inputs: Inputs,
}

impl Provenance {
    /// That of figures which are measured now, on these kernels.
    pub fn now(paths: &Paths, kernels: &[Kernel]) -> Result<Self> {
        Ok(Self {
            date: cmd::output(Command::new("date").args(["-u", "+%F %H:%M"]))?
                .trim()
                .to_owned(),
            command: command(),
            commit: commit(&paths.root),
            tools: Tools::here(paths)?,
            qemu: tools::first_line(Command::new(kvm::qemu()?).arg("--version"))?,
            accelerator: if kvm::works(paths)? { "KVM" } else { "TCG" }.to_owned(),
            processor: processor(),
            inputs: Inputs::of_figures(paths, kernels)?,
        })
    }

    /// Whether figures that a file holds are of the tree that has these inputs.
    pub fn check(&self, file: &str, now: &Inputs) -> Result<()> {
        ensure!(
            self.inputs.hash().is_some(),
            "{file} does not say which tree it is of"
        );
        let changed = now.changed(&self.inputs);
        ensure!(
            changed.is_empty(),
            "{file} is of commit {}; changed since: {}",
            self.commit,
            changed.join(", ")
        );
        Ok(())
    }

    /// Whether a commit holds all that was measured.
    pub fn is_committed(&self) -> bool {
        !self.commit.is_empty() && !self.commit.ends_with('+')
    }
}

/// Our own command line, as it was typed.
fn command() -> String {
    let words: Vec<String> = env::args().skip(1).collect();
    let words = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default();
    format!("cargo xtask {words}")
}

fn commit(root: &Path) -> String {
    let git = |args: &[&str]| cmd::try_output(Command::new("git").arg("-C").arg(root).args(args));
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return String::new();
    };
    let not: Vec<String> = OF_FIGURES
        .iter()
        .map(|f| format!(":(exclude){f}"))
        .collect();
    let status = ["status", "--porcelain", "--", "."];
    let args: Vec<&str> = status
        .into_iter()
        .chain(not.iter().map(String::as_str))
        .collect();
    let clean = git(&args).is_some_and(|text| text.is_empty());
    format!("{}{}", commit.trim(), if clean { "" } else { "+" })
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown", |(_, model)| model.trim());
    format!("{model}, {} processors", cmd::cpus())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(json: &str) -> Result<Inputs> {
        Ok(serde_json::from_str(json)?)
    }

    #[test]
    fn figures_of_another_tree_are_refused() -> Result<()> {
        let now = inputs(r#"{"fs": "1", "guest": "2", "mm": "3"}"#)?;
        let mut provenance = Provenance {
            commit: "0123456789ab".to_owned(),
            inputs: now.clone(),
            ..Provenance::default()
        };
        let check = |provenance: &Provenance| {
            let result = provenance.check("report.json", &now);
            result.err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert_eq!(check(&provenance), "");
        provenance.inputs = inputs(r#"{"fs": "1", "guest": "0", "mm": "0"}"#)?;
        assert_eq!(
            check(&provenance),
            "report.json is of commit 0123456789ab; changed since: guest, mm"
        );
        provenance.inputs = Inputs::default();
        assert_eq!(
            check(&provenance),
            "report.json does not say which tree it is of"
        );
        Ok(())
    }

    #[test]
    fn only_what_figures_depend_on_makes_a_tree_dirty() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let root = dir.path();
        assert_eq!(commit(root), "");
        let git = |args: &[&str]| {
            let mut git = Command::new("git");
            git.arg("-C").arg(root);
            for setting in ["user.name=x", "user.email=x@y", "commit.gpgsign=false"] {
                git.args(["-c", setting]);
            }
            cmd::output(git.args(args))
        };
        fs::create_dir(root.join("mm"))?;
        for file in ["mm/a.rs", "README.md"] {
            fs::write(root.join(file), "1")?;
        }
        git(&["init", "-q"])?;
        git(&["add", "."])?;
        git(&["commit", "-q", "-m", "x"])?;
        let clean = commit(root);
        assert_eq!(clean.len(), 12);
        fs::write(root.join("README.md"), "2")?;
        assert_eq!(commit(root), clean);
        fs::write(root.join("mm/a.rs"), "2")?;
        assert_eq!(commit(root), format!("{clean}+"));
        Ok(())
    }
}
