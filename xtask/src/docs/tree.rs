// SPDX-License-Identifier: GPL-2.0

//! The scene of who builds freepte in a kernel tree of their own: a folder with the pristine tree
//! `linux` and this clone as `freepte`, and compilers that go by their plain names.

use super::script::{self, Script};
use crate::cmd;
use crate::lock::Lock;
use crate::paths::Paths;
use crate::progress::Progress;
use crate::source;
use crate::toolchain::{self, Toolchain};
use crate::tree;
use anyhow::{Context, Result};
use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The kernel tree's name in the folder.
const TREE: &str = "linux";

/// What `LLVM=1` calls.
const LLVM_TOOLS: &[&str] = &[
    "clang",
    "clang++",
    "ld.lld",
    "llvm-ar",
    "llvm-link",
    "llvm-nm",
    "llvm-objcopy",
    "llvm-objdump",
    "llvm-readelf",
    "llvm-strip",
];

/// What comes with rustc and the kernel calls.
const RUST_TOOLS: &[&str] = &["rustc", "rustdoc", "rustfmt", "clippy-driver"];

/// Run the commands of a document in a folder that is made for them.
pub fn run(paths: &Paths, script: &Script) -> Result<()> {
    let toolchain = toolchain::require()?;
    let dir = script::dir(paths)?.join("scene");
    let _lock = Lock::take(&dir.with_extension("lock"))?;
    fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let folder = Folder { dir };
    folder.make(paths, &toolchain)?;
    let progress = Progress::new(&format!("the commands of {} in a kernel tree", script.name));
    script.run(paths, |command| folder.enter(paths, &toolchain, command))?;
    progress.done();
    Ok(())
}

/// Swept when dropped.
struct Folder {
    /// Always the same, so that ccache knows what it compiled there.
    dir: PathBuf,
}

impl Folder {
    fn make(&self, paths: &Paths, toolchain: &Toolchain) -> Result<()> {
        // What is left of a run that was cut short.
        self.sweep()?;
        {
            let _lock = Lock::take(&paths.cache.join("src.lock"))?;
            self.pristine(&source::pristine(paths)?.dir)?;
        }
        link(&paths.root, &self.dir.join("freepte"))?;
        let bin = self.bin();
        fs::create_dir_all(&bin)?;
        plain_names(toolchain, &toolchain::bindgen(paths), &bin)?;
        if let Some(ccache) = cmd::which("ccache") {
            // It finds the compiler itself, as the next of that name in PATH.
            let cached = self.dir.join("bin/ccache");
            fs::create_dir_all(&cached)?;
            link(&ccache, &cached.join("clang"))?;
        }
        Ok(())
    }

    /// The tree as it was before any command: a copy, since commands may write in place.
    fn pristine(&self, source: &Path) -> Result<()> {
        let tree = self.dir.join(TREE);
        if !tree.is_dir() {
            return tree::copy_tree(
                source,
                &tree,
                &["-a", "--reflink=auto"],
                "copying a tree for the commands of the documents",
            );
        }
        cmd::output(
            Command::new("rsync")
                .args(["-a", "--delete"])
                .arg(format!("{}/", source.display()))
                .arg(&tree),
        )
        .map(|_| ())
    }

    /// Remove all but the tree: to remove so many files can take longer than all else.
    fn sweep(&self) -> Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.ends_with(TREE) {
                continue;
            }
            let gone = if path.is_dir() && !path.is_symlink() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            gone.with_context(|| format!("removing {}", path.display()))?;
        }
        Ok(())
    }

    fn bin(&self) -> PathBuf {
        self.dir.join("bin/plain")
    }

    fn enter(&self, paths: &Paths, toolchain: &Toolchain, command: &mut Command) -> Result<()> {
        toolchain.environment(paths, command);
        let path = env::var_os("PATH").unwrap_or_default();
        let own = [self.dir.join("bin/ccache"), self.bin()];
        let path = env::join_paths(own.into_iter().chain(env::split_paths(&path)))?;
        command
            .current_dir(&self.dir)
            .env("PATH", path)
            .env("CCACHE_BASEDIR", &self.dir);
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(err) = self.sweep() {
            eprintln!("note: {err:#}");
        }
    }
}

fn link(to: &Path, at: &Path) -> Result<()> {
    symlink(to, at).with_context(|| format!("linking {}", at.display()))
}

/// Links to the toolchain's programs, by the names that they have on most machines.
fn plain_names(toolchain: &Toolchain, bindgen: &Path, bin: &Path) -> Result<()> {
    for name in LLVM_TOOLS {
        let program = format!("{name}{}", toolchain.suffix);
        if let Some(program) = cmd::which(&program) {
            link(&program, &bin.join(name))?;
        }
    }
    for name in RUST_TOOLS {
        let program = toolchain.rustc.path.with_file_name(name);
        if program.is_file() {
            link(&program, &bin.join(name))?;
        }
    }
    // A rustc may be called rustc-1.85.
    if !bin.join("rustc").exists() {
        link(&toolchain.rustc.path, &bin.join("rustc"))?;
    }
    link(bindgen, &bin.join("bindgen"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolchain::Rustc;

    #[test]
    fn tools_go_by_plain_names() -> Result<()> {
        let tmp = tempfile::tempdir()?;
        let rust = tmp.path().join("rust");
        let bin = tmp.path().join("bin");
        fs::create_dir_all(&rust)?;
        fs::create_dir_all(&bin)?;
        for name in ["rustc-1.85", "rustdoc"] {
            fs::write(rust.join(name), "")?;
        }
        let toolchain = Toolchain {
            rustc: Rustc {
                path: rust.join("rustc-1.85"),
                version: (1, 85),
                release: "1.85.0".to_owned(),
                llvm: 19,
                has_source: true,
            },
            llvm_arg: "-19".to_owned(),
            suffix: "-19".to_owned(),
        };
        plain_names(&toolchain, &rust.join("own-bindgen"), &bin)?;
        let target = |name: &str| fs::read_link(bin.join(name)).ok();
        assert_eq!(target("rustc"), Some(rust.join("rustc-1.85")));
        assert_eq!(target("rustdoc"), Some(rust.join("rustdoc")));
        assert_eq!(target("rustfmt"), None);
        assert_eq!(target("bindgen"), Some(rust.join("own-bindgen")));
        Ok(())
    }

    #[test]
    fn a_tree_is_pristine_again() -> Result<()> {
        let tmp = tempfile::tempdir()?;
        let source = tmp.path().join("source");
        let dir = tmp.path().join("scene");
        for folder in [source.join("mm"), dir.join("build/mm")] {
            fs::create_dir_all(folder)?;
        }
        fs::write(source.join("mm/gup.c"), "pristine")?;
        let tree = dir.join(TREE);
        let folder = Folder { dir: dir.clone() };
        folder.pristine(&source)?;
        // What the commands do.
        link(&source, &tree.join("freepte"))?;
        fs::write(tree.join("mm/gup.c"), "patched")?;
        fs::write(tree.join("mm/gup.c.orig"), "")?;
        link(&source, &dir.join("freepte"))?;
        drop(folder);
        let names = |dir: &Path| -> Result<Vec<String>> {
            let name = |e: fs::DirEntry| e.file_name().to_string_lossy().into_owned();
            Ok(fs::read_dir(dir)?.flatten().map(name).collect())
        };
        assert_eq!(names(&dir)?, [TREE]);

        Folder { dir }.pristine(&source)?;
        assert_eq!(names(&tree)?, ["mm"]);
        assert_eq!(names(&tree.join("mm"))?, ["gup.c"]);
        assert_eq!(fs::read_to_string(tree.join("mm/gup.c"))?, "pristine");
        assert_eq!(fs::read_to_string(source.join("mm/gup.c"))?, "pristine");
        Ok(())
    }
}
