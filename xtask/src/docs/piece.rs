// SPDX-License-Identifier: GPL-2.0

//! What a document is made of, whatever its format: all that is told apart here.

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The line of the document in which the part's text begins, from 1.
    pub line: usize,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text that no reader sees
    Comment(String),
    /// Lines that are shown as they are
    Block {
        /// As the document names it, if it does
        language: Option<String>,
        text: String,
    },
    /// Words of a sentence that are shown as they are
    Code(String),
    /// Any other text
    Prose,
}

impl Piece {
    pub fn new(line: usize, kind: Kind) -> Self {
        Self { line, kind }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A block, to compare with.
    pub fn block(line: usize, language: Option<&str>, text: &str) -> Piece {
        Piece::new(
            line,
            Kind::Block {
                language: language.map(str::to_owned),
                text: text.to_owned(),
            },
        )
    }

    /// A comment, to compare with.
    pub fn comment(line: usize, text: &str) -> Piece {
        Piece::new(line, Kind::Comment(text.to_owned()))
    }
}
