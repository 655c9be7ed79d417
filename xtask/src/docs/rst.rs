// SPDX-License-Identifier: GPL-2.0

//! The pieces of a document in reStructuredText, as far as the kernel's documents use it.

use super::piece::{Kind, Piece};

/// What Sphinx takes a literal block for: `highlight_language` of the kernel's Documentation/conf.py.
const LITERAL: &str = "none";

/// The pieces, in the order of the text.
pub fn pieces(text: &str) -> Vec<Piece> {
    let lines: Vec<&str> = text.lines().collect();
    let mut pieces = Vec::new();
    // The document with nothing but its sentences, line by line.
    let mut prose: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(&line) = lines.get(at) {
        let body = Body::below(&lines, at);
        let mut end = at + 1;
        let mut sentence = line;
        match Line::of(line) {
            Line::CodeBlock(language) => {
                pieces.push(body.block(&lines, language));
                (sentence, end) = ("", body.end);
            }
            Line::Comment(text) => {
                let text = format!("{text}\n{}", body.lines(&lines).join("\n"));
                let kind = Kind::Comment(text.trim().to_owned());
                pieces.push(Piece::new(at + 1, kind));
                (sentence, end) = ("", body.end);
            }
            Line::BeforeLiteral if !body.is_empty() => {
                pieces.push(Piece::new(at + 1, Kind::Prose));
                pieces.push(body.block(&lines, Some(LITERAL)));
                end = body.end;
            }
            Line::Empty => {}
            Line::Prose | Line::BeforeLiteral => pieces.push(Piece::new(at + 1, Kind::Prose)),
        }
        prose.push(sentence);
        prose.resize(end, "");
        at = end;
    }
    pieces.extend(code(&prose.join("\n")));
    pieces.sort_by_key(|piece| piece.line);
    pieces
}

/// What a line is that begins something.
enum Line<'a> {
    /// `.. code-block:: LANGUAGE`, by any of its names
    CodeBlock(Option<&'a str>),
    Comment(&'a str),
    /// It ends with `::`
    BeforeLiteral,
    Empty,
    Prose,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let line = line.trim();
        let Some(marked) = line.strip_prefix(".. ") else {
            return match line {
                "" => Self::Empty,
                line if line.ends_with("::") => Self::BeforeLiteral,
                _ => Self::Prose,
            };
        };
        match directive(marked) {
            Some(("code-block" | "sourcecode" | "code", language)) => {
                Self::CodeBlock(Some(language).filter(|l| !l.is_empty()))
            }
            // What is below most of them is text as any other.
            Some(_) => Self::Prose,
            None => Self::Comment(marked),
        }
    }
}

/// Name and argument of `NAME:: ARGUMENT`.
fn directive(text: &str) -> Option<(&str, &str)> {
    let (name, argument) = text.split_once("::")?;
    let in_name = |c: char| c.is_ascii_alphanumeric() || "-_:".contains(c);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(in_name);
    let apart = argument.is_empty() || argument.starts_with(' ');
    (is_name && apart).then(|| (name, argument.trim()))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The indented lines below a line.
struct Body {
    start: usize,
    end: usize,
}

impl Body {
    fn below(lines: &[&str], at: usize) -> Self {
        let outer = lines.get(at).map_or(0, |line| indent(line));
        let mut body = Self {
            start: at + 1,
            end: at + 1,
        };
        for (n, line) in lines.iter().enumerate().skip(at + 1) {
            if line.trim().is_empty() {
                continue;
            }
            if indent(line) <= outer {
                break;
            }
            body.end = n + 1;
        }
        body
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn lines<'a>(&self, lines: &[&'a str]) -> Vec<&'a str> {
        lines.get(self.start..self.end).unwrap_or_default().to_vec()
    }

    /// As a block, without the directive's options, empty lines at its start, and indentation.
    fn block(&self, lines: &[&str], language: Option<&str>) -> Piece {
        let all = self.lines(lines);
        let option = |line: &&&str| line.trim_start().starts_with(':');
        let options = all.iter().take_while(option).count();
        let empty = |line: &&&str| line.trim().is_empty();
        let skipped = options + all.iter().skip(options).take_while(empty).count();
        let rest = all.get(skipped..).unwrap_or_default();
        let filled = rest.iter().filter(|line| !line.trim().is_empty());
        let common = filled.map(|line| indent(line)).min().unwrap_or(0);
        let text = rest
            .iter()
            .map(|line| format!("{}\n", line.get(common..).unwrap_or_default()))
            .collect();
        let language = language.map(str::to_owned);
        Piece::new(self.start + skipped + 1, Kind::Block { language, text })
    }
}

/// What is between double backquotes, be it on two lines.
fn code(prose: &str) -> Vec<Piece> {
    let mut line = 1;
    let mut found = Vec::new();
    for (n, part) in prose.split("``").enumerate() {
        if n % 2 == 1 {
            let words: Vec<&str> = part.split_whitespace().collect();
            found.push(Piece::new(line, Kind::Code(words.join(" "))));
        }
        line += part.matches('\n').count();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::piece::tests::{block, comment};
    use super::*;

    const TEXT: &str = "\
.. SPDX-License-Identifier: GPL-2.0

=====
Title
=====

.. note::

   This is read by ``some
   program`` and shown::

     literal ``x``

       deeper

Text.

.. run: guest

.. code-block:: sh
   :caption: what it is

   one

   two
.. of two
   lines

.. code-block:: none

  three
.. kernel-doc:: a.h
Ends here::

no block
";

    #[test]
    fn blocks_and_comments() {
        let found: Vec<Piece> = pieces(TEXT)
            .into_iter()
            .filter(|p| !matches!(p.kind, Kind::Prose | Kind::Code(_)))
            .collect();
        assert_eq!(
            found,
            [
                comment(1, "SPDX-License-Identifier: GPL-2.0"),
                block(12, Some("none"), "literal ``x``\n\n  deeper\n"),
                comment(18, "run: guest"),
                block(23, Some("sh"), "one\n\ntwo\n"),
                comment(26, "of two\n   lines"),
                block(31, Some("none"), "three\n"),
            ]
        );
    }

    #[test]
    fn a_block_without_a_language() {
        let found = pieces(".. code-block::\n\n  x\n");
        assert_eq!(found, [block(3, None, "x\n")]);
    }

    #[test]
    fn code_in_sentences() {
        let found: Vec<Piece> = pieces(TEXT)
            .into_iter()
            .filter(|p| matches!(p.kind, Kind::Code(_)))
            .collect();
        assert_eq!(
            found,
            [Piece::new(9, Kind::Code("some program".to_owned()))]
        );
    }
}
