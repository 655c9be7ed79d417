// SPDX-License-Identifier: GPL-2.0

//! Parts of a document that a program writes, between two comments:
//!
//! ```text
//! <!-- BEGIN name (who writes it) -->
//! <!-- END name -->
//! ```

use anyhow::{bail, ensure, Result};

/// Put each of the named contents into its region; the document must have just these regions.
pub fn fill(text: &str, contents: &[(&str, &str)]) -> Result<String> {
    let mut filled = String::new();
    let mut todo = contents.to_vec();
    let mut inside: Option<&str> = None;
    for line in text.lines() {
        match (mark(line), inside) {
            (Some(Mark::Begin(name)), None) => {
                let Some(at) = todo.iter().position(|(other, _)| *other == name) else {
                    bail!("nothing is there for the region {name}, or it comes twice");
                };
                let (_, content) = todo.remove(at);
                push(&mut filled, line);
                content.lines().for_each(|line| push(&mut filled, line));
                inside = Some(name);
            }
            (Some(Mark::End(name)), Some(open)) if name == open => {
                push(&mut filled, line);
                inside = None;
            }
            (Some(Mark::Begin(name) | Mark::End(name)), _) => {
                bail!("the marks of the region {name} do not pair");
            }
            (None, None) => push(&mut filled, line),
            (None, Some(_)) => {}
        }
    }
    if let Some(open) = inside {
        bail!("the region {open} does not end");
    }
    let missing: Vec<&str> = todo.iter().map(|(name, _)| *name).collect();
    ensure!(
        missing.is_empty(),
        "it has no region {}",
        missing.join(", ")
    );
    Ok(filled)
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

enum Mark<'a> {
    Begin(&'a str),
    End(&'a str),
}

fn mark(line: &str) -> Option<Mark<'_>> {
    let inner = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?;
    let mut words = inner.split_whitespace();
    match (words.next()?, words.next()?) {
        ("BEGIN", name) => Some(Mark::Begin(name)),
        ("END", name) => Some(Mark::End(name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
one
<!-- a comment -->
<!-- BEGIN cost (a program) -->
old
older
<!-- END cost -->
two
";

    #[test]
    fn only_what_is_between_the_marks_changes() -> Result<()> {
        let filled = fill(TEXT, &[("cost", "new\n")])?;
        assert_eq!(filled, TEXT.replace("old\nolder\n", "new\n"));
        assert_eq!(fill(&filled, &[("cost", "new")])?, filled);
        Ok(())
    }

    #[test]
    fn marks_that_are_wrong() {
        let error = |text: &str, names: &[(&str, &str)]| {
            let result = fill(text, names);
            result.err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert_eq!(error("one\n", &[("cost", "")]), "it has no region cost");
        assert!(error(TEXT, &[]).contains("nothing is there for the region cost"));
        let twice = format!("{TEXT}{TEXT}");
        assert!(error(&twice, &[("cost", "")]).contains("comes twice"));
        let open = TEXT.replace("END cost", "the end");
        assert!(error(&open, &[("cost", "")]).contains("does not end"));
        let other = TEXT.replace("END cost", "END run");
        assert!(error(&other, &[("cost", "")]).contains("run do not pair"));
        let no_begin = TEXT.replace("BEGIN cost", "the cost");
        assert!(error(&no_begin, &[]).contains("cost do not pair"));
    }
}
