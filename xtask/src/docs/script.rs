// SPDX-License-Identifier: GPL-2.0

//! The blocks of a document that run in one scene, as one script: who reads the document types
//! them in one shell, one after the other.

use super::document::Document;
use super::scene::Scene;
use crate::cmd;
use crate::paths::Paths;
use anyhow::{Context, Error, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How bash runs a block: what fails ends it.
pub const BASH: [&str; 4] = ["bash", "-eu", "-o", "pipefail"];

/// The line that names the command that failed.
const FAILED: &str = "failed in line ";

/// Commands of a document.
#[derive(Debug)]
pub struct Script {
    /// The document
    pub name: String,
    pub scene: Scene,
    /// Each line has the number that it has in the document.
    text: String,
}

impl Script {
    /// What of the document runs in a scene, if anything does.
    pub fn of(document: &Document, scene: Scene) -> Option<Self> {
        let mut lines = vec![format!(
            r#"set -E; trap 'echo "{FAILED}$LINENO: $BASH_COMMAND" >&2' ERR"#
        )];
        let before = lines.len();
        for block in document.blocks.iter().filter(|b| b.scene == Some(scene)) {
            lines.resize(block.line.saturating_sub(1).max(lines.len()), String::new());
            lines.extend(block.text.lines().map(str::to_owned));
        }
        (lines.len() > before).then(|| Self {
            name: document.name.clone(),
            scene,
            text: lines.join("\n") + "\n",
        })
    }

    /// Write it to a file of its own in a directory.
    pub fn write(&self, dir: &Path) -> Result<PathBuf> {
        let file = dir.join(format!("{}.{}", self.name.replace('/', "-"), self.scene));
        fs::write(&file, &self.text).with_context(|| format!("writing {}", file.display()))?;
        Ok(file)
    }

    /// Run it here; `prepare` sets directory and environment.
    pub fn run(
        &self,
        paths: &Paths,
        prepare: impl FnOnce(&mut Command) -> Result<()>,
    ) -> Result<()> {
        let file = self.write(&dir(paths)?)?;
        let log = file.with_extension(format!("{}.log", self.scene));
        let [bash, options @ ..] = BASH;
        let mut command = Command::new(bash);
        command.args(options).arg(&file).env("LC_ALL", "C");
        prepare(&mut command)?;
        cmd::run_logged(&mut command, &log).map_err(|err| {
            let output = fs::read(&log).unwrap_or_default();
            self.blame(&String::from_utf8_lossy(&output), err)
        })
    }

    /// An error that begins with the place in the document, if the output tells.
    pub fn blame(&self, output: &str, err: Error) -> Error {
        let place = output
            .lines()
            .find_map(|line| line.strip_prefix(FAILED)?.split_once(": "));
        match place {
            Some((line, command)) => err.context(format!("{}:{line}: `{command}`", self.name)),
            None => err.context(format!("the commands of {}", self.name)),
        }
    }
}

/// Where scripts and what they print are kept.
pub fn dir(paths: &Paths) -> Result<PathBuf> {
    let dir = paths.clone_dir()?.join("docs");
    fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document with these commands, to be run in the clone.
    fn script(blocks: &[&str]) -> Script {
        let mut text = String::from("# Title\n");
        for block in blocks {
            text += &format!("\nText.\n\n<!-- run: clone -->\n```sh\n{block}\n```\n");
        }
        let document = Document::read("a/b.md", &text);
        assert_eq!(document.complaints, [""; 0]);
        Script::of(&document, Scene::Clone).unwrap()
    }

    /// How it went, run in a directory of its own.
    fn outcome(script: &Script) -> Result<()> {
        let tmp = tempfile::tempdir()?;
        let paths = Paths {
            root: tmp.path().into(),
            cache: tmp.path().into(),
        };
        script.run(&paths, |command| {
            command.current_dir(tmp.path());
            Ok(())
        })
    }

    fn error(blocks: &[&str]) -> String {
        format!("{:#}", outcome(&script(blocks)).unwrap_err())
    }

    #[test]
    fn blocks_share_a_shell() -> Result<()> {
        outcome(&script(&[
            "mkdir d\ncd d\na=1",
            "test \"$a\" = 1\ntest \"${PWD##*/}\" = d",
        ]))
    }

    #[test]
    fn a_failing_command_is_shown_with_its_place() {
        let text = error(&["true", "echo before\nfalse x\ntouch after"]);
        assert!(text.starts_with("a/b.md:15: `false x`: "), "{text}");
        assert!(text.contains("\nbefore\n"), "{text}");
    }

    #[test]
    fn every_way_to_fail_is_one() {
        for block in [
            "false | true",
            "echo $UNSET",
            "(exit 3)",
            "echo a | while read -r x; do\n\tfalse || exit 1\ndone",
            "true && {\n\tfalse\n}",
            "if then",
            "exit 1",
            "x=$(false)",
        ] {
            assert!(error(&[block]).contains("a/b.md"), "{block}");
        }
    }

    #[test]
    fn a_scene_without_blocks_has_no_script() {
        let document = Document::read("a.md", "<!-- run: clone -->\n```sh\ntrue\n```\n");
        assert!(Script::of(&document, Scene::Tree).is_none());
    }
}
