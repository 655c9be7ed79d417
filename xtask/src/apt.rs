// SPDX-License-Identifier: GPL-2.0

//! A private apt: its own sources, lists and cache, all below our cache directory, so that the
//! machine's apt stays as it is. Mirror, keyring and options come from the machine's own sources.

use crate::cmd;
use crate::paths::Paths;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// One archive that the machine's apt knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    pub uri: String,
    pub suites: Vec<String>,
    pub components: Vec<String>,
    pub signed_by: Option<String>,
}

/// Parse a one-line file (`deb [options] URI SUITE COMPONENT…`).
pub fn parse_list(text: &str) -> Vec<Source> {
    text.lines().filter_map(parse_list_line).collect()
}

fn parse_list_line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let mut rest = line.strip_prefix("deb")?;
    if !rest.starts_with([' ', '\t', '[']) {
        return None;
    }
    rest = rest.trim_start();
    let mut source = Source::default();
    if let Some(after) = rest.strip_prefix('[') {
        let (options, tail) = after.split_once(']')?;
        source.signed_by = options
            .split_whitespace()
            .find_map(|o| o.strip_prefix("signed-by="))
            .map(str::to_owned);
        rest = tail.trim_start();
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    source.uri = words.next()?;
    source.suites = vec![words.next()?];
    source.components = words.collect();
    Some(source)
}

/// Parse a deb822 file (`Types:`, `URIs:`, `Suites:`, …; stanzas apart by empty lines).
pub fn parse_deb822(text: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            found.extend(stanza(&fields));
            fields.clear();
        } else if line.starts_with([' ', '\t']) {
            // A continued field: one item more (" ." stands for an empty line of a key).
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    found
}

fn stanza(fields: &[(String, String)]) -> Vec<Source> {
    let field = |name: &str| {
        fields
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    let words = |name: &str| -> Vec<String> {
        field(name)
            .unwrap_or("")
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    let disabled = field("enabled").is_some_and(|v| matches!(v, "no" | "false" | "0"));
    if disabled || !words("types").iter().any(|t| t == "deb") {
        return Vec::new();
    }
    let signed_by = field("signed-by").map(str::to_owned);
    words("uris")
        .into_iter()
        .map(|uri| Source {
            uri,
            suites: words("suites"),
            components: words("components"),
            signed_by: signed_by.clone(),
        })
        .collect()
}

/// The archive that the machine's release itself comes from.
pub fn main_archive(sources: &[Source], codename: &str) -> Option<Source> {
    sources
        .iter()
        .find(|s| {
            s.suites.iter().any(|suite| suite == codename)
                && s.components.iter().any(|c| c == "main")
        })
        .cloned()
}

/// The machine's own sources, of both kinds.
fn machine_sources() -> Vec<Source> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    let parts = fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten()
        .flatten();
    files.extend(parts.map(|e| e.path()));
    files.sort();
    let mut sources = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        match file.extension().and_then(|e| e.to_str()) {
            Some("list") => sources.extend(parse_list(&text)),
            Some("sources") => sources.extend(parse_deb822(&text)),
            _ => {}
        }
    }
    sources
}

/// What a deb822 stanza for another suite of that archive looks like.
fn render(source: &Source, suite: &str) -> String {
    let mut text = format!(
        "Types: deb\nURIs: {}\nSuites: {suite}\nComponents: main\n",
        source.uri
    );
    if let Some(key) = &source.signed_by {
        let key = key.replace('\n', "\n ");
        text.push_str(&format!("Signed-By: {key}\n"));
    }
    text
}

/// A private apt that knows one suite, which need not be the machine's.
pub struct PrivateApt {
    options: Vec<String>,
}

impl PrivateApt {
    /// The suite is taken from the archive that this Debian comes from; None elsewhere.
    pub fn new(paths: &Paths, suite: &str) -> Result<Option<Self>> {
        let os = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let Some(codename) = os_field(&os, "VERSION_CODENAME") else {
            return Ok(None);
        };
        if os_field(&os, "ID").as_deref() != Some("debian") {
            return Ok(None);
        }
        let Some(source) = main_archive(&machine_sources(), &codename) else {
            return Ok(None);
        };

        let dir = paths.cache_subdir(&format!("apt/{suite}"))?;
        for sub in ["parts", "state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(dir.join(sub))?;
        }
        fs::write(dir.join("parts/freepte.sources"), render(&source, suite))?;
        Ok(Some(Self {
            options: private_options(&dir),
        }))
    }

    fn command(&self, program: &str) -> Command {
        let mut cmd = Command::new(program);
        cmd.env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive");
        for option in &self.options {
            cmd.arg("-o").arg(option);
        }
        cmd
    }

    pub fn update(&self) -> Result<()> {
        // Without this, apt finds nothing wrong with having fetched nothing.
        let strict = ["-q", "-o", "APT::Update::Error-Mode=any", "update"];
        cmd::output(self.command("apt-get").args(strict)).map(|_| ())
    }

    /// The newest version of a package and its SHA-256, as the archive's signed index has them.
    pub fn candidates(&self, package: &str) -> Vec<Candidate> {
        let text = cmd::try_output(self.command("apt-cache").args(["show", package]));
        parse_show(&text.unwrap_or_default())
    }

    pub fn download(&self, package: &str, version: &str, dir: &Path) -> Result<()> {
        let mut cmd = self.command("apt-get");
        cmd.args(["-q", "download", &format!("{package}={version}")])
            .current_dir(dir);
        cmd::output(&mut cmd).map(|_| ())
    }

    /// A package and all that it depends on, down to the C library, whatever this machine has.
    pub fn download_all(&self, package: &str, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir.join("partial"))?;
        let mut cmd = self.command("apt-get");
        cmd.args(["-o", "Dir::State::status=/dev/null"])
            // Nothing of the machine's is changed, and not everybody may lock it.
            .args(["-o", "Debug::NoLocking=1", "-o"])
            .arg(format!("Dir::Cache::Archives={}", dir.display()))
            .args(["-q", "-y", "--no-install-recommends", "--download-only"])
            .args(["install", package]);
        cmd::output(&mut cmd).map(|_| ())
    }
}

fn private_options(dir: &Path) -> Vec<String> {
    let at = |name: &str| dir.join(name).display().to_string();
    vec![
        "Dir::Etc::SourceList=/dev/null".to_owned(),
        format!("Dir::Etc::SourceParts={}", at("parts")),
        format!("Dir::State={}", at("state")),
        "Dir::State::status=/var/lib/dpkg/status".to_owned(),
        "Acquire::Languages=none".to_owned(),
        format!("Dir::Cache={}", at("cache")),
        // The lists belong to whoever runs this, not to apt's own user.
        "APT::Sandbox::User=".to_owned() + if cmd::is_root() { "root" } else { "" },
    ]
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub version: String,
    pub sha256: String,
}

fn parse_show(text: &str) -> Vec<Candidate> {
    text.split("\n\n")
        .filter_map(|stanza| {
            let field = |name: &str| {
                stanza
                    .lines()
                    .find_map(|l| l.strip_prefix(name))
                    .map(|v| v.trim().to_owned())
            };
            Some(Candidate {
                version: field("Version:")?,
                sha256: field("SHA256:")?,
            })
        })
        .collect()
}

/// A field of /etc/os-release.
pub fn os_field(text: &str, name: &str) -> Option<String> {
    text.lines()
        .find_map(|l| l.strip_prefix(name)?.strip_prefix('='))
        .map(|v| v.trim_matches(['"', '\'']).to_owned())
}

/// Refresh the machine's package lists, once.
pub fn update(log: &Path) -> Result<()> {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.load(Ordering::Relaxed) {
        return Ok(());
    }
    let mut update = Command::new("apt-get");
    update.args(["-q", "update"]).env("LC_ALL", "C");
    cmd::run_logged(&mut update, log).context("apt-get update failed: is there a network?")?;
    DONE.store(true, Ordering::Relaxed);
    Ok(())
}

/// Install packages with the machine's apt; it must be root who asks.
pub fn install(packages: &[String], log: &Path) -> Result<()> {
    update(log)?;
    let install = |option: Option<&str>| {
        let mut install = Command::new("apt-get");
        install
            .args(["-q", "-y", "--no-install-recommends"])
            .args(option)
            .arg("install")
            .args(packages)
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive");
        install
    };
    // What takes long may be interrupted. After that, dpkg asks to be repaired.
    cmd::run_logged(&mut install(Some("--download-only")), log)
        .and_then(|()| cmd::run_logged_whole(&mut install(None), log))
        .with_context(|| format!("apt could not install {}", packages.join(" ")))
}

/// The version that the machine's apt would install.
pub fn candidate(package: &str) -> Option<String> {
    let text = cmd::try_output(
        Command::new("apt-cache")
            .args(["policy", package])
            .env("LC_ALL", "C"),
    )?;
    let version = text
        .lines()
        .find_map(|l| l.trim().strip_prefix("Candidate:"))?
        .trim();
    (version != "(none)").then(|| version.to_owned())
}

/// The LLVM major version that a rustc package depends on, by way of its library packages.
pub fn llvm_of(rustc: &str) -> Option<u32> {
    const MOST: usize = 8;
    let mut todo = vec![rustc.to_owned()];
    for n in 0..MOST {
        let package = todo.get(n)?.clone();
        let depends = depends(&package)?;
        if let Some(major) = llvm_in(&depends) {
            return Some(major);
        }
        todo.extend(
            library_packages(&depends)
                .filter(|p| !todo.contains(p))
                .collect::<Vec<_>>(),
        );
    }
    None
}

/// What a package depends on, as its index entry has it.
fn depends(package: &str) -> Option<String> {
    let mut show = Command::new("apt-cache");
    show.args(["show", "--no-all-versions", package])
        .env("LC_ALL", "C");
    let text = cmd::try_output(&mut show)?;
    text.lines()
        .find_map(|l| l.strip_prefix("Depends:"))
        .map(str::to_owned)
}

fn library_packages(depends: &str) -> impl Iterator<Item = String> + '_ {
    depends
        .split([',', '|'])
        .filter_map(|d| d.split_whitespace().next())
        .filter(|d| d.starts_with("libstd-rust"))
        .map(str::to_owned)
}

fn llvm_in(depends: &str) -> Option<u32> {
    depends
        .split([',', '|'])
        .filter_map(|d| d.split_whitespace().next()?.strip_prefix("libllvm"))
        .find_map(|v| v.trim_end_matches("t64").parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_sources() {
        let text = "# a comment\n\
            deb http://a.example/debian bookworm main contrib # why\n\
            deb-src http://a.example/debian bookworm main\n\
            deb [arch=amd64 signed-by=/k.gpg] https://b.example/x stable main\n";
        let s = parse_list(text);
        assert_eq!(s.len(), 2);
        assert_eq!(s[0].uri, "http://a.example/debian");
        assert_eq!(s[0].components, ["main", "contrib"]);
        assert_eq!(s[0].signed_by, None);
        assert_eq!(s[1].signed_by.as_deref(), Some("/k.gpg"));
        assert_eq!(s[1].suites, ["stable"]);
    }

    #[test]
    fn deb822_sources() {
        let text = "Types: deb deb-src\n# where from\nURIs: http://a.example/debian\n\
            Suites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k.gpg\n\n\
            Types: deb-src\nURIs: http://c.example/\nSuites: x\nComponents: main\n\n\
            Enabled: no\nTypes: deb\nURIs: http://d.example/\nSuites: x\nComponents: main\n\n\
            Types: deb\nURIs: http://e.example/\nSuites:\n trixie\n sid\nComponents: main\n";
        let s = parse_deb822(text);
        assert_eq!(s.len(), 2);
        assert_eq!(s[0].suites, ["bookworm", "bookworm-updates"]);
        assert_eq!(s[0].signed_by.as_deref(), Some("/k.gpg"));
        assert_eq!(s[1].suites, ["trixie", "sid"]);
    }

    #[test]
    fn the_archive_of_the_release() {
        let text = "deb http://sec.example/ bookworm-security main\n\
            deb http://x.example/ nodistro main\n\
            deb [signed-by=/k.gpg] http://a.example/debian bookworm main\n";
        let found = main_archive(&parse_list(text), "bookworm").unwrap_or_default();
        assert_eq!(found.uri, "http://a.example/debian");
        assert_eq!(
            render(&found, "trixie-backports"),
            "Types: deb\nURIs: http://a.example/debian\nSuites: trixie-backports\n\
             Components: main\nSigned-By: /k.gpg\n"
        );
        assert_eq!(main_archive(&parse_list(text), "trixie"), None);
    }

    #[test]
    fn package_index() {
        let text = "Package: p\nVersion: 7.3.4-1\nSHA256: ab\n\nPackage: p\nVersion: 7.3.2-1\nSHA256: cd\n";
        let found = parse_show(text);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[1],
            Candidate {
                version: "7.3.2-1".into(),
                sha256: "cd".into()
            }
        );
    }

    #[test]
    fn fields_of_os_release() {
        let text = "ID=debian\nVERSION_CODENAME=\"bookworm\"\nID_LIKE=x\n";
        assert_eq!(os_field(text, "ID").as_deref(), Some("debian"));
        assert_eq!(
            os_field(text, "VERSION_CODENAME").as_deref(),
            Some("bookworm")
        );
        assert_eq!(os_field(text, "VERSION"), None);
    }

    #[test]
    fn llvm_dependency() {
        assert_eq!(
            llvm_in("libc6 (>= 2.36), libllvm22 (>= 1:22), gcc"),
            Some(22)
        );
        assert_eq!(llvm_in("libllvm19t64"), Some(19));
        assert_eq!(llvm_in("libc6"), None);
        let found: Vec<String> =
            library_packages("libc6, libstd-rust-web-dev (= 1.96), gcc | libstd-rust-1.96")
                .collect();
        assert_eq!(found, ["libstd-rust-web-dev", "libstd-rust-1.96"]);
    }
}
