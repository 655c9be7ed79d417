// SPDX-License-Identifier: GPL-2.0

//! A file of sysfs that is put back as it was.

use anyhow::{Context, Result};
use pagetables::tools;
use std::fs;

pub struct Setting {
    file: &'static str,
    found: String,
}

impl Setting {
    pub fn put(file: &'static str, value: &str) -> Result<Self> {
        let found = fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
        tools::set(file, value)?;
        Ok(Self {
            file,
            found: chosen(&found).to_owned(),
        })
    }
}

/// The word in brackets where a file names all that it could be.
fn chosen(text: &str) -> &str {
    let bracketed = text
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'));
    bracketed.map_or(text.trim(), |(word, _)| word)
}

impl Drop for Setting {
    fn drop(&mut self) {
        let _ = fs::write(self.file, &self.found);
    }
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn brackets() {
        assert_eq!(chosen("always inherit madvise [never]\n"), "never");
        assert_eq!(chosen("100\n"), "100");
    }
}
