// SPDX-License-Identifier: GPL-2.0

//! The kernel's pristine source: the user's tree, or one package of Debian's, wherever this runs.
//!
//! Figures are compared and reports committed: they have to be of one source. It is Debian's, not
//! kernel.org's, since that is a kernel that people run, its package is vouched for by a signed index
//! and by the hash below, and a package manager with a mirror nearby can get it. Who wants another
//! 7.3.y names its tree in KERNEL_SRC.

use crate::apt::PrivateApt;
use crate::children;
use crate::cmd;
use crate::paths::{sha256_file, short_hash, Paths};
use crate::progress::Progress;
use crate::scratch;
use anyhow::{bail, ensure, Context, Result};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

const DEB_NAME: &str = "linux-source-7.3";
const DEB_SUITE: &str = "trixie-backports";
const DEB_VERSION: &str = "7.3.4-1~bpo13+1";
const DEB_SHA256: &str = "703e369ddd4cce971452f5a593ee55df3a5c10c83caf0fa0df039633ed181ee3";

/// Where the same package is for good, for machines without Debian's apt and for the time when the
/// archive has moved on.
const SNAPSHOT: &str =
    "https://snapshot.debian.org/archive/debian/20261126T000000Z/pool/main/l/linux";

/// A full set of builds takes about this much.
const NEEDED_GIB: u64 = 15;

/// A pristine tree.
#[derive(Clone, Debug)]
pub struct Source {
    pub dir: PathBuf,
    /// Of a copy of a user's tree: another one whenever that has changed
    pub generation: Option<String>,
}

/// The version in the kernel's Makefile.
pub fn version(makefile: &str) -> Option<(u32, u32, u32)> {
    let field = |name: &str| -> Option<u32> {
        makefile.lines().take(20).find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == name).then(|| value.trim().parse().ok())?
        })
    };
    Some((
        field("VERSION")?,
        field("PATCHLEVEL")?,
        field("SUBLEVEL").unwrap_or(0),
    ))
}

/// Refuse anything but 7.3.y.
fn check_version(dir: &Path) -> Result<()> {
    let makefile = fs::read_to_string(dir.join("Makefile"))
        .with_context(|| format!("{} is not a kernel tree: it has no Makefile", dir.display()))?;
    match version(&makefile) {
        Some((7, 3, _)) => Ok(()),
        Some((major, minor, sub)) => bail!(
            "{} is Linux {major}.{minor}.{sub}, but the patches are for 7.3.y; give a 7.3.y tree in \
             KERNEL_SRC, or leave KERNEL_SRC unset to have one fetched",
            dir.display()
        ),
        None => bail!("{} is not a kernel tree: its Makefile names no version", dir.display()),
    }
}

/// The name of the tree, without fetching anything.
pub fn id() -> String {
    match user_tree() {
        Some(dir) => format!("user-{}", short_hash(&dir.to_string_lossy())),
        // Another version is another tree.
        None => format!("{DEB_NAME}-{}", short_hash(DEB_VERSION)),
    }
}

/// What tells one source from another, wherever it is kept: the package's version, or that of a
/// user's tree.
pub fn identity(paths: &Paths) -> String {
    let dir = paths.cache.join("src").join(id());
    if is_user_tree() {
        let text = fs::read_to_string(dir.join("Makefile")).unwrap_or_default();
        return format!("{} {:?}", id(), version(&text));
    }
    let version = fs::read_to_string(version_file(&dir));
    format!(
        "{DEB_NAME} {}",
        version.as_deref().unwrap_or(DEB_VERSION).trim()
    )
}

/// Says which version of the package a tree comes from.
fn version_file(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".version");
    dir.with_file_name(name)
}

/// Whether the source is one that KERNEL_SRC names.
pub fn is_user_tree() -> bool {
    user_tree().is_some()
}

fn user_tree() -> Option<PathBuf> {
    let dir = env::var_os("KERNEL_SRC").filter(|v| !v.is_empty())?;
    let dir = PathBuf::from(dir);
    Some(dir.canonicalize().unwrap_or(dir))
}

/// Whether there is a pristine tree already.
pub fn is_there(paths: &Paths) -> bool {
    paths.cache.join("src").join(id()).is_dir()
}

/// The pristine tree, fetched and unpacked if it is not there yet.
pub fn pristine(paths: &Paths) -> Result<Source> {
    let dir = paths.cache_subdir("src")?.join(id());
    if let Some(user) = user_tree() {
        let generation = Some(copy_user_tree(paths, &user, &dir)?);
        return Ok(Source { dir, generation });
    }
    if !dir.is_dir() {
        check_disk(&paths.cache)?;
        fetch(paths, &dir)?;
    }
    check_version(&dir)?;
    Ok(Source {
        dir,
        generation: None,
    })
}

/// Bring our copy of the user's tree up to date; never write in the tree itself. Returns the copy's
/// generation.
fn copy_user_tree(paths: &Paths, user: &Path, copy: &Path) -> Result<String> {
    ensure!(
        user.is_dir(),
        "KERNEL_SRC={} is not a directory",
        user.display()
    );
    check_version(user)?;
    if user.join(".config").exists() || user.join("include/config").exists() {
        bail!(
            "{} was built in place, and a build elsewhere needs a clean tree; either run `make \
             mrproper` there, or give a clean checkout (`git worktree add`) in KERNEL_SRC",
            user.display()
        );
    }
    if !copy.is_dir() {
        check_disk(&paths.cache)?;
    }
    let progress = Progress::new(&format!("copying {}", user.display()));
    let note = copy.with_extension("generation");
    let before = fs::read_to_string(&note).ok();
    // Whoever ends before it is written again has changed the copy, or may have.
    if before.is_some() {
        fs::remove_file(&note).with_context(|| format!("removing {}", note.display()))?;
    }
    let listed = cmd::output(
        Command::new("rsync")
            .args(["-a", "--delete", "--itemize-changes", "--exclude=/.git"])
            .arg(format!("{}/", user.display()))
            .arg(copy),
    )?;
    let generation = match before {
        Some(before) if listed.trim().is_empty() => before,
        _ => format!("{:?}\n", SystemTime::now().duration_since(UNIX_EPOCH)?),
    };
    fs::write(&note, &generation).with_context(|| format!("writing {}", note.display()))?;
    progress.done();
    Ok(generation)
}

fn check_disk(dir: &Path) -> Result<()> {
    let free = free_gib(dir)?;
    ensure!(
        free >= NEEDED_GIB,
        "{} has {free} GiB free, and the trees and builds take up to {NEEDED_GIB}; free some, or \
         set FREEPTE_CACHE to a directory on a larger disk",
        dir.display()
    );
    Ok(())
}

/// Free space of the disk that holds a directory.
pub fn free_gib(dir: &Path) -> Result<u64> {
    let text = cmd::output(Command::new("df").args(["-Pk"]).arg(dir).env("LC_ALL", "C"))?;
    let kib: u64 = text
        .lines()
        .nth(1)
        .and_then(|l| l.split_whitespace().nth(3))
        .and_then(|n| n.parse().ok())
        .with_context(|| format!("df says nothing about {}", dir.display()))?;
    Ok(kib >> 20)
}

/// Debian's package, by apt where that is Debian's, else from the archive of all versions.
fn fetch(paths: &Paths, dir: &Path) -> Result<()> {
    let deb = match from_apt(paths) {
        Ok(Some(deb)) => deb,
        other => {
            if let Err(err) = other {
                eprintln!("{DEB_NAME} {DEB_VERSION} cannot be had by apt: {err:#}");
            }
            match from_snapshot(paths) {
                Ok(deb) => deb,
                Err(err) => newer_from_apt(paths)?.with_context(|| {
                    format!(
                        "no kernel source could be fetched ({err:#}); check the network, or give a \
                         Linux 7.3.y tree in KERNEL_SRC"
                    )
                })?,
            }
        }
    };
    unpack(dir, "Debian's package", |tmp| unpack_deb(&deb.file, tmp))?;
    fs::write(version_file(dir), deb.version).context("noting the version of the source")
}

/// A package file whose hash was checked.
struct Deb {
    file: PathBuf,
    version: String,
}

impl Deb {
    fn tested(file: PathBuf) -> Result<Self> {
        check_hash(&file, DEB_SHA256)?;
        let version = DEB_VERSION.to_owned();
        Ok(Self { file, version })
    }
}

/// Unpack into a temporary directory and rename: nothing half-made is ever left at `dir`.
fn unpack(dir: &Path, what: &str, extract: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let tmp = scratch::dir("unpack")?;
    let progress = Progress::new(&format!("unpacking {what}"));
    extract(tmp.path())?;
    let tree = fs::read_dir(tmp.path())?
        .flatten()
        .map(|e| e.path())
        .find(|p| p.join("Makefile").is_file())
        .with_context(|| format!("{what} has no kernel tree in it"))?;
    check_version(&tree)?;
    scratch::place(&tree, dir)?;
    progress.done();
    Ok(())
}

/// A package is an archive of ar with archives of tar in it.
fn unpack_deb(deb: &Path, tmp: &Path) -> Result<()> {
    let text = format!("cannot unpack {}", deb.display());
    let start = |tar: &mut Command| {
        children::spawn(tar.stdout(Stdio::piped())).with_context(|| format!("running {tar:?}"))
    };
    let tar = |args: &[&str]| {
        let mut tar = Command::new("tar");
        tar.args(args);
        tar
    };
    let mut data = start(Command::new(ar()?).arg("p").arg(deb).arg("data.tar.xz"))?;
    let outer = data.stdout.take().context(text.clone())?;
    let member = format!("./usr/src/{DEB_NAME}.tar.xz");
    let mut member = start(tar(&["-xJO", "-f", "-", &member]).stdin(outer))?;
    let inner = member.stdout.take().context(text.clone())?;
    let status = children::status(tar(&["-xJ", "-f", "-", "-C"]).arg(tmp).stdin(inner))?;
    let (data, member) = (data.wait()?, member.wait()?);
    ensure!(
        status.success() && data.success() && member.success(),
        "{text}; remove it and try again"
    );
    Ok(())
}

/// Of binutils, or of LLVM, one of which is there for the compilers.
fn ar() -> Result<PathBuf> {
    let llvm = crate::toolchain::find().map(|t| format!("llvm-ar{}", t.suffix));
    [Some("ar".to_owned()), llvm]
        .into_iter()
        .flatten()
        .find_map(|name| cmd::which(&name))
        .context("ar is missing; install binutils")
}

fn package_file(paths: &Paths, version: &str) -> Result<PathBuf> {
    let dl = paths.cache_subdir("dl")?;
    // apt writes the epoch's colon and such as %3a; these versions have none.
    Ok(dl.join(format!("{DEB_NAME}_{version}_all.deb")))
}

/// Fetch the package; only a whole one gets its place.
fn download(apt: &PrivateApt, version: &str, sha256: &str, file: &Path) -> Result<()> {
    let tmp = scratch::dir("download")?;
    apt.download(DEB_NAME, version, tmp.path())?;
    let name = file.file_name().context("the package has no name")?;
    let fetched = tmp.path().join(name);
    check_hash(&fetched, sha256)?;
    scratch::place(&fetched, file)
}

/// The version that figures are of; None where there is no Debian apt.
fn from_apt(paths: &Paths) -> Result<Option<Deb>> {
    let cached = package_file(paths, DEB_VERSION)?;
    if cached.is_file() {
        return Deb::tested(cached).map(Some);
    }
    let Some(apt) = private_apt(paths)? else {
        return Ok(None);
    };
    let progress = Progress::new("fetching Debian's linux-source-7.3");
    apt.update()
        .context("apt-get update (private lists) failed: is there a network?")?;
    download(&apt, DEB_VERSION, DEB_SHA256, &cached)?;
    let deb = Deb::tested(cached)?;
    progress.done();
    Ok(Some(deb))
}

fn private_apt(paths: &Paths) -> Result<Option<PrivateApt>> {
    PrivateApt::new(paths, DEB_SUITE)
}

/// The same by its address, which needs no apt.
fn from_snapshot(paths: &Paths) -> Result<Deb> {
    ensure!(cmd::which("curl").is_some(), "curl is missing; install it");
    let file = package_file(paths, DEB_VERSION)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let progress = Progress::new(&format!("fetching {name}"));
    let tmp = scratch::dir("download")?;
    let part = tmp.path().join(&*name);
    let mut curl = Command::new("curl");
    curl.args(["-fsSL", "--retry", "3", "--connect-timeout", "20"])
        .arg(format!("{SNAPSHOT}/{name}"))
        .arg("-o")
        .arg(&part);
    cmd::output(&mut curl)?;
    check_hash(&part, DEB_SHA256)?;
    scratch::place(&part, &file)?;
    progress.done();
    Deb::tested(file)
}

/// A later 7.3.y, where nothing else can be had: the archive's signed index vouches for it. Figures
/// are of another kernel then, and whoever compares them with committed ones is told.
fn newer_from_apt(paths: &Paths) -> Result<Option<Deb>> {
    let Some(apt) = private_apt(paths)? else {
        return Ok(None);
    };
    let known = apt.candidates(DEB_NAME);
    let Some(newer) = known.iter().find(|c| c.version.starts_with("7.3.")) else {
        return Ok(None);
    };
    eprintln!(
        "note: taking {DEB_NAME} {}; figures and tests are of {DEB_VERSION}",
        newer.version
    );
    let file = package_file(paths, &newer.version)?;
    download(&apt, &newer.version, &newer.sha256, &file)?;
    let version = newer.version.clone();
    Ok(Some(Deb { file, version }))
}

fn check_hash(file: &Path, expected: &str) -> Result<()> {
    let found = sha256_file(file)?;
    if found != expected {
        let _ = fs::remove_file(file);
        bail!(
            "{} has the SHA-256 {found}, not {expected}; it was removed, try again",
            file.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_of_a_makefile() {
        let text = "# SPDX\nVERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\nEXTRAVERSION =\n";
        assert_eq!(version(text), Some((7, 3, 4)));
        assert_eq!(version("all:\n\tcc x.c\n"), None);
    }

    #[test]
    fn the_version_is_noted_beside_the_tree() {
        let file = version_file(Path::new("/c/src/linux-source-7.3-abc"));
        assert_eq!(file, Path::new("/c/src/linux-source-7.3-abc.version"));
    }

    #[test]
    fn other_versions_are_refused() -> Result<()> {
        let dir = tempfile::tempdir()?;
        assert!(check_version(dir.path()).is_err());
        fs::write(
            dir.path().join("Makefile"),
            "VERSION = 6\nPATCHLEVEL = 19\nSUBLEVEL = 1\n",
        )?;
        let err = check_version(dir.path())
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default();
        assert!(
            err.contains("6.19.1") && err.contains("KERNEL_SRC"),
            "{err}"
        );
        fs::write(
            dir.path().join("Makefile"),
            "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 9\n",
        )?;
        check_version(dir.path())
    }

    #[test]
    fn a_failed_unpacking_leaves_nothing() -> Result<()> {
        let cache = tempfile::tempdir()?;
        let dir = cache.path().join("tree");
        let made = unpack(&dir, "test", |tmp| {
            fs::create_dir(tmp.join("half"))?;
            bail!("cut short")
        });
        assert!(made.is_err() && !dir.exists());
        assert_eq!(fs::read_dir(cache.path())?.count(), 0);
        Ok(())
    }

    #[test]
    fn hash_mismatch_removes_the_file() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("x");
        fs::write(&file, "abc")?;
        assert!(check_hash(&file, "00").is_err());
        assert!(!file.exists());
        Ok(())
    }
}
