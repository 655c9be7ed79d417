// SPDX-License-Identifier: GPL-2.0

//! The kernel's pristine source: the user's tree, the cache, Debian's package, or kernel.org.

use crate::apt::PrivateApt;
use crate::cmd;
use crate::paths::{sha256_file, short_hash, Paths};
use crate::progress::Progress;
use anyhow::{bail, ensure, Context, Result};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const DEB_NAME: &str = "linux-source-7.3";
const DEB_SUITE: &str = "trixie-backports";
const DEB_VERSION: &str = "7.3.4-1~bpo13+1";
const DEB_SHA256: &str = "703e369ddd4cce971452f5a593ee55df3a5c10c83caf0fa0df039633ed181ee3";

const TARBALL: &str = "linux-7.3.4.tar.xz";
const TARBALL_DIR: &str = "https://cdn.kernel.org/pub/linux/kernel/v7.x";

/// A full set of builds takes about this much.
const NEEDED_GIB: u64 = 15;

/// A pristine tree.
#[derive(Clone, Debug)]
pub struct Source {
    pub dir: PathBuf,
    /// It is the copy of a user's tree and that has changed since the last time.
    pub changed: bool,
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
        None => DEB_NAME.to_owned(),
    }
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

/// The pristine tree, fetched and unpacked if it is not there yet.
pub fn pristine(paths: &Paths) -> Result<Source> {
    let dir = paths.cache_subdir("src")?.join(id());
    if let Some(user) = user_tree() {
        let changed = copy_user_tree(paths, &user, &dir)?;
        return Ok(Source { dir, changed });
    }
    if !dir.is_dir() {
        check_disk(&paths.cache)?;
        fetch(paths, &dir)?;
    }
    check_version(&dir)?;
    Ok(Source {
        dir,
        changed: false,
    })
}

/// Bring our copy of the user's tree up to date; never write in the tree itself.
fn copy_user_tree(paths: &Paths, user: &Path, copy: &Path) -> Result<bool> {
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
    let listed = cmd::output(
        Command::new("rsync")
            .args(["-a", "--delete", "--itemize-changes", "--exclude=/.git"])
            .arg(format!("{}/", user.display()))
            .arg(copy),
    )?;
    progress.done();
    Ok(!listed.trim().is_empty())
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

/// Debian's package first, then kernel.org.
fn fetch(paths: &Paths, dir: &Path) -> Result<()> {
    match debian_package(paths) {
        Ok(Some(deb)) => return unpack(dir, "Debian's package", |tmp| unpack_deb(&deb, tmp)),
        Ok(None) => {}
        Err(err) => eprintln!("Debian's {DEB_NAME} cannot be had: {err:#}\nTrying kernel.org."),
    }
    let tarball = kernel_org(paths).context(
        "no kernel source could be fetched; check the network, or give a Linux 7.3.y tree in \
         KERNEL_SRC",
    )?;
    unpack(dir, TARBALL, |tmp| {
        cmd::output(
            Command::new("tar")
                .arg("-xf")
                .arg(&tarball)
                .arg("-C")
                .arg(tmp),
        )
        .map(|_| ())
    })
}

/// Unpack into a temporary directory and rename: nothing half-made is ever left at `dir`.
fn unpack(dir: &Path, what: &str, extract: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = dir.parent().context("the cache has no parent")?;
    let tmp = tempfile::Builder::new()
        .prefix(".unpack-")
        .tempdir_in(parent)?;
    let progress = Progress::new(&format!("unpacking {what}"));
    extract(tmp.path())?;
    let tree = fs::read_dir(tmp.path())?
        .flatten()
        .map(|e| e.path())
        .find(|p| p.join("Makefile").is_file())
        .with_context(|| format!("{what} has no kernel tree in it"))?;
    check_version(&tree)?;
    fs::rename(&tree, dir).with_context(|| format!("renaming to {}", dir.display()))?;
    progress.done();
    Ok(())
}

fn unpack_deb(deb: &Path, tmp: &Path) -> Result<()> {
    let mut fsys = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(deb)
        .stdout(Stdio::piped())
        .spawn()
        .context("running dpkg-deb")?;
    let outer = fsys.stdout.take().context("dpkg-deb has no output")?;
    let mut member = Command::new("tar")
        .args(["-xO", "-f", "-", &format!("./usr/src/{DEB_NAME}.tar.xz")])
        .stdin(outer)
        .stdout(Stdio::piped())
        .spawn()
        .context("running tar")?;
    let inner = member.stdout.take().context("tar has no output")?;
    let status = Command::new("tar")
        .args(["-xJ", "-f", "-", "-C"])
        .arg(tmp)
        .stdin(inner)
        .status()?;
    let (fsys, member) = (fsys.wait()?, member.wait()?);
    ensure!(
        status.success() && fsys.success() && member.success(),
        "{} cannot be unpacked; remove it and try again",
        deb.display()
    );
    Ok(())
}

/// The package file, its hash checked; None where there is no Debian apt.
fn debian_package(paths: &Paths) -> Result<Option<PathBuf>> {
    if cmd::which("apt-get").is_none() || cmd::which("dpkg-deb").is_none() {
        return Ok(None);
    }
    let dl = paths.cache_subdir("dl")?;
    let file = |version: &str| dl.join(format!("{DEB_NAME}_{version}_all.deb"));
    let cached = file(DEB_VERSION);
    if cached.is_file() {
        check_hash(&cached, DEB_SHA256)?;
        return Ok(Some(cached));
    }
    let Some(apt) = PrivateApt::new(paths, DEB_SUITE)? else {
        return Ok(None);
    };
    let progress = Progress::new("fetching Debian's linux-source-7.3");
    apt.update()
        .context("apt-get update (private lists) failed: is there a network?")?;
    let known = apt.candidates(DEB_NAME);
    let (version, sha256) = match known.iter().find(|c| c.version == DEB_VERSION) {
        Some(_) => (DEB_VERSION.to_owned(), DEB_SHA256.to_owned()),
        // Newer than what this was tried with: the archive's signed index vouches for it.
        None => known
            .iter()
            .find(|c| c.version.starts_with("7.3."))
            .map(|c| (c.version.clone(), c.sha256.clone()))
            .with_context(|| format!("{DEB_SUITE} has no {DEB_NAME}"))?,
    };
    if version != DEB_VERSION {
        eprintln!("note: the archive has {DEB_NAME} {version}; {DEB_VERSION} was tested");
    }
    apt.download(DEB_NAME, &version, &dl)?;
    // apt writes the epoch's colon and such as %3a; these versions have none.
    let deb = file(&version);
    check_hash(&deb, &sha256)?;
    progress.done();
    Ok(Some(deb))
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

/// kernel.org's tarball, checked against the list of hashes in the same directory.
fn kernel_org(paths: &Paths) -> Result<PathBuf> {
    ensure!(cmd::which("curl").is_some(), "curl is missing; install it");
    let dl = paths.cache_subdir("dl")?;
    let file = dl.join(TARBALL);
    let sums = cmd::output(&mut curl(&format!("{TARBALL_DIR}/sha256sums.asc")))?;
    let expected = sum_of(&sums, TARBALL)
        .with_context(|| format!("kernel.org's sha256sums.asc does not name {TARBALL}"))?;
    if !file.is_file() {
        let progress = Progress::new(&format!("fetching {TARBALL} from kernel.org"));
        let part = dl.join(format!("{TARBALL}.part"));
        cmd::output(
            curl(&format!("{TARBALL_DIR}/{TARBALL}"))
                .arg("-o")
                .arg(&part),
        )?;
        fs::rename(&part, &file)?;
        progress.done();
    }
    check_hash(&file, &expected)?;
    eprintln!(
        "{TARBALL}: SHA-256 as in kernel.org's sha256sums.asc (its signature is not checked)"
    );
    Ok(file)
}

fn curl(url: &str) -> Command {
    let mut cmd = Command::new("curl");
    cmd.args(["-fsSL", "--retry", "3", "--connect-timeout", "20", url]);
    cmd
}

fn sum_of(sums: &str, file: &str) -> Option<String> {
    sums.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let sum = words.next()?;
        (words.next()? == file && sum.len() == 64).then(|| sum.to_owned())
    })
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

    #[test]
    fn sums_file() {
        let sum = "a".repeat(64);
        let text = format!("-----BEGIN\n{sum}  linux-7.3.4.tar.xz\n");
        assert_eq!(sum_of(&text, TARBALL), Some(sum));
        assert_eq!(sum_of(&text, "linux-7.3.tar.xz"), None);
    }
}
