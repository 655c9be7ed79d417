// SPDX-License-Identifier: GPL-2.0

//! The scene of who has freepte's kernel running: a guest, in which all documents have their turn.

use super::script::{self, Script, BASH};
use crate::build::Variant;
use crate::cmd;
use crate::paths::Paths;
use crate::vm::{self, Machine, Sink};
use anyhow::{anyhow, bail, Context, Result};

/// The line that comes before what the commands of a document print.
const BEGIN: &str = "commands of ";

/// Runs each file that it is given, in a shell of its own, up to the first that fails.
fn driver() -> String {
    let bash = BASH.join(" ");
    format!(
        r#"exec 2>&1; n=0; for file in "$@"; do echo "{BEGIN}$n"; {bash} "$file" || exit; n=$((n + 1)); done"#
    )
}

/// Boot once, run the commands of every document.
pub fn run(paths: &Paths, scripts: &[Script]) -> Result<()> {
    let dir = script::dir(paths)?;
    let mut command = ["bash", "-c", &driver(), "docs"]
        .map(str::to_owned)
        .to_vec();
    for script in scripts {
        let file = script.write(&dir)?;
        command.push(file.to_string_lossy().into_owned());
    }
    let machine = Machine {
        timeout: 600,
        ..Machine::default()
    };
    let outcome = vm::run(
        paths,
        Variant::Freepte,
        None,
        &machine,
        Sink::Capture,
        &command,
    )?;
    if let Some(trouble) = outcome.trouble() {
        bail!("{trouble}");
    }
    judge(scripts, outcome.exit_code(), &outcome.stdout)
}

/// Whether all went well, by the driver's exit status and output.
fn judge(scripts: &[Script], status: i32, output: &str) -> Result<()> {
    let (begun, last) = match output.rsplit_once(BEGIN) {
        Some((_, rest)) => rest.split_once('\n').unwrap_or((rest, "")),
        None => bail!("no document's commands were begun: {output}"),
    };
    let n: usize = begun.trim().parse().context("the driver's output")?;
    let script = scripts.get(n).context("the driver's output")?;
    if status != 0 {
        let err = anyhow!(
            "ended with {status}; the end of its output:\n{}",
            cmd::tail(last, 30)
        );
        return Err(script.blame(last, err));
    }
    if n + 1 < scripts.len() {
        bail!("only {} documents had their commands run", n + 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::super::scene::Scene;
    use super::*;
    use crate::children;
    use std::process::Command;

    /// The driver, run here instead of in a guest.
    fn outcome(commands: &[&str]) -> Result<()> {
        let tmp = tempfile::tempdir()?;
        let mut scripts = Vec::new();
        let mut bash = Command::new("bash");
        bash.args(["-c", &driver(), "docs"]);
        for (n, commands) in commands.iter().enumerate() {
            let text = format!("T\n=\n\n.. run: guest\n\n.. code-block:: sh\n\n  {commands}\n");
            let document = Document::read(&format!("{n}.rst"), &text);
            let script = Script::of(&document, Scene::Guest).context("no script")?;
            bash.arg(script.write(tmp.path())?);
            scripts.push(script);
        }
        let out = children::output(&mut bash)?;
        let output = String::from_utf8_lossy(&out.stdout);
        judge(&scripts, out.status.code().unwrap_or(-1), &output)
    }

    #[test]
    fn all_documents_have_their_turn() -> Result<()> {
        outcome(&["true"])?;
        outcome(&["cd /", "echo x", "test $PWD != / || exit 1"])
    }

    #[test]
    fn what_fails_is_named() {
        let text = format!(
            "{:#}",
            outcome(&["true", "echo x; false", "true"]).unwrap_err()
        );
        assert!(text.starts_with("1.rst:8: `false`: ended with 1"), "{text}");
        assert!(text.contains("\nx\n"), "{text}");
    }

    #[test]
    fn a_silent_driver_proves_nothing() {
        let document = Document::read("a.md", "\n<!-- run: guest -->\n```sh\ntrue\n```\n");
        let scripts = [Script::of(&document, Scene::Guest).unwrap()];
        assert!(judge(&scripts, 0, "").is_err());
        assert!(judge(&scripts, 0, "commands of 0\n").is_ok());
    }
}
