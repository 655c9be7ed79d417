// SPDX-License-Identifier: GPL-2.0

//! KUnit runs at boot and tells its results on the console. What has to be among them is found in
//! the sources: a test that was not built, or not registered, is not missed by any list.

mod cfg;
mod examples;
mod modules;

use crate::build::{self, Variant};
use crate::kconfig::{self, Options};
use crate::ksft;
use crate::ktap::{Parser, Report};
use crate::paths::Paths;
use crate::skips::{self, Occasion, Suite};
use anyhow::{bail, ensure, Context, Result};
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

/// The tests that have to run, as "suite: test".
type Wanted = BTreeSet<String>;

/// How it went, when all is well.
#[derive(Debug)]
pub struct Summary {
    /// Of our own tests
    ours: usize,
    all: String,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} of them ours", self.all, self.ours)
    }
}

/// See that all of our KUnit tests ran on a kernel that was built here, and that none failed.
pub fn check(paths: &Paths, console: &str, kernel: Variant) -> Result<Summary> {
    let file = build::build_dir(paths, kernel)?.join(".config");
    let config =
        fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let wanted = wanted(&paths.root, &kconfig::parse(&config))?;
    let report = Parser::new()?.parse(console);
    let summary = judge(&wanted, &report)?;
    let occasion = Occasion {
        suite: Suite::Kunit,
        kernel,
        append: &[],
        whole: true,
    };
    skips::check(paths, &occasion, &report)?;
    Ok(summary)
}

/// What the sources have for a kernel of this configuration.
fn wanted(root: &Path, config: &Options) -> Result<Wanted> {
    let has = |symbol: &str| config.get(symbol).is_some_and(|value| value == "y");
    ensure!(has("KUNIT"), "this kernel has no KUnit");
    let found = modules::find(root, config)?;
    let mut wanted = found.tests;
    if has("RUST_KERNEL_DOCTESTS") {
        wanted.extend(found.examples);
    }
    ensure!(!wanted.is_empty(), "the sources have no KUnit test");
    Ok(wanted)
}

fn judge(wanted: &Wanted, report: &Report) -> Result<Summary> {
    let failed = report.failed();
    if !failed.is_empty() {
        bail!("{} failed\n{}", failed.len(), report.explain(failed));
    }
    let missing: Vec<&str> = wanted
        .iter()
        .map(String::as_str)
        .filter(|name| !report.results.contains_key(*name))
        .collect();
    ensure!(
        missing.is_empty(),
        "{} of our {} tests did not run:\n  {}",
        missing.len(),
        wanted.len(),
        missing.join("\n  ")
    );
    Ok(Summary {
        ours: wanted.len(),
        all: ksft::summary(&report.results),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree with a crate, a suite in a file that depends on two symbols, and an example.
    fn tree() -> Result<tempfile::TempDir> {
        let dir = tempfile::tempdir()?;
        for (path, text) in [
            (
                "mm/top.rs",
                "#[cfg(CONFIG_A)]\nmod a;\n#[path = \"../fs/far.rs\"]\nmod far;\n",
            ),
            (
                "mm/a.rs",
                "#[cfg(all(CONFIG_KUNIT, not(CONFIG_B)))]\nmod tests;\n",
            ),
            (
                "mm/a/tests.rs",
                "fn helps() {}\n#[kernel::prelude::kunit_tests(suite_a)]\nmod tests {\n    \
                 fn no_test() {}\n    #[test]\n    fn one() {}\n    #[test]\n    \
                 fn two() -> Result {\n        Ok(())\n    }\n    #[test]\n    \
                 #[cfg(CONFIG_C)]\n    fn three() {}\n}\n",
            ),
            (
                "fs/far.rs",
                "#[kunit_tests(suite_far)]\nmod tests {\n    #[test]\n    fn four() {}\n}\n",
            ),
            (
                "rust/kernel/mm/x/mod.rs",
                "//! ```\n//! one();\n//! ```\nmod y;\n/// ```text\n/// none\n/// ```\n\
                 pub struct X;\n#[cfg(CONFIG_C)]\n/// ```\n/// two();\n/// ```\npub struct Y;\n",
            ),
            (
                "rust/kernel/mm/x/y.rs",
                "impl Y {\n    /// ```ignore\n    /// none\n    /// ```\n    fn f() {}\n    \
                 /// ```\n    /// one();\n    /// ```\n    fn g() {}\n}\n",
            ),
        ] {
            let file = dir.path().join(path);
            fs::create_dir_all(file.parent().context("a file in a folder")?)?;
            fs::write(file, text)?;
        }
        Ok(dir)
    }

    fn names(config: &str) -> Result<Vec<String>> {
        let dir = tree()?;
        let wanted = wanted(dir.path(), &kconfig::parse(config))?;
        Ok(wanted.into_iter().collect())
    }

    #[test]
    fn suites_are_found_in_the_sources() -> Result<()> {
        assert_eq!(
            names("CONFIG_KUNIT=y\nCONFIG_A=y\n")?,
            ["suite_a: one", "suite_a: two", "suite_far: four"]
        );
        assert_eq!(
            names("CONFIG_KUNIT=y\nCONFIG_A=y\nCONFIG_C=m\n")?,
            [
                "suite_a: one",
                "suite_a: three",
                "suite_a: two",
                "suite_far: four"
            ]
        );
        for without in ["", "CONFIG_A=y\nCONFIG_B=y\n"] {
            assert_eq!(
                names(&format!("CONFIG_KUNIT=y\n{without}"))?,
                ["suite_far: four"]
            );
        }
        assert!(names("CONFIG_A=y\n").is_err());
        Ok(())
    }

    #[test]
    fn examples_are_tests() -> Result<()> {
        let doctests = "CONFIG_KUNIT=y\nCONFIG_RUST_KERNEL_DOCTESTS=y\n";
        let example = |name: &str| format!("rust_doctests_kernel: rust_doctest_kernel_mm_x_{name}");
        assert_eq!(
            names(doctests)?,
            [
                example("mod_rs_0"),
                example("y_rs_0"),
                "suite_far: four".to_owned()
            ]
        );
        assert!(names(&format!("{doctests}CONFIG_C=y\n"))?.contains(&example("mod_rs_1")));
        Ok(())
    }

    #[test]
    fn a_test_that_nobody_runs_is_an_error() -> Result<()> {
        let dir = tree()?;
        let config = kconfig::parse("CONFIG_KUNIT=y\n");
        fs::write(dir.path().join("mm/b.rs"), "#[test]\nfn lost() {}\n")?;
        let err = wanted(dir.path(), &config).unwrap_err().to_string();
        assert!(err.contains("mm/b.rs: lost()"), "{err}");
        Ok(())
    }

    const CONSOLE: &str = "[    1.1] KTAP version 1\n[    1.1] 1..2\n\
        [    1.2]     # Subtest: s\n[    1.2]     1..2\n[    1.3]     ok 1 one\n\
        [    1.3]     ok 2 two\n[    1.4] ok 1 s\n[    1.5]     ok 1 x\n[    1.6] ok 2 t\n";

    fn judge_of(console: &str) -> Result<Summary> {
        let wanted = ["s: one", "s: two", "t: x"].map(str::to_owned);
        judge(&wanted.into(), &Parser::new()?.parse(console))
    }

    #[test]
    fn all_of_ours_have_to_run() -> Result<()> {
        assert_eq!(judge_of(CONSOLE)?.ours, 3);
        let without = |lines: &[&str]| {
            let left = CONSOLE
                .lines()
                .filter(|l| !lines.iter().any(|x| l.ends_with(x)));
            left.collect::<Vec<_>>().join("\n")
        };
        for (lines, missing) in [
            // A suite with fewer tests than the sources have, and a suite that is not there.
            (&[" two"][..], "s: two"),
            (&[" x", " t"], "t: x"),
        ] {
            let err = judge_of(&without(lines)).unwrap_err().to_string();
            assert!(err.contains("1 of our 3 tests"), "{err}");
            assert!(err.contains(missing), "{err}");
        }
        Ok(())
    }

    #[test]
    fn a_failure_shows_its_lines() {
        let failing = CONSOLE.replace(
            "    ok 2 two",
            "    # two: ASSERTION FAILED at mm/a.rs:3\n[    1.3]     not ok 2 two",
        );
        let err = judge_of(&failing).unwrap_err().to_string();
        assert!(
            err.contains("# two: ASSERTION FAILED at mm/a.rs:3"),
            "{err}"
        );
    }

    /// The suites that the tree has today, by name: the gate would not miss what it does not find.
    #[test]
    fn the_tree_has_tests() -> Result<()> {
        let root = Paths::discover()?.root;
        let mut symbols = String::from("CONFIG_RUST_KERNEL_DOCTESTS=y\n");
        for name in ["freepte", "twins", "debug"] {
            symbols.push_str(&fs::read_to_string(
                root.join(format!("configs/{name}.config")),
            )?);
        }
        let wanted = wanted(&root, &kconfig::parse(&symbols))?;
        for suite in [
            "rust_gup_",
            "rust_pagewalk_",
            "rust_pgtable_",
            "rust_doctests_kernel",
        ] {
            assert!(wanted.iter().any(|name| name.starts_with(suite)), "{suite}");
        }
        Ok(())
    }
}
