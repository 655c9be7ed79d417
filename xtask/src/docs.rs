// SPDX-License-Identifier: GPL-2.0

//! The commands in the documents: those that are marked are run, and nothing that looks like a
//! command goes without a mark. See document.rs for the marks, scene.rs for where commands run.
//!
//! Each step reads all documents, and fails by what is wrong with the marks of any.

mod document;
mod guest;
mod markdown;
mod piece;
mod rst;
mod scene;
mod script;
mod spelling;
mod tree;

use crate::paths::Paths;
use crate::steps::Done;
use anyhow::{ensure, Context, Result};
use document::Document;
use ignore::WalkBuilder;
use scene::Scene;
use script::Script;
use std::fs;
use std::path::Path;

/// The step that runs what leaves this clone as it is.
pub fn clone(paths: &Paths) -> Result<Done> {
    each(paths, Scene::Clone, |script| {
        script.run(paths, |command| {
            command.current_dir(&paths.root);
            // make, which may have called us, would have its own make print where it is.
            for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL"] {
                command.env_remove(name);
            }
            Ok(())
        })
    })
}

/// The step that does as a user who builds freepte in a kernel tree: `mm/` and the overlay are
/// compiled, which takes minutes.
pub fn tree(paths: &Paths) -> Result<Done> {
    each(paths, Scene::Tree, |script| tree::run(paths, script))
}

/// The step that runs the rest in a guest with freepte's kernel, which has to be built.
pub fn guest(paths: &Paths) -> Result<Done> {
    let scripts = scripts(&paths.root, Scene::Guest)?;
    guest::run(paths, &scripts)?;
    Ok(told(&scripts))
}

fn each(paths: &Paths, scene: Scene, run: impl Fn(&Script) -> Result<()>) -> Result<Done> {
    let scripts = scripts(&paths.root, scene)?;
    for script in &scripts {
        run(script)?;
    }
    Ok(told(&scripts))
}

fn told(scripts: &[Script]) -> Done {
    let names: Vec<&str> = scripts.iter().map(|script| script.name.as_str()).collect();
    Done::Pass(format!("the commands of {}", names.join(", ")))
}

/// What runs in a scene; an error if nothing does, or a document's marks are wrong.
fn scripts(root: &Path, scene: Scene) -> Result<Vec<Script>> {
    let documents = documents(root)?;
    let complaints: Vec<&str> = documents
        .iter()
        .flat_map(|document| &document.complaints)
        .map(String::as_str)
        .collect();
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    let scripts: Vec<Script> = documents
        .iter()
        .filter_map(|document| Script::of(document, scene))
        .collect();
    ensure!(
        !scripts.is_empty(),
        "no document has commands for the scene `{scene}`"
    );
    Ok(scripts)
}

/// Every document of the repository: files that git ignores are none.
fn documents(root: &Path) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    let walk = WalkBuilder::new(root)
        .require_git(false)
        .sort_by_file_path(Path::cmp)
        .build();
    for entry in walk {
        let path = entry.context("looking for documents")?.into_path();
        if path.extension().is_some_and(|e| e == "md" || e == "rst") {
            let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
            let text =
                fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            documents.push(Document::read(&name, &text));
        }
    }
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::children;
    use std::process::Command;

    fn in_files(files: &[(&str, &str)], scene: Scene) -> Result<Vec<Script>> {
        let root = tempfile::tempdir()?;
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().context("no parent")?)?;
            fs::write(path, text)?;
        }
        scripts(root.path(), scene)
    }

    const MARKED: &str = "\n<!-- run: clone -->\n```sh\ntrue\n```\n";

    #[test]
    fn documents_are_found() -> Result<()> {
        let files = [
            (
                "b/c.rst",
                "\n.. run: clone\n\n.. code-block:: sh\n\n  true\n",
            ),
            ("a.md", MARKED),
            ("d.md", "no commands\n"),
            (".gitignore", "/target/\n"),
            ("target/e.md", "```\nnot ours\n```\n"),
        ];
        let found = in_files(&files, Scene::Clone)?;
        let names: Vec<&str> = found.iter().map(|script| script.name.as_str()).collect();
        assert_eq!(names, ["a.md", "b/c.rst"]);
        Ok(())
    }

    #[test]
    fn one_wrong_mark_is_enough() {
        let files = [("a.md", MARKED), ("b.md", "```sh\ntrue\n```\n")];
        let text = format!("{:#}", in_files(&files, Scene::Clone).unwrap_err());
        assert!(
            text.starts_with("b.md:2: commands that nothing runs"),
            "{text}"
        );
        assert!(in_files(&files[..1], Scene::Clone).is_ok());
    }

    #[test]
    fn a_scene_that_is_empty_proves_nothing() {
        let text = format!(
            "{:#}",
            in_files(&[("a.md", MARKED)], Scene::Tree).unwrap_err()
        );
        assert!(text.contains("no document has commands"), "{text}");
    }

    /// The step itself turns red.
    #[test]
    fn a_command_that_fails_fails_the_step() -> Result<()> {
        let root = tempfile::tempdir()?;
        let paths = Paths {
            root: root.path().to_owned(),
            cache: tempfile::tempdir()?.keep(),
        };
        let readme = root.path().join("README.md");
        fs::write(&readme, MARKED)?;
        assert!(matches!(clone(&paths)?, Done::Pass(text) if text.contains("README.md")));
        fs::write(&readme, MARKED.replace("true", "test -e no-such-file"))?;
        let text = format!("{:#}", clone(&paths).err().context("it passed")?);
        assert!(
            text.starts_with("README.md:4: `test -e no-such-file`"),
            "{text}"
        );
        fs::remove_dir_all(&paths.cache)?;
        Ok(())
    }

    /// bash reads what the documents of this repository have for each scene.
    #[test]
    fn our_own_documents() -> Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("no parent")?;
        let tmp = tempfile::tempdir()?;
        for scene in Scene::ALL {
            for script in scripts(root, scene)? {
                let file = script.write(tmp.path())?;
                let status = children::status(Command::new("bash").arg("-n").arg(&file))?;
                assert!(status.success(), "{}", script.name);
            }
        }
        Ok(())
    }
}
