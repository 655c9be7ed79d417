// SPDX-License-Identifier: GPL-2.0

//! Building a kernel variant.
//!
//! The build directory is a subdirectory of the tree that it builds: paths on the compilers'
//! command lines are then relative, and ccache finds in one clone what another one compiled.

use crate::children;
use crate::cmd;
use crate::inputs::Inputs;
use crate::kconfig;
use crate::lock::Lock;
use crate::paths::{short_hash, Paths};
use crate::pins;
use crate::progress::Progress;
use crate::scratch;
use crate::toolchain::{self, Toolchain};
use crate::tree;
use anyhow::{bail, ensure, Context, Result};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Variant {
    /// The pristine tree
    Stock,
    /// The patched tree, everything of freepte off
    Off,
    /// The patched tree, everything on: what a user would run
    Freepte,
    /// Like freepte, with KUnit and the C that Rust replaced, to measure one against the other
    Twins,
    /// Like twins, with KASAN, lockdep and the recount of every table
    Debug,
    /// Like freepte, where spin locks sleep (PREEMPT_RT)
    Rt,
    /// Like freepte, to be booted by Xen as well
    Xen,
}

impl Variant {
    pub fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Off => "off",
            Self::Freepte => "freepte",
            Self::Twins => "twins",
            Self::Debug => "debug",
            Self::Rt => "rt",
            Self::Xen => "xen",
        }
    }

    /// What is laid over .config.example.
    fn fragments(self) -> &'static [&'static str] {
        match self {
            Self::Stock => &[],
            Self::Off => &["off"],
            Self::Freepte => &["freepte"],
            Self::Twins => &["freepte", "twins"],
            Self::Debug => &["freepte", "twins", "debug"],
            Self::Rt => &["freepte", "rt"],
            Self::Xen => &["freepte", "xen"],
        }
    }

    /// Whether tables that are empty are freed on it.
    pub fn frees(self) -> bool {
        match self {
            Self::Stock | Self::Off => false,
            Self::Freepte | Self::Twins | Self::Debug | Self::Rt | Self::Xen => true,
        }
    }

    /// The variant's kernel tree, up to date.
    pub fn tree(self, paths: &Paths) -> Result<PathBuf> {
        match self {
            Self::Stock => tree::stock(paths),
            _ => tree::patched(paths),
        }
    }
}

/// A variant, or one with some of its parts off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    pub variant: Variant,
    /// Kconfig symbols
    pub without: Vec<String>,
}

impl From<Variant> for Kernel {
    fn from(variant: Variant) -> Self {
        Self {
            variant,
            without: Vec::new(),
        }
    }
}

impl Kernel {
    /// As in "freepte without RUST_GUP".
    pub fn name(&self) -> String {
        self.joined(" without ", " and ")
    }

    /// A name for files.
    fn slug(&self) -> String {
        self.joined("-without-", "-")
    }

    fn joined(&self, without: &str, and: &str) -> String {
        match self.without.as_slice() {
            [] => self.variant.name().to_owned(),
            parts => format!("{}{without}{}", self.variant.name(), parts.join(and)),
        }
    }
}

/// A kernel's build directory (it may not exist yet).
pub fn build_dir(paths: &Paths, kernel: impl Into<Kernel>) -> Result<PathBuf> {
    let kernel = kernel.into();
    let tree = match kernel.variant {
        Variant::Stock => tree::stock_dir(paths),
        _ => tree::patched_dir(paths)?,
    };
    Ok(tree.join(format!("build-{}", kernel.slug())))
}

/// A kernel's boot image (it may not exist yet).
pub fn image(paths: &Paths, kernel: impl Into<Kernel>) -> Result<PathBuf> {
    Ok(build_dir(paths, kernel)?.join("arch/x86/boot/bzImage"))
}

/// The configuration that a kernel asks for.
pub fn wanted_config(paths: &Paths, kernel: impl Into<Kernel>) -> Result<kconfig::Options> {
    let kernel = kernel.into();
    let mut files = vec![paths.root.join(".config.example")];
    files.extend(
        kernel
            .variant
            .fragments()
            .iter()
            .map(|f| paths.root.join(format!("configs/{f}.config"))),
    );
    let mut texts = Vec::new();
    for file in files {
        texts.push(
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?,
        );
    }
    let mut config = kconfig::merge(&texts);
    let symbols = fs::read_to_string(paths.root.join("Kconfig"))?;
    for symbol in &kernel.without {
        pins::switch_off(&symbols, plain(symbol), &mut config);
    }
    Ok(config)
}

/// A symbol as Kconfig files call it.
fn plain(symbol: &str) -> &str {
    symbol.strip_prefix("CONFIG_").unwrap_or(symbol)
}

/// Build a kernel; returns the image.
pub fn build(paths: &Paths, kernel: impl Into<Kernel>) -> Result<PathBuf> {
    let kernel = kernel.into();
    let toolchain = toolchain::require()?;
    let wanted = wanted_config(paths, kernel.clone())?;
    let inputs = Inputs::of(paths, &kernel)?;
    let src = kernel.variant.tree(paths)?;
    let out = build_dir(paths, kernel.clone())?;
    let _lock = Lock::take(&out.with_extension("lock"))?;
    fs::create_dir_all(&out)?;

    let stamp = out.join(STAMP);
    let _ = fs::remove_file(&stamp);
    configure(paths, &toolchain, &src, &out, &wanted)?;
    let config = kconfig::parse(&fs::read_to_string(out.join(".config"))?);
    for symbol in &kernel.without {
        // What Kconfig does not know, it does not mention.
        ensure!(
            config.get(plain(symbol)).is_some_and(|value| value == "n"),
            "{} has no CONFIG_{} that could be switched off",
            kernel.variant.name(),
            plain(symbol)
        );
    }
    let log = paths
        .log_dir()?
        .join(format!("build-{}.log", kernel.slug()));
    let mut make = toolchain.make(paths, &src, &out);
    make.args(["bzImage", "modules"]);
    run_make(make, &format!("kernel {}", kernel.name()), &log)?;
    install_modules(paths, &toolchain, &src, &out)?;
    // What was edited meanwhile may be in the image or not: the stamp says what surely is.
    fs::write(&stamp, serde_json::to_string(&inputs)?)
        .with_context(|| format!("writing {}", stamp.display()))?;
    image(paths, kernel)
}

/// The file of a build directory that says what its image was made of.
const STAMP: &str = ".freepte-inputs";

/// Fails when a kernel's image is not of this tree, and says what has changed since.
pub fn require_current(paths: &Paths, kernel: impl Into<Kernel>) -> Result<()> {
    let kernel = kernel.into();
    let stamp = build_dir(paths, kernel.clone())?.join(STAMP);
    let Ok(text) = fs::read_to_string(&stamp) else {
        bail!("the kernel {} was not built to the end", kernel.name());
    };
    let built: Inputs =
        serde_json::from_str(&text).with_context(|| format!("reading {}", stamp.display()))?;
    let now = Inputs::of(paths, &kernel)?;
    ensure!(
        built == now,
        "the image of {} is not of this tree: {} changed since",
        kernel.name(),
        built.changed(&now).join(", ")
    );
    Ok(())
}

/// For who takes a kernel as it was built last: says so when it is not of this tree.
pub fn note_if_stale(paths: &Paths, kernel: impl Into<Kernel>) {
    if let Err(err) = require_current(paths, kernel) {
        eprintln!("note: {err:#}");
    }
}

/// Write .config only when what it comes from has changed.
fn configure(
    paths: &Paths,
    toolchain: &Toolchain,
    src: &Path,
    out: &Path,
    wanted: &kconfig::Options,
) -> Result<()> {
    let text = kconfig::render(wanted);
    let config = out.join(".config");
    let stamp_file = out.join(".freepte-config");
    let stamp = short_hash(&format!(
        "{text}\n{}\n{}",
        toolchain.rustc.release,
        toolchain.clang()
    ));
    let current = fs::read_to_string(&stamp_file).is_ok_and(|s| s == stamp) && config.is_file();
    let before = kconfig::parse(&fs::read_to_string(&config).unwrap_or_default());
    if !current {
        let _ = fs::remove_file(&stamp_file);
        fs::write(&config, text)?;
    }
    // Also when current: the tree's own Kconfig files may have changed.
    cmd::output(toolchain.make(paths, src, out).args(["-s", "olddefconfig"]))?;
    let got = kconfig::parse(&fs::read_to_string(&config)?);
    let refused = kconfig::refused(wanted, &got);
    if !refused.is_empty() {
        let _ = fs::remove_file(&stamp_file);
        let list: Vec<String> = refused
            .iter()
            .map(|r| format!("  CONFIG_{}: wanted {}, got {}", r.name, r.wanted, r.got))
            .collect();
        let hint = if refused.iter().any(|r| r.name.starts_with("RUST")) {
            format!(
                "\nRust in the kernel needs a rustc and an LLVM that go together; ask\n  {}",
                cmd::show(toolchain.make(paths, src, out).arg("rustavailable"))
            )
        } else {
            String::new()
        };
        bail!(
            "the kernel's configuration did not take {} of the options asked for:\n{}{hint}",
            refused.len(),
            list.join("\n")
        );
    }
    if kconfig::lost_any(&before, &got) {
        // Kbuild leaves the objects of what is configured out.
        cmd::output(toolchain.make(paths, src, out).args(["-s", "clean"]))?;
    }
    if !current {
        fs::write(&stamp_file, stamp)?;
    }
    Ok(())
}

/// Run make, its output going to a log, with progress; on failure the error lines are shown.
pub fn run_make(mut make: Command, title: &str, log: &Path) -> Result<()> {
    let line = cmd::show(&make);
    let mut file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
    writeln!(file, "{line}")?;
    let mut progress = Progress::new(title);
    make.stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(file.try_clone()?);
    let mut child = children::spawn(&mut make).context("running make; is it installed?")?;
    let mut steps = 0;
    if let Some(stdout) = child.stdout.take() {
        for text in BufReader::new(stdout).split(b'\n') {
            let text = String::from_utf8_lossy(&text?).into_owned();
            writeln!(file, "{text}")?;
            if let Some(step) = step(&text) {
                steps += 1;
                progress.update(&format!("{steps} files, {step}"));
            }
        }
    }
    let status = child.wait()?;
    if !status.success() {
        let text = fs::read(log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        bail!(
            "{title} failed to build; from {}:\n{}",
            log.display(),
            errors(&text)
        );
    }
    progress.done();
    Ok(())
}

/// The file of a line such as `  CC      mm/memory.o`.
fn step(line: &str) -> Option<&str> {
    let line = line.strip_prefix("  ")?;
    let verb = line.split_whitespace().next()?;
    let upper = |c: char| c.is_ascii_uppercase() || c == '[' || c == ']';
    verb.chars()
        .all(upper)
        .then(|| line.split_whitespace().last())?
}

/// The lines of a build log that tell what went wrong, with some context.
fn errors(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let wrong = |l: &str| {
        l.contains("error:") || l.contains("error[") || l.contains("Error ") || l.contains("*** ")
    };
    match lines.iter().position(|l| wrong(l)) {
        Some(first) => lines[first..lines.len().min(first + 30)].join("\n"),
        None => cmd::tail(log, 20),
    }
}

/// Where a build's modules are laid out like in /lib/modules.
pub fn modules_dir(out: &Path) -> PathBuf {
    out.join("freepte-modules")
}

fn install_modules(paths: &Paths, toolchain: &Toolchain, src: &Path, out: &Path) -> Result<()> {
    let dir = modules_dir(out);
    let order = out.join("modules.order");
    let newer = |a: &Path, b: &Path| -> Option<bool> {
        Some(fs::metadata(a).ok()?.modified().ok()? > fs::metadata(b).ok()?.modified().ok()?)
    };
    let image = out.join("arch/x86/boot/bzImage");
    if newer(&dir, &order) == Some(true) && newer(&dir, &image) == Some(true) {
        return Ok(());
    }
    let tmp = scratch::dir("modules")?;
    let modules = tmp.path().join("modules");
    let mut make = toolchain.make(paths, src, out);
    make.arg("-s")
        .arg(format!("INSTALL_MOD_PATH={}", modules.display()))
        .arg("modules_install");
    cmd::output(&mut make)?;
    let _ = fs::remove_dir_all(&dir);
    fs::rename(&modules, &dir).with_context(|| format!("renaming to {}", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_make() {
        assert_eq!(step("  CC      mm/memory.o"), Some("mm/memory.o"));
        assert_eq!(step("  CC [M]  lib/test_hmm.o"), Some("lib/test_hmm.o"));
        assert_eq!(step("make[1]: Entering directory"), None);
        assert_eq!(step("  note: in expansion"), None);
    }

    #[test]
    fn names_of_kernels() {
        let mut kernel = Kernel::from(Variant::Freepte);
        assert_eq!(kernel.name(), "freepte");
        kernel.without = vec!["RUST_GUP".into(), "RUST_HMM".into()];
        assert_eq!(kernel.name(), "freepte without RUST_GUP and RUST_HMM");
        assert_eq!(kernel.slug(), "freepte-without-RUST_GUP-RUST_HMM");
    }

    #[test]
    fn what_a_user_would_run_has_no_twins() -> Result<()> {
        let paths = Paths::discover()?;
        let has = |variant: Variant, symbol: &str| -> Result<bool> {
            let config = wanted_config(&paths, variant)?;
            Ok(config.get(symbol).is_some_and(|value| value == "y"))
        };
        for symbol in ["RUST_MM_TWINS", "KUNIT"] {
            assert!(!has(Variant::Freepte, symbol)?, "{symbol}");
            assert!(has(Variant::Twins, symbol)?, "{symbol}");
            assert!(has(Variant::Debug, symbol)?, "{symbol}");
        }
        assert!(!has(Variant::Twins, "KASAN")? && has(Variant::Debug, "KASAN")?);
        Ok(())
    }

    #[test]
    fn errors_are_found() {
        let log = "  CC a.o\nx.c:1: error: no\nmake: *** [x] Error 1\n";
        assert!(errors(log).starts_with("x.c:1: error: no"));
        assert_eq!(errors("all fine\n"), "all fine");
    }
}
