// SPDX-License-Identifier: GPL-2.0

//! The end comes while a tree is made: there is either a whole one or none.

use super::stage::{end_of, Stage};
use anyhow::{Context, Result};
use rustix::process::{kill_process, Pid, Signal};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// rsync, as far as it matters here.
const RSYNC: &str = r#"
from=${@: -2:1} to=${@: -1}
mkdir -p "$to"
if ! diff -rq "$from" "$to" >/dev/null; then
	/bin/cp -a "$from/." "$to"
	echo changed
fi
"#;

/// Makes half of what it should, and hangs.
const HALF: &str = r#"
trap '' TERM
mkdir -p "${@: -1}" && touch "${@: -1}/half"
touch "$FREEPTE_TEST_STAGE/up/$$"
while :; do sleep 3600; done
"#;

struct Trees {
    stage: Stage,
}

impl Trees {
    fn new() -> Result<Self> {
        let stage = Stage::new("exit 1")?;
        stage.program("bin/rsync", RSYNC)?;
        let linux = stage.path("linux");
        fs::create_dir(&linux)?;
        let makefile = "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\n";
        fs::write(linux.join("Makefile"), makefile)?;
        Ok(Self { stage })
    }

    /// Bring the stock tree up to date.
    fn command(&self) -> Result<Command> {
        let mut command = self.stage.xtask(&["tree", "--kernel", "stock"])?;
        command.env("KERNEL_SRC", self.stage.path("linux"));
        Ok(command)
    }

    /// The same, ended by a signal in the midst of it.
    fn interrupted(&self, signal: Signal) -> Result<()> {
        let up = self.stage.path("up");
        fs::remove_dir_all(&up)?;
        fs::create_dir(&up)?;
        let mut child = self.command()?.spawn()?;
        self.stage.wait_for_guests(1)?;
        kill_process(Pid::from_child(&child), signal)?;
        end_of(&mut child)?;
        self.stage.nothing_is_left()
    }

    fn stock(&self) -> Result<PathBuf> {
        let dir = self.stage.cache().join("stock");
        let id = fs::read_dir(&dir)?.flatten().next().context("no tree")?;
        Ok(id.path().join("linux"))
    }
}

#[test]
fn a_copy_is_whole_or_not_there() -> Result<()> {
    for signal in [Signal::TERM, Signal::KILL] {
        let trees = Trees::new()?;
        trees.stage.program("bin/cp", HALF)?;
        trees.interrupted(signal)?;
        assert!(trees.stock().is_err());

        trees.stage.program("bin/cp", "exec /bin/cp \"$@\"")?;
        assert!(trees.command()?.status()?.success());
        let stock = trees.stock()?;
        assert!(stock.join("Makefile").is_file() && !stock.join("half").exists());
    }
    Ok(())
}

/// The copy of the user's tree has the change, the tree that is made of it does not yet.
#[test]
fn a_change_of_the_users_tree_is_not_lost() -> Result<()> {
    for signal in [Signal::TERM, Signal::KILL] {
        let trees = Trees::new()?;
        assert!(trees.command()?.status()?.success());
        let new = "new file";
        fs::write(trees.stage.path("linux").join(new), "")?;
        let rsync = format!("case ${{@: -1}} in */stock/*) {HALF} ;; esac\n{RSYNC}");
        trees.stage.program("bin/rsync", &rsync)?;
        trees.interrupted(signal)?;
        assert!(!trees.stock()?.join(new).exists());

        trees.stage.program("bin/rsync", RSYNC)?;
        assert!(trees.command()?.status()?.success());
        assert!(trees.stock()?.join(new).exists());
    }
    Ok(())
}
