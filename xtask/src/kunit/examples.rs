// SPDX-License-Identifier: GPL-2.0

//! Examples in documentation, which are tests of the `kernel` crate: counted as rustdoc does.

/// Counts the examples of a file; it wants to see the lines of its documentation in order.
#[derive(Default)]
pub struct Counter {
    count: usize,
    within: bool,
}

impl Counter {
    pub fn line(&mut self, line: &str) {
        let Some(words) = line.trim_start().strip_prefix("```") else {
            return;
        };
        self.within = !self.within;
        if self.within && is_rust(words) {
            self.count += 1;
        }
    }

    pub fn count(&self) -> usize {
        self.count
    }
}

/// Whether what stands behind a fence is said of Rust that is run.
fn is_rust(words: &str) -> bool {
    words
        .split([',', ' ', '\t'])
        .filter(|word| !word.is_empty())
        .all(|word| matches!(word, "rust" | "should_panic" | "no_run"))
}

/// The name of a file's test. Those of a file are numbered.
pub fn test_name(file: &str, number: usize) -> String {
    let file = file.replace(['/', '.'], "_");
    format!("rust_doctests_kernel: rust_doctest_kernel_{file}_{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences() {
        let mut counter = Counter::default();
        for line in [
            "One:",
            " ```",
            " let a = b;",
            " ```",
            "```text",
            "```",
            "```ignore",
            "```",
            "```rust,no_run",
            "```",
        ] {
            counter.line(line);
        }
        assert_eq!(counter.count(), 2);
    }

    #[test]
    fn names() {
        assert_eq!(
            test_name("mm/walk/mod.rs", 3),
            "rust_doctests_kernel: rust_doctest_kernel_mm_walk_mod_rs_3"
        );
    }
}
