// SPDX-License-Identifier: GPL-2.0

//! The pieces of a document in Markdown.

use super::piece::{Kind, Piece};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// The pieces, in the order of the text.
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut html = String::new();
    let mut block: Option<Piece> = None;
    let line = |offset: usize| line_of(text, offset);
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let (language, fence) = match kind {
                    CodeBlockKind::Indented => (None, 0),
                    CodeBlockKind::Fenced(info) => {
                        (info.split_whitespace().next().map(str::to_owned), 1)
                    }
                };
                let text = String::new();
                let kind = Kind::Block { language, text };
                block = Some(Piece::new(line(range.start) + fence, kind));
            }
            Event::End(TagEnd::CodeBlock) => pieces.extend(block.take()),
            Event::Text(part) => {
                if let Some(Kind::Block { text, .. }) = block.as_mut().map(|b| &mut b.kind) {
                    text.push_str(&part);
                }
            }
            Event::Start(Tag::HtmlBlock) => html.clear(),
            Event::Html(part) => html.push_str(&part),
            Event::End(TagEnd::HtmlBlock) => {
                let kind = comment(&html).map_or(Kind::Prose, Kind::Comment);
                pieces.push(Piece::new(line(range.start), kind));
            }
            Event::Code(code) => {
                pieces.push(Piece::new(line(range.start), Kind::Code(code.to_string())));
            }
            Event::Start(_) => pieces.push(Piece::new(line(range.start), Kind::Prose)),
            _ => {}
        }
    }
    pieces
}

/// What an HTML comment says.
fn comment(html: &str) -> Option<String> {
    let text = html.trim().strip_prefix("<!--")?.strip_suffix("-->")?;
    Some(text.trim().to_owned())
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    1 + before.iter().filter(|&&b| b == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::super::piece::tests::{block, comment};
    use super::*;

    const TEXT: &str = "\
<!-- SPDX-License-Identifier: GPL-2.0 -->
# Title

Some `code` here:

<!-- run: clone -->
```sh
one

two
```
<!-- of two
lines -->

    indented

1. A list

   <!-- not run: why -->
   ``` sh
   three
     four
   ```
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
                comment(6, "run: clone"),
                block(8, Some("sh"), "one\n\ntwo\n"),
                comment(12, "of two\nlines"),
                block(15, None, "indented\n"),
                comment(19, "not run: why"),
                block(21, Some("sh"), "three\n  four\n"),
            ]
        );
    }

    #[test]
    fn code_in_sentences_and_tables() {
        let text = "Run `a b` or\n`c`.\n\n| x |\n|---|\n| `d` |\n";
        let found: Vec<(usize, Kind)> = pieces(text)
            .into_iter()
            .filter(|p| matches!(p.kind, Kind::Code(_)))
            .map(|p| (p.line, p.kind))
            .collect();
        let code = |line: usize, text: &str| (line, Kind::Code(text.to_owned()));
        assert_eq!(found, [code(1, "a b"), code(2, "c"), code(6, "d")]);
    }
}
