// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask configs`: does what freepte touches compile where it is configured otherwise, and would
//! the kernel link? The list is configs/compile.toml.

mod link;

use crate::build::{self, Variant};
use crate::cmd;
use crate::kconfig::{self, Options};
use crate::lock::Lock;
use crate::paths::Paths;
use crate::series::Series;
use crate::toolchain::{self, Toolchain};
use anyhow::{bail, ensure, Context, Result};
use clap::ValueEnum;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const FILE: &str = "configs/compile.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    config: Vec<Config>,
}

/// A configuration, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    name: String,
    set: BTreeMap<String, String>,
    arch: Option<String>,
    /// The kernel that is built and booted with this: it links. Much of it is not as in ours.
    linked: Option<String>,
    /// Targets that our own kernel has nothing of, and this one has.
    #[serde(default)]
    also: BTreeSet<String>,
    why: String,
}

/// Compile them all, or those whose names contain one of these. All that fail are told of.
pub fn run(paths: &Paths, only: &[String]) -> Result<String> {
    let chosen: Vec<Config> = list(paths)?
        .into_iter()
        .filter(|config| only.is_empty() || only.iter().any(|text| config.name.contains(text)))
        .collect();
    ensure!(!chosen.is_empty(), "there is no such configuration");
    let toolchain = toolchain::require()?;
    // What a configuration needs of the rest of a kernel is looked for in our own.
    build::build(paths, Variant::Freepte)?;
    let mut failed = Vec::new();
    for config in &chosen {
        if let Err(err) = compile(paths, &toolchain, config) {
            eprintln!("{} ({}): {err:#}", config.name, config.why);
            failed.push(format!("{} ({}): {err:#}", config.name, config.why));
        }
    }
    if !failed.is_empty() {
        bail!(
            "{} of {} configurations failed\n{}",
            failed.len(),
            chosen.len(),
            failed.join("\n")
        );
    }
    Ok(format!("{} configurations compile", chosen.len()))
}

fn list(paths: &Paths) -> Result<Vec<Config>> {
    let file = paths.root.join(FILE);
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    parse(&text)
}

fn parse(text: &str) -> Result<Vec<Config>> {
    let file: File = toml::from_str(text).with_context(|| format!("reading {FILE}"))?;
    let mut names = BTreeSet::new();
    for config in &file.config {
        ensure!(
            names.insert(&config.name) && !config.why.is_empty(),
            "{FILE}: {} is there twice, or has no reason",
            config.name
        );
        if let Some(linked) = &config.linked {
            ensure!(
                Variant::from_str(linked, false).is_ok(),
                "{FILE}: {}: there is no kernel {linked}",
                config.name
            );
        }
    }
    Ok(file.config)
}

fn compile(paths: &Paths, toolchain: &Toolchain, config: &Config) -> Result<()> {
    let src = Variant::Freepte.tree(paths)?;
    let out = src.join(format!("build-config-{}", config.name));
    let _lock = Lock::take(&out.with_extension("lock"))?;
    fs::create_dir_all(&out)?;
    let arch = config.arch.as_deref().unwrap_or("x86_64");
    let make = |target: &str| {
        let mut make = toolchain.make(paths, &src, &out);
        make.arg(format!("ARCH={arch}")).arg("-s").arg(target);
        make
    };
    if config.arch.is_some() {
        cmd::output(&mut make("defconfig"))?;
    } else {
        let mut wanted = build::wanted_config(paths, Variant::Freepte)?;
        wanted.extend(config.set.clone());
        fs::write(out.join(".config"), kconfig::render(&wanted))?;
    }
    cmd::output(&mut make("olddefconfig"))?;
    let got = kconfig::parse(&fs::read_to_string(out.join(".config"))?);
    check(config, &got)?;

    let touched = Series::load(&paths.root.join("patches"))?.touched();
    let mut compile = toolchain.make(paths, &src, &out);
    let mut targets = targets(&touched, config.arch.is_none());
    if config.arch.is_none() {
        // What is no part of our own kernel is none of one like it, unless the list says so.
        let ours = build::build_dir(paths, Variant::Freepte)?;
        targets
            .retain(|target| config.also.contains(target) || link::made_of(&ours, target).exists());
        let untouched: Vec<&String> = config.also.difference(&targets).collect();
        ensure!(untouched.is_empty(), "no patch touches {untouched:?}");
    }
    compile.arg(format!("ARCH={arch}")).args(&targets);
    let log = paths.log_dir()?.join(format!("config-{}.log", config.name));
    build::run_make(compile, &format!("configuration {}", config.name), &log)?;
    if config.arch.is_none() && config.linked.is_none() {
        link::check(paths, toolchain, &out, &targets)?;
    }
    // Nobody boots it, and ccache has what was compiled.
    fs::remove_dir_all(&out).with_context(|| format!("removing {}", out.display()))
}

/// Kconfig did what was asked for, and has freepte where that is possible.
fn check(config: &Config, got: &Options) -> Result<()> {
    let mut wanted: Options = config.set.clone();
    let value = if config.arch.is_some() { "n" } else { "y" };
    wanted
        .entry("FREE_USER_PTE".to_owned())
        .or_insert_with(|| value.to_owned());
    let refused: Vec<String> = kconfig::refused(&wanted, got)
        .iter()
        .map(|r| format!("CONFIG_{}: wanted {}, got {}", r.name, r.wanted, r.got))
        .collect();
    ensure!(refused.is_empty(), "{}", refused.join(", "));
    Ok(())
}

/// What to make: our own folder and Rust, where they are part of the kernel, and the folders of the files
/// that patches touch; single files where the folder is large, or has nothing to do with it.
fn targets(touched: &BTreeSet<String>, is_x86: bool) -> BTreeSet<String> {
    let ours: &[&str] = if is_x86 { &["freepte/", "rust/"] } else { &[] };
    let theirs = touched
        .iter()
        .filter(|file| is_x86 || !file.starts_with("arch/"))
        .filter_map(|file| {
            let object = file.strip_suffix(".c")?;
            let folder = Path::new(file).parent()?.to_str()?;
            Some(match folder {
                "kernel" | "arch/x86/kernel" => format!("{object}.o"),
                _ => format!("{folder}/"),
            })
        });
    let all: BTreeSet<String> = ours.iter().map(ToString::to_string).chain(theirs).collect();
    // Given a folder and a part of it, make leaves the rest of the folder out.
    let in_another = |target: &String| {
        all.iter()
            .any(|other| other.ends_with('/') && other != target && target.starts_with(other))
    };
    all.iter()
        .filter(|target| !in_another(target))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files() {
        let touched = [
            "arch/x86/kernel/cpu/sgx/encl.c",
            "arch/x86/kernel/ldt.c",
            "arch/x86/mm/pat/set_memory.c",
            "arch/x86/mm/pgtable.c",
            "fs/proc/task_mmu.c",
            "include/linux/mm.h",
            "kernel/fork.c",
            "mm/gup.c",
            "mm/memory.c",
            "mm/Makefile",
        ];
        let touched = touched.map(str::to_owned).into();
        let targets = |is_x86| Vec::from_iter(targets(&touched, is_x86));
        assert_eq!(
            targets(true),
            [
                "arch/x86/kernel/cpu/sgx/",
                "arch/x86/kernel/ldt.o",
                "arch/x86/mm/",
                "freepte/",
                "fs/proc/",
                "kernel/fork.o",
                "mm/",
                "rust/"
            ]
        );
        assert_eq!(targets(false), ["fs/proc/", "kernel/fork.o", "mm/"]);
    }

    #[test]
    fn what_kconfig_made_of_it() -> Result<()> {
        let list = parse(
            "[[config]]\nname = \"a\"\nset = { SWAP = \"n\" }\nwhy = \"x\"\n\
             [[config]]\nname = \"b\"\narch = \"arm64\"\nset = {}\nwhy = \"x\"\n",
        )?;
        let says = |n: usize, text: &str| {
            let done = check(&list[n], &kconfig::parse(text));
            done.map_or_else(|err| err.to_string(), |()| String::new())
        };
        assert_eq!(says(0, "CONFIG_FREE_USER_PTE=y\n"), "");
        assert_eq!(
            says(0, "CONFIG_FREE_USER_PTE=y\nCONFIG_SWAP=y\n"),
            "CONFIG_SWAP: wanted n, got y"
        );
        assert_eq!(says(0, ""), "CONFIG_FREE_USER_PTE: wanted y, got n");
        assert_eq!(says(1, ""), "");
        assert!(!says(1, "CONFIG_FREE_USER_PTE=y\n").is_empty());
        Ok(())
    }

    #[test]
    fn each_is_there_once_and_for_a_reason() {
        let one = "[[config]]\nname = \"a\"\nset = {}\nwhy = \"x\"\n";
        assert!(parse(one).is_ok());
        assert!(parse(&one.repeat(2)).is_err());
        assert!(parse(&one.replace("\"x\"", "\"\"")).is_err());
        assert!(parse(&format!("{one}linked = \"rt\"\n")).is_ok());
        assert!(parse(&format!("{one}linked = \"tr\"\n")).is_err());
    }
}
