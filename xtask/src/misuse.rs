// SPDX-License-Identifier: GPL-2.0

//! What must not compile: samples of misuse, in `tools/testing/refused`, given to rustc as the kernel
//! gives it our own crate, against the metadata of the kernel crate as it was built.
//!
//! The kernel's doctests know no `compile_fail`. A sample says by which error it is refused, so that
//! one which is refused for another reason, such as a name that has changed, fails the step. One that
//! is accepted shows that samples can be.

use crate::build::{self, Variant};
use crate::children;
use crate::paths::Paths;
use crate::scratch;
use anyhow::{ensure, Context, Result};
use regex::Regex;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: &str = "Documentation/mm/page_table_misuse.rst";

/// What is to become of a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Accepted,
    /// By an error with this number.
    Refused(String),
}

impl Fate {
    /// As a sample says it.
    fn told(text: &str) -> Result<Self> {
        let line = Regex::new(r"(?m)^// (accepted|refused: (E\d{4}))$")?;
        let told = line
            .captures(text)
            .context("it does not say what is to become of it")?;
        Ok(match told.get(2) {
            Some(error) => Self::Refused(error.as_str().to_owned()),
            None => Self::Accepted,
        })
    }

    /// What is wrong, if rustc said this.
    fn complaint(&self, accepted: bool, said: &str) -> Option<String> {
        match self {
            Self::Accepted if accepted => None,
            Self::Accepted => Some(format!("refused:\n{said}")),
            Self::Refused(_) if accepted => Some("accepted".to_owned()),
            Self::Refused(error) => {
                let others: Vec<&str> = said
                    .split("error[")
                    .skip(1)
                    .filter_map(|rest| rest.split(']').next())
                    .filter(|other| other != error)
                    .collect();
                let found = said.contains(&format!("error[{error}]"));
                (!found || !others.is_empty())
                    .then(|| format!("refused, but not by {error} alone:\n{said}"))
            }
        }
    }
}

/// The words of the command by which our crate was compiled, up to its source.
fn command(text: &str) -> Result<Vec<String>> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("savedcmd_"))
        .and_then(|line| line.split_once(":= "))
        .context("there is no command")?
        .1;
    let first = line.split(';').next().unwrap_or(line);
    // make doubles what it would replace.
    let mut words = shlex::split(&first.replace("$$", "$")).context("a quote is not closed")?;
    ensure!(
        words.pop().is_some_and(|source| source.ends_with(".rs")),
        "the last word is no source"
    );
    words.retain(|word| !word.starts_with("--emit="));
    // rustc takes it once.
    if let Some(at) = words.iter().position(|word| word == "--out-dir") {
        words.drain(at..words.len().min(at + 2));
    }
    Ok(words)
}

fn samples(paths: &Paths) -> Result<Vec<PathBuf>> {
    let dir = paths.root.join("tools/testing/refused");
    let mut all: Vec<PathBuf> = fs::read_dir(&dir)
        .with_context(|| format!("reading {}", dir.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    all.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    all.sort();
    Ok(all)
}

/// Compile a sample; returns what is wrong about how that went.
fn check(build: &Path, words: &[String], sample: &Path) -> Result<Option<String>> {
    let text = fs::read_to_string(sample)?;
    let fate = Fate::told(&text)?;
    ensure!(
        text.contains("#![forbid(unsafe_code)]"),
        "it does not forbid unsafe code"
    );
    let out = scratch::dir("misuse")?;
    // Variables come first.
    let mut rustc = Command::new("env");
    rustc
        .current_dir(build)
        // As the kernel's Makefile does.
        .env("RUSTC_BOOTSTRAP", "1")
        .args(words)
        .arg("--emit=metadata")
        .arg("--out-dir")
        .arg(out.path())
        .arg(sample);
    let done = children::output(&mut rustc)?;
    let said = String::from_utf8_lossy(&done.stderr);
    Ok(fate.complaint(done.status.success(), &said))
}

/// The samples that the documentation does not name.
fn unnamed(page: &str, samples: &[PathBuf]) -> Vec<String> {
    samples
        .iter()
        .filter_map(|sample| Some(sample.file_stem()?.to_string_lossy().into_owned()))
        .filter(|name| name != "accepted" && !page.contains(&format!("(``{name}``)")))
        .collect()
}

/// Give all samples to rustc.
pub fn run(paths: &Paths) -> Result<String> {
    let build = build::build_dir(paths, Variant::Freepte)?;
    let file = build.join("freepte/mm/.freepte.o.cmd");
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let words = command(&text).with_context(|| format!("in {}", file.display()))?;
    let samples = samples(paths)?;
    ensure!(!samples.is_empty(), "there are no samples");
    let page = fs::read_to_string(paths.root.join(PAGE)).context(PAGE)?;
    let unnamed = unnamed(&page, &samples);
    ensure!(unnamed.is_empty(), "not in {PAGE}: {}", unnamed.join(", "));
    let mut wrong = Vec::new();
    for sample in &samples {
        let name = sample.strip_prefix(&paths.root).unwrap_or(sample).display();
        let found = check(&build, &words, sample).with_context(|| format!("in {name}"))?;
        wrong.extend(found.map(|text| format!("{name}: {text}")));
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(format!("{} samples", samples.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fates() -> Result<()> {
        assert_eq!(Fate::told("// x\n// accepted\n")?, Fate::Accepted);
        let refused = Fate::told("//! y\n// refused: E0499\nfn f() {}\n")?;
        assert_eq!(refused, Fate::Refused("E0499".to_owned()));
        assert!(Fate::told("// refused: because\n").is_err());

        assert_eq!(refused.complaint(false, "error[E0499]: twice"), None);
        for (accepted, said) in [
            (true, ""),
            (false, "error[E0432]: unresolved"),
            (false, "error[E0499]: twice\nerror[E0432]: unresolved"),
            (false, "error: something"),
        ] {
            assert!(refused.complaint(accepted, said).is_some(), "{said}");
        }
        assert_eq!(Fate::Accepted.complaint(true, ""), None);
        assert!(Fate::Accepted.complaint(false, "error[E0499]").is_some());
        Ok(())
    }

    #[test]
    fn all_are_named() {
        let samples = ["a/two.rs", "a/accepted.rs", "a/three.rs"].map(PathBuf::from);
        assert_eq!(unnamed("Both (``two``)\n", &samples), ["three"]);
    }

    #[test]
    fn the_command_of_the_crate() -> Result<()> {
        let text = "savedcmd_a/b.o := X=/y rustc --edition=2021 -Zcrate-attr='feature(a,b)' \
                    --out-dir a/ --emit=dep-info=a/.b.d --emit=llvm-bc=a/b.bc ../a/b.rs ;llvm-link b\n\n\
                    source_a/b.o := x\n";
        assert_eq!(
            command(text)?,
            [
                "X=/y",
                "rustc",
                "--edition=2021",
                "-Zcrate-attr=feature(a,b)"
            ]
        );
        assert!(command("savedcmd_a/b.o := cc -c b.c\n").is_err());
        assert!(command("").is_err());
        Ok(())
    }
}
