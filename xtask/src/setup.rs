// SPDX-License-Identifier: GPL-2.0

//! Getting what is missing, each part when something needs it: packages with apt when we may, our
//! own copies of bindgen, virtme-ng, Redis and herd7 into the cache.

use crate::apt;
use crate::cmd;
use crate::distro::Manager;
use crate::half_made;
use crate::lock::Lock;
use crate::models;
use crate::needs::{python, Need, Part, NEEDS};
use crate::paths::Paths;
use crate::progress::Progress;
use crate::toolchain;
use crate::tree;
use crate::versions::{BINDGEN, VIRTME_NG};
use crate::vm;
use anyhow::{anyhow, bail, ensure, Context, Result};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// To build a kernel and run programs on it.
pub const TO_BOOT: &[Part] = &[Part::Kernel, Part::Guest];
/// To show the page tables of real programs.
pub const TO_SHOW: &[Part] = &[Part::Kernel, Part::Guest, Part::Demo];
/// To run selftests.
pub const TO_TEST: &[Part] = &[Part::Kernel, Part::Guest, Part::Selftests];
/// To measure all that can be measured.
pub const TO_MEASURE: &[Part] = &[Part::Kernel, Part::Guest, Part::Demo, Part::Allocators];

/// What became of each part in this process: nothing, or why it cannot be had.
static TRIED: Mutex<BTreeMap<Part, Option<String>>> = Mutex::new(BTreeMap::new());

/// `cargo xtask setup`: all parts, and the kernel's source, so that no network is needed later.
///
/// Says what cannot be had; that is an error if no kernel can be built or booted without it.
pub fn everything(paths: &Paths) -> Result<()> {
    for part in Part::ALL {
        match provide(paths, &[part]) {
            Err(err) if TO_BOOT.contains(&part) => return Err(err),
            Err(err) => eprintln!("note: {part:?} is not complete: {err:#}"),
            Ok(()) => {}
        }
    }
    tree::fetch(paths)
}

/// Make sure that some parts are there; the error is about the first that is not.
///
/// Each part is tried once. Who wants what is there does not wait for who installs something else.
pub fn provide(paths: &Paths, parts: &[Part]) -> Result<()> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    if !untried(parts).is_empty() {
        let _turn = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
        let new = untried(parts);
        if !new.is_empty() {
            let _lock = Lock::take(&paths.cache.join("setup.lock"))?;
            let found = thread::scope(|scope| {
                // It takes longest, and nothing of the packages.
                if new.contains(&Part::Kernel) {
                    scope.spawn(|| bindgen(paths).ok());
                }
                get(paths, &new, packages(paths, &new))
            });
            let mut tried = tried();
            for (part, result) in found {
                tried.insert(part, result.err().map(|err| format!("{err:#}")));
            }
        }
    }
    let tried = tried();
    for part in parts {
        if let Some(Some(why)) = tried.get(part) {
            bail!("{why}");
        }
    }
    Ok(())
}

fn tried() -> MutexGuard<'static, BTreeMap<Part, Option<String>>> {
    TRIED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn untried(parts: &[Part]) -> Vec<Part> {
    let tried = tried();
    let mut list: Vec<Part> = parts.to_vec();
    list.retain(|part| !tried.contains_key(part));
    list
}

/// Packages first; then what takes long by itself, at once.
fn get(
    paths: &Paths,
    parts: &[Part],
    packages: BTreeMap<Part, Result<()>>,
) -> Vec<(Part, Result<()>)> {
    let one = |part: Part, packages: Result<()>| -> Result<()> {
        packages?;
        match part {
            Part::Kernel => bindgen(paths),
            Part::Guest => virtme(paths),
            Part::Demo => redis(paths),
            Part::Herd => models::setup(paths),
            Part::Xen => vm::xen::setup(paths),
            Part::Selftests | Part::Spin | Part::Allocators | Part::Browser => Ok(()),
        }
    };
    thread::scope(|scope| {
        if parts.contains(&Part::Kernel) {
            // It says what is wrong when it is needed.
            scope.spawn(|| tree::fetch(paths).ok());
        }
        let running: Vec<_> = packages
            .into_iter()
            .map(|(part, packages)| (part, scope.spawn(move || one(part, packages))))
            .collect();
        let finish = |(part, thread): (Part, thread::ScopedJoinHandle<'_, Result<()>>)| {
            let gone = |_| Err(anyhow!("getting {part:?} panicked"));
            (part, thread.join().unwrap_or_else(gone))
        };
        running.into_iter().map(finish).collect()
    })
}

/// The needs of some parts that are not met.
fn missing(parts: &[Part]) -> Vec<&'static Need> {
    NEEDS
        .iter()
        .filter(|need| parts.contains(&need.part) && !need.met())
        .collect()
}

/// The packages of needs, each once.
fn names(manager: Manager, needs: &[&Need]) -> Vec<String> {
    let mut list: Vec<String> = needs
        .iter()
        .map(|need| manager.package(need).to_owned())
        .collect();
    list.sort();
    list.dedup();
    list
}

/// Install the packages of some parts and, for kernels, the compilers; says of each part whether
/// all that it requires is there.
fn packages(paths: &Paths, parts: &[Part]) -> BTreeMap<Part, Result<()>> {
    let manager = Manager::here();
    let wanted = missing(parts);
    let mut trouble = BTreeMap::new();
    if may_install(manager) && !wanted.is_empty() {
        trouble = install_what_can_be_had(paths, manager, &names(manager, &wanted));
    }
    parts
        .iter()
        .map(|&part| {
            let left: Vec<&Need> = missing(&[part])
                .into_iter()
                .filter(|need| need.required)
                .collect();
            let mut result = all_there(manager, &left, &trouble);
            if part == Part::Kernel && result.is_ok() {
                result = compilers(paths);
            }
            (part, result)
        })
        .collect()
}

fn all_there(manager: Manager, left: &[&Need], trouble: &BTreeMap<String, String>) -> Result<()> {
    if left.is_empty() {
        return Ok(());
    }
    let packages = names(manager, left);
    if !may_install(manager) {
        let sudo = if cmd::is_root() { "" } else { "sudo " };
        let command = manager.install(&packages);
        bail!("packages are missing; install them with\n    {sudo}{command}");
    }
    let why = packages.iter().find_map(|name| trouble.get(name));
    bail!(
        "{} cannot be had: {}",
        packages.join(" "),
        why.map_or("installed, and yet not found", String::as_str)
    )
}

/// All at once; if that fails, one by one, since not every release has them all. Returns what went
/// wrong, by package.
fn install_what_can_be_had(
    paths: &Paths,
    manager: Manager,
    packages: &[String],
) -> BTreeMap<String, String> {
    if install(paths, manager, packages).is_ok() {
        return BTreeMap::new();
    }
    let mut trouble = BTreeMap::new();
    for package in packages {
        if let Err(err) = install(paths, manager, std::slice::from_ref(package)) {
            eprintln!("note: {package} cannot be had");
            trouble.insert(package.clone(), format!("{err:#}"));
        }
    }
    trouble
}

fn may_install(manager: Manager) -> bool {
    manager == Manager::Apt && cmd::is_root()
}

fn install(paths: &Paths, manager: Manager, packages: &[String]) -> Result<()> {
    if !may_install(manager) {
        let sudo = if cmd::is_root() { "" } else { "sudo " };
        let command = manager.install(packages);
        bail!("packages are missing; install them with\n    {sudo}{command}");
    }
    let progress = Progress::new(&format!("installing {}", packages.join(" ")));
    apt::install(packages, &paths.log_dir()?.join("apt.log"))?;
    progress.done();
    Ok(())
}

fn compilers(paths: &Paths) -> Result<()> {
    if toolchain::find().is_some() {
        return Ok(());
    }
    let manager = Manager::here();
    if may_install(manager) {
        // The lists may be empty on a fresh system, and the choice is made from them.
        apt::update(&paths.log_dir()?.join("apt.log"))?;
    }
    let packages = manager.toolchain();
    ensure!(
        !packages.is_empty(),
        "apt has no rustc of 1.85 or newer with its source and an LLVM of the same major version; \
         add your distribution's backports, or install rustup's stable toolchain with `rustup \
         component add rust-src` and the clang, lld and llvm packages of its LLVM version"
    );
    install(paths, manager, &packages)?;
    toolchain::require().map(|_| ())
}

/// virtme-ng into a virtual environment of its own.
fn virtme(paths: &Paths) -> Result<()> {
    let venv = paths.venv();
    half_made::discard(&venv)?;
    if paths.vng().is_file() {
        return Ok(());
    }
    let progress = Progress::new("installing virtme-ng");
    paths.cache_subdir("tools")?;
    let _ = fs::remove_dir_all(&venv);
    let log = paths.log_dir()?.join("virtme-ng.log");
    let made = half_made::make(&venv, || make_venv(&venv, &log));
    if made.is_err() {
        // A half-made one would look like a whole one the next time.
        let _ = fs::remove_dir_all(&venv);
    }
    made.context("virtme-ng could not be installed from PyPI")?;
    progress.done();
    Ok(())
}

fn make_venv(venv: &Path, log: &Path) -> Result<()> {
    cmd::run_logged(Command::new(python()).args(["-m", "venv"]).arg(venv), log)?;
    let mut pip = Command::new(venv.join("bin/pip"));
    pip.args(["install", "--quiet", &format!("virtme-ng=={VIRTME_NG}")]);
    cmd::run_logged(&mut pip, log)
}

/// Who comes second waits, and finds it there.
fn bindgen(paths: &Paths) -> Result<()> {
    static BUILDING: Mutex<()> = Mutex::new(());
    let _turn = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let found = toolchain::bindgen(paths);
    if cmd::try_output(Command::new(&found).arg("--version")).is_some_and(|v| new_enough(&v)) {
        return Ok(());
    }
    let progress = Progress::new("building bindgen");
    let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut install = Command::new(cargo);
    install
        .args([
            "install",
            "--quiet",
            "--locked",
            "--force",
            "--version",
            BINDGEN,
            "--root",
        ])
        .arg(paths.cache_subdir("tools")?)
        // What the kernel's Makefile uses of it; libclang is loaded as it runs.
        .args(["--no-default-features", "--features", "runtime"])
        .arg("bindgen-cli")
        // It runs for seconds: optimizing it takes longer than it saves.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS");
    cmd::run_logged(&mut install, &paths.log_dir()?.join("bindgen.log"))
        .context("bindgen could not be built from crates.io")?;
    progress.done();
    Ok(())
}

/// Linux 7.3 asks for 0.71.1.
fn new_enough(text: &str) -> bool {
    let Some(version) = text.split_whitespace().last() else {
        return false;
    };
    let numbers: Vec<u32> = version.split('.').filter_map(|n| n.parse().ok()).collect();
    numbers.len() == 3 && numbers >= vec![0, 71, 1]
}

/// Redis for the demo, unpacked into the cache: the system gets no service from us.
fn redis(paths: &Paths) -> Result<()> {
    let wrapper = paths.cache.join("pkg/bin/redis-server");
    if wrapper.is_file() || cmd::which("redis-server").is_some() {
        return Ok(());
    }
    if !may_install(Manager::here()) {
        eprintln!("note: redis-server is not installed; the demo will say that it skips its row");
        return Ok(());
    }
    let progress = Progress::new("fetching Redis (unpacked into the cache, not installed)");
    let debs = paths.cache_subdir("apt/redis")?;
    fs::create_dir_all(debs.join("partial"))?;
    let log = paths.log_dir()?.join("redis.log");
    let mut get = Command::new("apt-get");
    get.args(["-q", "-y", "--no-install-recommends", "--download-only"])
        .args(["-o", "APT::Sandbox::User=root", "-o"])
        .arg(format!("Dir::Cache::Archives={}", debs.display()))
        .args(["install", "redis-server"])
        .env("LC_ALL", "C")
        .env("DEBIAN_FRONTEND", "noninteractive");
    if cmd::run_logged(&mut get, &log).is_err() {
        apt::update(&log)?;
        cmd::run_logged(&mut get, &log).context("Redis could not be fetched")?;
    }
    let root = paths.cache_subdir("pkg/root")?;
    for deb in fs::read_dir(&debs)?.flatten().map(|e| e.path()) {
        if deb.extension().is_some_and(|e| e == "deb") {
            cmd::output(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(&root))?;
        }
    }
    for name in ["redis-server", "redis-cli", "redis-benchmark"] {
        wrap(&root, &paths.cache_subdir("pkg/bin")?, name)?;
    }
    cmd::output(Command::new(&wrapper).arg("--version")).context("Redis was fetched but fails")?;
    progress.done();
    Ok(())
}

/// A program of the unpacked packages, with its libraries.
fn wrap(root: &Path, bin: &Path, name: &str) -> Result<()> {
    let program = ["usr/bin", "bin"]
        .iter()
        .map(|d| root.join(d).join(name))
        .find(|p| p.exists());
    let Some(program) = program else {
        return Ok(());
    };
    let quote =
        |p: &Path| -> Result<String> { Ok(shlex::try_quote(&p.to_string_lossy())?.into_owned()) };
    let libraries = root.join("usr/lib/x86_64-linux-gnu");
    let text = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH={} exec {} \"$@\"\n",
        quote(&libraries)?,
        quote(&program)?
    );
    let file = bin.join(name);
    fs::write(&file, text)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindgen_versions() {
        assert!(new_enough("bindgen 0.72.1\n"));
        assert!(new_enough("bindgen 0.71.1"));
        assert!(!new_enough("bindgen 0.69.5"));
        assert!(!new_enough(""));
    }
}
