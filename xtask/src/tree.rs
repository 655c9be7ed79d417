// SPDX-License-Identifier: GPL-2.0

//! The trees that are built: stock (the pristine files) and patched (the series applied, the
//! repository linked in as `freepte`).
//!
//! A patched tree is kept in step file by file: only files whose content differs are replaced, so
//! that the next build is an incremental one.

use crate::children;
use crate::cmd;
use crate::lock::Lock;
use crate::paths::Paths;
use crate::progress::Progress;
use crate::scratch;
use crate::series::Series;
use crate::source::{self, Source};
use anyhow::{bail, Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The link in the kernel tree that leads to the repository.
const LINK: &str = "freepte";

/// Where the stock tree is (it may not exist yet).
pub fn stock_dir(paths: &Paths) -> PathBuf {
    paths.cache.join("stock").join(source::id()).join("linux")
}

/// Where this clone's patched tree is (it may not exist yet).
pub fn patched_dir(paths: &Paths) -> Result<PathBuf> {
    Ok(paths.clone_dir()?.join(source::id()).join("linux"))
}

/// Have the pristine source in the cache.
pub fn fetch(paths: &Paths) -> Result<()> {
    let _lock = Lock::take(&paths.cache.join("src.lock"))?;
    source::pristine(paths).map(|_| ())
}

/// The stock tree, up to date.
pub fn stock(paths: &Paths) -> Result<PathBuf> {
    let _lock = Lock::take(&paths.cache.join("src.lock"))?;
    let src = source::pristine(paths)?;
    let dir = stock_dir(paths);
    // Nothing writes to the sources of this tree: it may share them with the pristine one.
    if !dir.is_dir() {
        copy_tree(&src.dir, &dir, &["-al"], "linking the stock tree")?;
    } else if !is_of(&dir, &src) {
        resync(&src, &dir)?;
    }
    set_of(&dir, &src)?;
    Ok(dir)
}

/// The patched tree, up to date.
pub fn patched(paths: &Paths) -> Result<PathBuf> {
    let _lock = Lock::take(&paths.cache.join("src.lock"))?;
    let src = source::pristine(paths)?;
    let dir = patched_dir(paths)?;
    if !dir.is_dir() {
        copy_tree(
            &src.dir,
            &dir,
            &["-a", "--reflink=auto"],
            "copying the tree to patch",
        )?;
    } else if !is_of(&dir, &src) {
        State::at(&dir).forget()?;
        resync(&src, &dir)?;
    }
    set_of(&dir, &src)?;
    let series = Series::load(&paths.root.join("patches"))?;
    apply(&src.dir, &dir, &series)?;
    link(&paths.root, &dir)?;
    Ok(dir)
}

/// Copy under another name, then rename: there is either a whole tree or none.
pub fn copy_tree(src: &Path, dir: &Path, flags: &[&str], what: &str) -> Result<()> {
    let progress = Progress::new(what);
    let tmp = scratch::dir("copy")?;
    let copy = tmp.path().join("linux");
    cmd::output(Command::new("cp").args(flags).arg(src).arg(&copy))?;
    scratch::place(&copy, dir)?;
    progress.done();
    Ok(())
}

/// The user's tree has changed: take over what differs. rsync replaces, never writes in place.
fn resync(src: &Source, dir: &Path) -> Result<()> {
    cmd::output(
        Command::new("rsync")
            .args(["-a", "--delete", "--exclude=/build-*"])
            .arg(format!("--exclude=/{LINK}"))
            .arg(format!("{}/", src.dir.display()))
            .arg(dir),
    )
    .map(|_| ())
}

/// Which generation of the source a tree is of is noted beside it.
fn generation_file(tree: &Path) -> PathBuf {
    tree.with_extension("generation")
}

fn is_of(tree: &Path, src: &Source) -> bool {
    let Some(generation) = &src.generation else {
        return true;
    };
    fs::read_to_string(generation_file(tree)).is_ok_and(|text| text == *generation)
}

fn set_of(tree: &Path, src: &Source) -> Result<()> {
    match &src.generation {
        Some(generation) if !is_of(tree, src) => {
            replace(&generation_file(tree), generation.as_bytes())
        }
        _ => Ok(()),
    }
}

/// What was last applied: a stamp, and the files that it changed.
struct State {
    stamp: PathBuf,
    files: PathBuf,
}

impl State {
    fn at(tree: &Path) -> Self {
        Self {
            stamp: tree.with_extension("stamp"),
            files: tree.with_extension("files"),
        }
    }

    fn is(&self, stamp: &str) -> bool {
        fs::read_to_string(&self.stamp).is_ok_and(|s| s == stamp)
    }

    fn files(&self) -> BTreeSet<String> {
        fs::read_to_string(&self.files)
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn forget(&self) -> Result<()> {
        match fs::remove_file(&self.stamp) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => Err(err.into()),
            _ => Ok(()),
        }
    }

    fn write_files(&self, files: &BTreeSet<String>) -> Result<()> {
        let text: String = files.iter().map(|f| format!("{f}\n")).collect();
        replace(&self.files, text.as_bytes())
    }
}

/// Make `tree` the pristine tree plus the series.
pub fn apply(pristine: &Path, tree: &Path, series: &Series) -> Result<()> {
    let state = State::at(tree);
    let stamp = series.stamp();
    if state.is(&stamp) {
        return Ok(());
    }
    let mut affected = series.touched();
    for file in &affected {
        if file.starts_with('/') || file.split('/').any(|part| part == "..") {
            bail!("a patch names {file}, which is outside of the kernel tree");
        }
    }
    affected.extend(state.files());

    let scratch = scratch::dir("patch")?;
    for file in &affected {
        copy_if_there(&pristine.join(file), &scratch.path().join(file))?;
    }
    apply_series(scratch.path(), series)?;

    // From here on the tree is neither the old nor the new one until the stamp is written.
    state.forget()?;
    state.write_files(&affected)?;
    let mut changed = 0;
    for file in &affected {
        changed += usize::from(update(&scratch.path().join(file), &tree.join(file))?);
    }
    state.write_files(&series.touched())?;
    replace(&state.stamp, stamp.as_bytes())?;
    eprintln!(
        "patches: {} applied, {changed} files of the tree changed",
        series.patches.len()
    );
    Ok(())
}

fn apply_series(dir: &Path, series: &Series) -> Result<()> {
    for (n, patch) in series.patches.iter().enumerate() {
        let mut command = Command::new("patch");
        command
            .args([
                "-p1",
                "--fuzz=0",
                "--forward",
                "--batch",
                "--no-backup-if-mismatch",
            ])
            .args(["--reject-file=-", "-d"])
            .arg(dir)
            .arg("-i")
            .arg(&patch.path)
            .env("LC_ALL", "C");
        let out = children::output(&mut command).context("running patch; is it installed?")?;
        let text = String::from_utf8_lossy(&out.stdout);
        if !out.status.success() {
            bail!(
                "{} (number {} of {}) does not apply to this source:\n{}\nThe kernel tree was left \
                 as it was. Refresh the patch, or give the 7.3.y source that it was made for in \
                 KERNEL_SRC.",
                patch.path.display(),
                n + 1,
                series.patches.len(),
                cmd::tail(&text, 15)
            );
        }
    }
    Ok(())
}

fn copy_if_there(from: &Path, to: &Path) -> Result<()> {
    if !from.exists() {
        return Ok(());
    }
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    Ok(())
}

/// What there is at a path.
#[derive(PartialEq)]
enum Content {
    File(Vec<u8>),
    Link(PathBuf),
    Nothing,
}

impl Content {
    fn of(path: &Path) -> Self {
        if let Ok(to) = fs::read_link(path) {
            return Self::Link(to);
        }
        fs::read(path).map_or(Self::Nothing, Self::File)
    }
}

/// Make `old` what `new` is; says whether anything had to be done.
fn update(new: &Path, old: &Path) -> Result<bool> {
    let (want, have) = (Content::of(new), Content::of(old));
    if want == have {
        return Ok(false);
    }
    let remove = || fs::remove_file(old).with_context(|| format!("removing {}", old.display()));
    match want {
        Content::File(bytes) => {
            replace(old, &bytes)?;
            fs::set_permissions(old, fs::metadata(new)?.permissions())?;
        }
        Content::Link(to) => {
            if have != Content::Nothing {
                remove()?;
            }
            symlink(&to, old).with_context(|| format!("linking {}", old.display()))?;
        }
        Content::Nothing => remove()?,
    }
    Ok(true)
}

/// Write a file by renaming: another name of the old content keeps it.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let dir = path.parent().context("a file needs a directory")?;
    fs::create_dir_all(dir)?;
    let tmp = tempfile::NamedTempFile::new()?;
    fs::write(tmp.path(), bytes)?;
    tmp.persist(path)
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(())
}

fn link(root: &Path, tree: &Path) -> Result<()> {
    let link = tree.join(LINK);
    if fs::read_link(&link).is_ok_and(|to| to == root) {
        return Ok(());
    }
    if link.symlink_metadata().is_ok() {
        fs::remove_file(&link).with_context(|| format!("removing {}", link.display()))?;
    }
    symlink(root, &link).with_context(|| format!("linking {}", link.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Patch;
    use std::time::SystemTime;

    struct Trees {
        _tmp: tempfile::TempDir,
        pristine: PathBuf,
        tree: PathBuf,
        patches: PathBuf,
    }

    impl Trees {
        fn new() -> Result<Self> {
            let tmp = tempfile::tempdir()?;
            let at = |name: &str| tmp.path().join(name);
            for dir in ["src", "linux", "patches"] {
                fs::create_dir(at(dir))?;
            }
            for dir in ["src", "linux"] {
                fs::write(at(dir).join("a"), "one\ntwo\n")?;
                fs::write(at(dir).join("b"), "b\n")?;
            }
            let (pristine, tree, patches) = (at("src"), at("linux"), at("patches"));
            Ok(Self {
                _tmp: tmp,
                pristine,
                tree,
                patches,
            })
        }

        fn apply(&self, texts: &[&str]) -> Result<()> {
            let mut series = Series::default();
            for (n, text) in texts.iter().enumerate() {
                let path = self.patches.join(format!("{n}.patch"));
                fs::write(&path, text)?;
                series.patches.push(Patch {
                    path,
                    text: text.as_bytes().to_vec(),
                });
            }
            apply(&self.pristine, &self.tree, &series)
        }

        fn read(&self, name: &str) -> Option<String> {
            fs::read_to_string(self.tree.join(name)).ok()
        }

        fn mtime(&self, name: &str) -> Result<SystemTime> {
            Ok(fs::metadata(self.tree.join(name))?.modified()?)
        }
    }

    const A: &str = "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n one\n-two\n+TWO\n";
    const B: &str = "--- a/b\n+++ b/b\n@@ -1 +1 @@\n-b\n+B\n";
    const NEW: &str = "--- /dev/null\n+++ b/d/new\n@@ -0,0 +1 @@\n+new\n";
    const BAD: &str = "--- a/b\n+++ b/b\n@@ -1 +1 @@\n-other\n+B\n";

    #[test]
    fn files_follow_the_series() -> Result<()> {
        let t = Trees::new()?;
        t.apply(&[A, NEW])?;
        assert_eq!(t.read("a").as_deref(), Some("one\nTWO\n"));
        assert_eq!(t.read("d/new").as_deref(), Some("new\n"));
        // Another patch is added: what the first one did keeps its time stamp.
        let before = t.mtime("a")?;
        t.apply(&[A, B])?;
        assert_eq!(t.mtime("a")?, before);
        assert_eq!(t.read("b").as_deref(), Some("B\n"));
        assert_eq!(t.read("d/new"), None);
        t.apply(&[])?;
        assert_eq!(t.read("a").as_deref(), Some("one\ntwo\n"));
        assert_eq!(t.read("b").as_deref(), Some("b\n"));
        Ok(())
    }

    #[test]
    fn a_bad_patch_changes_nothing() -> Result<()> {
        let t = Trees::new()?;
        t.apply(&[A])?;
        let err = t
            .apply(&[B, BAD])
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default();
        assert!(err.contains("1.patch") && err.contains("2 of 2"), "{err}");
        assert_eq!(t.read("a").as_deref(), Some("one\nTWO\n"));
        assert_eq!(t.read("b").as_deref(), Some("b\n"));
        Ok(())
    }

    #[test]
    fn no_fuzz_and_no_escape() -> Result<()> {
        let t = Trees::new()?;
        let fuzzy = "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n uno\n-two\n+TWO\n";
        assert!(t.apply(&[fuzzy]).is_err());
        let out = "--- a/../x\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n";
        assert!(t.apply(&[out]).is_err());
        Ok(())
    }

    #[test]
    fn the_link_follows_the_repository() -> Result<()> {
        let t = Trees::new()?;
        link(Path::new("/one"), &t.tree)?;
        link(Path::new("/two"), &t.tree)?;
        assert_eq!(fs::read_link(t.tree.join(LINK))?, Path::new("/two"));
        Ok(())
    }
}
