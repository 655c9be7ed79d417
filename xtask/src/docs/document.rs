// SPDX-License-Identifier: GPL-2.0

//! A document's blocks of commands: each is marked to be run, or says why it is not.
//!
//! The mark is a comment right before the block: `<!-- run: SCENE -->` or `<!-- not run: REASON -->`
//! in Markdown, `.. run: SCENE` or `.. not run: REASON` in reStructuredText.

use super::piece::{Kind, Piece};
use super::scene::Scene;
use super::spelling;
use super::{markdown, rst};

/// The language of blocks of commands.
const SHELL: &str = "sh";

/// Other names that a block of commands may be given.
const SHELLS: &[&str] = &["bash", "console", "shell", "shell-session", "zsh"];

/// A block of commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The line of the document that its first line is on
    pub line: usize,
    pub text: String,
    /// Where it runs, if it does
    pub scene: Option<Scene>,
}

/// A document, and what is wrong with its marks.
#[derive(Debug)]
pub struct Document {
    /// Its path in the repository
    pub name: String,
    pub blocks: Vec<Block>,
    /// A line each, with the place
    pub complaints: Vec<String>,
}

/// What a comment says of the block that follows.
#[derive(Debug)]
enum Mark {
    Run(String),
    NotRun(String),
}

impl Mark {
    fn parse(comment: &str) -> Option<Self> {
        let after = |word: &str| Some(comment.strip_prefix(word)?.trim().to_owned());
        after("run:")
            .map(Self::Run)
            .or_else(|| after("not run:").map(Self::NotRun))
    }
}

impl Document {
    /// Read a document; its format is that of its name.
    pub fn read(name: &str, text: &str) -> Self {
        let pieces = if name.ends_with(".rst") {
            rst::pieces(text)
        } else {
            markdown::pieces(text)
        };
        let mut document = Self {
            name: name.to_owned(),
            blocks: Vec::new(),
            complaints: Vec::new(),
        };
        let mut mark = None;
        for Piece { line, kind } in pieces {
            match kind {
                Kind::Comment(text) => {
                    document.nothing_marked(mark.take());
                    mark = Mark::parse(&text).map(|mark| (line, mark));
                }
                Kind::Block { language, text } => {
                    document.block(line, language.as_deref(), text, mark.take());
                }
                Kind::Code(code) => document.spelling(line, &code),
                Kind::Prose => document.nothing_marked(mark.take()),
            }
        }
        document.nothing_marked(mark);
        document
    }

    fn complain(&mut self, line: usize, text: &str) {
        self.complaints
            .push(format!("{}:{line}: {text}", self.name));
    }

    fn spelling(&mut self, line: usize, command: &str) {
        if let Some(wrong) = spelling::complaint(command) {
            self.complain(line, &wrong);
        }
    }

    fn nothing_marked(&mut self, mark: Option<(usize, Mark)>) {
        if let Some((line, _)) = mark {
            self.complain(line, "no block of sh follows the mark");
        }
    }

    fn block(
        &mut self,
        line: usize,
        language: Option<&str>,
        text: String,
        mark: Option<(usize, Mark)>,
    ) {
        match language {
            Some(SHELL) => self.commands(line, text, mark),
            Some(other) if SHELLS.contains(&other) => {
                self.complain(line, &format!("a block of commands is `sh`, not `{other}`"));
            }
            Some(_) => {
                self.nothing_marked(mark);
                self.listing(line, &text);
            }
            None => self.complain(
                line,
                "a block without a language; commands are `sh`, any other text is `text`",
            ),
        }
    }

    fn commands(&mut self, line: usize, text: String, mark: Option<(usize, Mark)>) {
        let scene = match mark {
            None => {
                self.complain(
                    line,
                    "commands that nothing runs: mark them, `run: SCENE` or `not run: REASON`",
                );
                None
            }
            Some((at, Mark::Run(name))) => {
                let scene = Scene::by_name(&name);
                if scene.is_none() {
                    let all = Scene::ALL.map(Scene::name).join(", ");
                    self.complain(at, &format!("no scene is called `{name}`; there are {all}"));
                }
                scene
            }
            Some((at, Mark::NotRun(why))) => {
                if why.is_empty() {
                    self.complain(at, "`not run:` does not say why");
                }
                None
            }
        };
        for (n, command) in text.lines().enumerate() {
            self.spelling(line + n, command);
        }
        self.blocks.push(Block { line, text, scene });
    }

    /// Something to look at only; commands may not hide there.
    fn listing(&mut self, line: usize, text: &str) {
        if let Some(n) = text.lines().position(looks_like_a_command) {
            self.complain(
                line + n,
                "a command in a block that is not of the language `sh`",
            );
        }
    }
}

/// Whether somebody is to type this.
fn looks_like_a_command(line: &str) -> bool {
    const PROGRAMS: &[&str] = &[
        "apt-get",
        "cargo",
        "cat",
        "cd",
        "cp",
        "dnf",
        "echo",
        "git",
        "grep",
        "herd7",
        "ln",
        "make",
        "mkdir",
        "mount",
        "pacman",
        "patch",
        "scripts/config",
        "spin",
        "sudo",
    ];
    let line = line.trim_start();
    let typed = line
        .strip_prefix("$ ")
        .or_else(|| line.strip_prefix("# "))
        .unwrap_or(line);
    let first = typed.split_whitespace().next().unwrap_or_default();
    line.starts_with("$ ") || PROGRAMS.contains(&first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(name: &str, text: &str) -> String {
        Document::read(name, text).complaints.join("\n")
    }

    #[test]
    fn marked_blocks_have_scenes() {
        let text =
            "<!-- run: tree -->\n```sh\na\n```\n\n<!-- not run: too long -->\n```sh\nb\n```\n\
            \n```text\nfree text\n```\n";
        let document = Document::read("a.md", text);
        assert_eq!(document.complaints, [""; 0]);
        let block = |line: usize, text: &str, scene: Option<Scene>| Block {
            line,
            text: text.to_owned(),
            scene,
        };
        assert_eq!(
            document.blocks,
            [block(3, "a\n", Some(Scene::Tree)), block(8, "b\n", None)]
        );
        let rst = "Title\n=====\n\n.. run: guest\n\n.. code-block:: sh\n\n  a\n";
        let document = Document::read("a.rst", rst);
        assert_eq!(document.complaints, [""; 0]);
        assert_eq!(document.blocks, [block(8, "a\n", Some(Scene::Guest))]);
    }

    #[test]
    fn commands_without_a_mark_are_refused() {
        let unmarked = "a.md:2: commands that nothing runs";
        assert!(complaints("a.md", "```sh\na\n```\n").starts_with(unmarked));
        // A mark is of the next block only.
        let apart = "<!-- run: tree -->\ntext\n```sh\na\n```\n";
        let wrong = complaints("a.md", apart);
        assert!(wrong.contains("a.md:1: no block of sh follows"), "{wrong}");
        assert!(
            wrong.contains("a.md:4: commands that nothing runs"),
            "{wrong}"
        );
        let misspelt = "<!-- runs: tree -->\n```sh\na\n```\n";
        assert!(complaints("a.md", misspelt).contains("nothing runs"));
        let rst = ".. code-block:: sh\n\n  a\n";
        assert!(complaints("a.rst", rst).starts_with("a.rst:3: commands that nothing runs"));
    }

    #[test]
    fn marks_that_say_nothing_are_refused() {
        let text = "<!-- run: moon -->\n```sh\na\n```\n";
        assert!(complaints("a.md", text).contains("no scene is called `moon`"));
        let text = "<!-- not run: -->\n```sh\na\n```\n";
        assert!(complaints("a.md", text).contains("does not say why"));
        let text = "<!-- run: tree -->\n```text\na\n```\n";
        assert!(complaints("a.md", text).contains("no block of sh follows"));
        assert!(complaints("a.md", "<!-- run: tree -->\n").contains("no block of sh follows"));
    }

    #[test]
    fn commands_in_other_blocks_are_refused() {
        for text in [
            "    make\n",
            "```\nmake\n```\n",
            "```bash\nmake\n```\n",
            "```text\nsee\n  make run\n```\n",
            "```text\n$ ./x\n```\n",
            "```text\n# cat /proc/1/maps\n```\n",
        ] {
            assert_ne!(complaints("a.md", text), "", "{text}");
        }
        assert!(complaints("a.rst", "So::\n\n  make run\n").contains("a.rst:3"));
        assert_eq!(complaints("a.rst", "So::\n\n  mmap_lock\n  # why\n"), "");
    }

    #[test]
    fn commands_are_spelt_as_they_are() {
        let wrong = complaints("a.md", "Text, and `cargo xtask nonsense`.\n");
        assert!(wrong.starts_with("a.md:1: "), "{wrong}");
        let text = "<!-- not run: why -->\n```sh\nx\ncargo xtask doctor --nonsense\n```\n";
        assert!(complaints("a.md", text).starts_with("a.md:4: "));
    }
}
