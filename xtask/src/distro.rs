// SPDX-License-Identifier: GPL-2.0

//! The distribution's package manager, as far as we can name a command for it.

use crate::apt;
use crate::cmd;
use crate::needs::Need;
use std::fs;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    Apt,
    Dnf,
    Pacman,
    Unknown,
}

impl Manager {
    /// By /etc/os-release, falling back on what is installed.
    pub fn here() -> Self {
        let os = fs::read_to_string("/etc/os-release").unwrap_or_default();
        match Self::by_os_release(&os) {
            Self::Unknown if cmd::which("apt-get").is_some() => Self::Apt,
            Self::Unknown if cmd::which("dnf").is_some() => Self::Dnf,
            Self::Unknown if cmd::which("pacman").is_some() => Self::Pacman,
            known => known,
        }
    }

    fn by_os_release(os: &str) -> Self {
        let id = apt::os_field(os, "ID").unwrap_or_default();
        let like = apt::os_field(os, "ID_LIKE").unwrap_or_default();
        let is = |name: &str| id == name || like.split_whitespace().any(|l| l == name);
        if is("debian") || is("ubuntu") {
            Self::Apt
        } else if is("fedora") || is("rhel") {
            Self::Dnf
        } else if is("arch") {
            Self::Pacman
        } else {
            Self::Unknown
        }
    }

    pub fn package(self, need: &Need) -> &'static str {
        match self {
            Self::Dnf => need.dnf,
            Self::Pacman => need.pacman,
            Self::Apt | Self::Unknown => need.apt,
        }
    }

    /// The command that installs packages.
    pub fn install(self, packages: &[String]) -> String {
        let list = packages.join(" ");
        match self {
            Self::Apt => format!("apt-get install --no-install-recommends {list}"),
            Self::Dnf => format!("dnf install {list}"),
            Self::Pacman => format!("pacman -S {list}"),
            Self::Unknown => format!("(your package manager) install {list}"),
        }
    }

    /// The packages that hold the compilers.
    pub fn toolchain(self) -> Vec<String> {
        let fixed: &[&str] = match self {
            Self::Apt => return apt_toolchain(),
            Self::Dnf => &["rust", "rust-src", "clang", "lld", "llvm", "clang-devel"],
            Self::Pacman => &["rust", "rust-src", "clang", "lld", "llvm"],
            Self::Unknown => &["rustc", "rust-src", "clang", "lld", "llvm", "libclang-dev"],
        };
        fixed.iter().map(|&p| p.to_owned()).collect()
    }
}

/// The newest rustc that apt has, with its library source and the LLVM that it was built with.
fn apt_toolchain() -> Vec<String> {
    let names =
        cmd::try_output(std::process::Command::new("apt-cache").args(["pkgnames", "rustc"]));
    let mut found: Vec<((u32, u32), Vec<String>)> = names
        .unwrap_or_default()
        .lines()
        .filter_map(|rustc| {
            let source = source_package(rustc)?;
            let version = minor(&apt::candidate(rustc)?)?;
            let llvm = apt::llvm_of(rustc)?;
            let mut packages = vec![rustc.to_owned(), source];
            packages.extend(llvm_packages(llvm));
            let all = packages.iter().all(|p| apt::candidate(p).is_some());
            (version >= (1, 85) && all).then_some((version, packages))
        })
        .collect();
    found.sort();
    found
        .pop()
        .map(|(_, packages)| packages)
        .unwrap_or_default()
}

fn llvm_packages(major: u32) -> Vec<String> {
    ["clang-", "lld-", "llvm-"]
        .iter()
        .map(|name| format!("{name}{major}"))
        .chain([format!("libclang-{major}-dev")])
        .collect()
}

/// Where the library source of a rustc package is: rustc, rustc-web, or rustc-1.85.
fn source_package(rustc: &str) -> Option<String> {
    match rustc.strip_prefix("rustc")? {
        "" => Some("rust-src".to_owned()),
        "-web" => Some("rust-web-src".to_owned()),
        tail => {
            let version = tail.strip_prefix("-1.")?;
            version.parse::<u32>().ok()?;
            Some(format!("rust-1.{version}-src"))
        }
    }
}

fn minor(version: &str) -> Option<(u32, u32)> {
    let version = version.split_once(':').map_or(version, |(_, v)| v);
    let mut numbers = version.split(['.', '+', '-', '~']).map(|n| n.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers() {
        let by = Manager::by_os_release;
        assert_eq!(by("ID=debian\n"), Manager::Apt);
        assert_eq!(
            by("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"),
            Manager::Apt
        );
        assert_eq!(by("ID=fedora\n"), Manager::Dnf);
        assert_eq!(by("ID=manjaro\nID_LIKE=arch\n"), Manager::Pacman);
        assert_eq!(by("ID=other\n"), Manager::Unknown);
    }

    #[test]
    fn rust_packages() {
        assert_eq!(source_package("rustc").as_deref(), Some("rust-src"));
        assert_eq!(source_package("rustc-web").as_deref(), Some("rust-web-src"));
        assert_eq!(
            source_package("rustc-1.85").as_deref(),
            Some("rust-1.85-src")
        );
        assert_eq!(source_package("rustc-mozilla"), None);
        assert_eq!(minor("1.96.0+dfsg1-1~deb12u2"), Some((1, 96)));
        assert_eq!(minor("1:1.85.1ubuntu1"), Some((1, 85)));
        assert_eq!(minor("none"), None);
    }
}
