// SPDX-License-Identifier: GPL-2.0

//! The compilers for the kernel: a rustc with its library source, and a clang of the same LLVM
//! major version, since helpers can be inlined from C into Rust only then.

use crate::cmd;
use crate::paths::Paths;
use anyhow::{Context, Result};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What Linux 7.3 asks for (scripts/min-tool-version.sh).
const MIN_RUSTC: (u32, u32) = (1, 85);

/// A rustc, as `rustc -vV` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rustc {
    pub path: PathBuf,
    pub version: (u32, u32),
    pub release: String,
    pub llvm: u32,
    pub has_source: bool,
}

/// A matching set.
#[derive(Clone, Debug)]
pub struct Toolchain {
    pub rustc: Rustc,
    /// The value of LLVM= for the kernel's make: "-22", or "1" for plain names.
    pub llvm_arg: String,
    /// What is added to a tool's name: "-22" or nothing.
    pub suffix: String,
}

impl Toolchain {
    pub fn clang(&self) -> String {
        format!("clang{}", self.suffix)
    }

    /// The directory of libclang, which bindgen loads at run time.
    fn libclang_dir(&self) -> Option<PathBuf> {
        let dir = PathBuf::from(format!("/usr/lib/llvm-{}/lib", self.rustc.llvm));
        dir.is_dir().then_some(dir)
    }

    /// `make` for the kernel in `src`, building in `out`.
    pub fn make(&self, paths: &Paths, src: &Path, out: &Path) -> Command {
        let rustdoc = self.rustc.path.with_file_name("rustdoc");
        let mut cc = self.clang();
        if cmd::which("ccache").is_some() {
            cc.insert_str(0, "ccache ");
        }
        let mut make = Command::new("make");
        make.arg("-C")
            .arg(src)
            .arg(format!("O={}", out.display()))
            .arg(format!("LLVM={}", self.llvm_arg))
            .arg(format!("CC={cc}"))
            .arg(format!("RUSTC={}", self.rustc.path.display()))
            .arg(format!("RUSTDOC={}", rustdoc.display()))
            .arg(format!("BINDGEN={}", bindgen(paths).display()))
            .arg(format!("-j{}", cmd::cpus() + 1));
        self.environment(paths, &mut make);
        make
    }

    /// An environment in which two builds of one tree give the same bytes.
    pub fn environment(&self, paths: &Paths, cmd: &mut Command) {
        for (name, _) in env::vars_os() {
            // Cargo's and make's own variables would steer the kernel's build.
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("CARGO_") || name.starts_with("KBUILD_") {
                cmd.env_remove(name);
            }
        }
        for name in [
            "RUSTFLAGS",
            "MAKEFLAGS",
            "MFLAGS",
            "MAKELEVEL",
            "ARCH",
            "LLVM",
            "CROSS_COMPILE",
        ] {
            cmd.env_remove(name);
        }
        cmd.env("LC_ALL", "C")
            .env("KBUILD_BUILD_TIMESTAMP", "Thu Jan  1 00:00:00 UTC 2026")
            .env("KBUILD_BUILD_USER", "freepte")
            .env("KBUILD_BUILD_HOST", "freepte")
            // Not how often it was built: the number is part of the code.
            .env("KBUILD_BUILD_VERSION", "1")
            .env("CCACHE_DIR", paths.cache.join("ccache"))
            // By the list of headers that the compiler writes anyway: no file is preprocessed for
            // the cache before it is compiled, which is a fifth of the time of a first build.
            .env("CCACHE_DEPEND", "1")
            .env("CCACHE_MAXSIZE", "10G");
        if let Some(dir) = self.libclang_dir() {
            cmd.env("LIBCLANG_PATH", dir);
        }
    }
}

/// The bindgen to use: our own, else the system's.
pub fn bindgen(paths: &Paths) -> PathBuf {
    let own = paths.bindgen();
    if own.is_file() {
        return own;
    }
    cmd::which("bindgen").unwrap_or(own)
}

/// Find a matching set, the newest rustc first.
pub fn find() -> Option<Toolchain> {
    let mut found = rustcs();
    found.retain(|r| r.version >= MIN_RUSTC && r.has_source);
    found.sort_by_key(|r| std::cmp::Reverse(r.version));
    found.into_iter().find_map(|rustc| {
        let suffix = llvm_suffix(rustc.llvm)?;
        let llvm_arg = if suffix.is_empty() {
            "1".to_owned()
        } else {
            suffix.clone()
        };
        Some(Toolchain {
            rustc,
            llvm_arg,
            suffix,
        })
    })
}

pub fn require() -> Result<Toolchain> {
    find().context(
        "no rustc (1.85 or newer, with its library source) whose LLVM a clang of the same major \
         version goes with; `cargo xtask doctor` tells what was found and what to install",
    )
}

/// Every rustc of this machine that can be asked, each once.
pub fn rustcs() -> Vec<Rustc> {
    let mut found: Vec<Rustc> = Vec::new();
    for path in candidates() {
        let Some(rustc) = probe(&path) else { continue };
        if !found.iter().any(|r| r.path == rustc.path) {
            found.push(rustc);
        }
    }
    found
}

fn candidates() -> Vec<PathBuf> {
    let mut list: Vec<PathBuf> = Vec::new();
    list.extend(env::var_os("FREEPTE_RUSTC").map(PathBuf::from));
    for dir in ["/usr/bin", "/usr/local/bin"] {
        let names = fs::read_dir(dir)
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path());
        list.extend(names.filter(|p| {
            p.file_name().and_then(|n| n.to_str()).is_some_and(|n| {
                n == "rustc"
                    || n.strip_prefix("rustc-1.")
                        .is_some_and(|v| v.parse::<u32>().is_ok())
            })
        }));
    }
    let rustup = env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|h| PathBuf::from(h).join(".rustup")));
    if let Some(home) = rustup {
        let dirs = fs::read_dir(home.join("toolchains"))
            .into_iter()
            .flatten()
            .flatten();
        list.extend(dirs.map(|e| e.path().join("bin/rustc")));
    }
    list
}

fn probe(path: &Path) -> Option<Rustc> {
    let text = cmd::try_output(Command::new(path).arg("-vV"))?;
    let sysroot = cmd::try_output(Command::new(path).args(["--print", "sysroot"]))?;
    let core = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core/src/lib.rs");
    parse_version(path, &text, core.is_file())
}

fn parse_version(path: &Path, text: &str, has_source: bool) -> Option<Rustc> {
    let field = |name: &str| {
        text.lines()
            .find_map(|l| l.strip_prefix(name))
            .map(str::trim)
    };
    let release = field("release:")?;
    // A nightly compiler would build with features that the kernel does not expect.
    if release.contains("nightly") {
        return None;
    }
    let mut numbers = release.split('.').map(|n| n.parse::<u32>());
    let version = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let llvm = field("LLVM version:")?.split('.').next()?.parse().ok()?;
    Some(Rustc {
        path: path.to_owned(),
        version,
        release: release.to_owned(),
        llvm,
        has_source,
    })
}

/// How the LLVM tools of a major version are named here.
fn llvm_suffix(major: u32) -> Option<String> {
    const TOOLS: [&str; 5] = ["clang", "ld.lld", "llvm-ar", "llvm-link", "llvm-objcopy"];
    let suffix = format!("-{major}");
    if TOOLS
        .iter()
        .all(|t| cmd::which(&format!("{t}{suffix}")).is_some())
    {
        return Some(suffix);
    }
    let same = clang_major("clang") == Some(major);
    (same && TOOLS.iter().all(|t| cmd::which(t).is_some())).then(String::new)
}

/// The major version of a clang.
pub fn clang_major(name: &str) -> Option<u32> {
    cmd::try_output(Command::new(name).arg("-dumpversion"))?
        .trim()
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "rustc 1.96.0 (abc 2026-01-01) (built from a source tarball)\n\
        binary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1.96.0\nLLVM version: 22.1.8\n";

    #[test]
    fn version_text() {
        let r = parse_version(Path::new("/usr/bin/rustc"), TEXT, true);
        assert!(r.is_some_and(|r| r.version == (1, 96) && r.llvm == 22 && r.has_source));
    }

    #[test]
    fn nightly_is_no_candidate() {
        let text = TEXT.replace("release: 1.96.0", "release: 1.97.0-nightly");
        assert_eq!(parse_version(Path::new("rustc"), &text, true), None);
        assert_eq!(parse_version(Path::new("rustc"), "garbage", true), None);
    }
}
