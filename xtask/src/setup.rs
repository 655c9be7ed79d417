// SPDX-License-Identifier: GPL-2.0

//! Installing what is missing: packages with apt when we may, our own copies of bindgen,
//! virtme-ng, Redis and herd7 into the cache.

use crate::apt;
use crate::cmd;
use crate::distro::Manager;
use crate::lock::Lock;
use crate::models;
use crate::needs::{python, Need, MEASURING, NEEDS};
use crate::paths::Paths;
use crate::progress::Progress;
use crate::toolchain;
use anyhow::{bail, ensure, Context, Result};
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const BINDGEN: &str = "0.72.1";
const VIRTME_NG: &str = "1.42";

/// Make sure that everything is there.
pub fn run(paths: &Paths) -> Result<()> {
    let _lock = Lock::take(&paths.cache.join("setup.lock"))?;
    packages(paths)?;
    compilers(paths)?;
    virtme(paths)?;
    bindgen(paths)?;
    redis(paths)
}

/// What only the models need.
pub fn for_models(paths: &Paths) -> Result<()> {
    let _lock = Lock::take(&paths.cache.join("setup.lock"))?;
    models::setup(paths)
}

/// Also what is only for measuring, if it can be had; who misses it says so.
pub fn for_measuring(paths: &Paths) -> Result<()> {
    run(paths)?;
    let _lock = Lock::take(&paths.cache.join("setup.lock"))?;
    let manager = Manager::here();
    if !may_install(manager) {
        return Ok(());
    }
    let all = missing(MEASURING, manager, |_| true);
    if all.is_empty() || install(paths, manager, &all).is_ok() {
        return Ok(());
    }
    // Not every release has them all.
    for package in all {
        if let Err(err) = install(paths, manager, std::slice::from_ref(&package)) {
            eprintln!("note: {package} cannot be had: {err:#}");
        }
    }
    Ok(())
}

/// The packages of those needs that are not met.
fn missing(needs: &[Need], manager: Manager, wanted: fn(&Need) -> bool) -> Vec<String> {
    let mut list: Vec<String> = needs
        .iter()
        .filter(|need| wanted(need) && !need.met())
        .map(|need| manager.package(need).to_owned())
        .collect();
    list.sort();
    list.dedup();
    list
}

fn packages(paths: &Paths) -> Result<()> {
    let manager = Manager::here();
    let required = || missing(NEEDS, manager, |need| need.required);
    let all = missing(NEEDS, manager, |_| true);
    if all.is_empty() || (required().is_empty() && !may_install(manager)) {
        return Ok(());
    }
    install(paths, manager, &all)?;
    let left = required();
    ensure!(
        left.is_empty(),
        "installed, and yet not found: {}",
        left.join(" ")
    );
    Ok(())
}

fn may_install(manager: Manager) -> bool {
    manager == Manager::Apt && cmd::is_root()
}

fn install(paths: &Paths, manager: Manager, packages: &[String]) -> Result<()> {
    let command = manager.install(packages);
    if !may_install(manager) {
        let sudo = if cmd::is_root() { "" } else { "sudo " };
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
    if paths.vng().is_file() {
        return Ok(());
    }
    let progress = Progress::new("installing virtme-ng");
    let tools = paths.cache_subdir("tools")?;
    let venv = tools.join("venv");
    let _ = fs::remove_dir_all(&venv);
    let log = paths.log_dir()?.join("virtme-ng.log");
    let made = make_venv(&venv, &log);
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

fn bindgen(paths: &Paths) -> Result<()> {
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
