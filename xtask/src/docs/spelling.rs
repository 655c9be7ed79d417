// SPDX-License-Identifier: GPL-2.0

//! Commands that a document only names: their subcommands and options must be there.

use clap::{Arg, Command, CommandFactory};

const XTASK: [&str; 2] = ["cargo", "xtask"];

/// What is wrong with `cargo xtask …`; other commands are not looked at. Words in capitals stand
/// for something else.
pub fn complaint(command: &str) -> Option<String> {
    let words = shlex::split(command)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [a, b, words @ ..] = words.as_slice() else {
        return None;
    };
    if [*a, *b] != XTASK {
        return None;
    }
    let mut cli = crate::Cli::command();
    cli.build();
    complaint_of(&cli, words)
}

fn complaint_of(cli: &Command, words: &[&str]) -> Option<String> {
    let mut words = words.iter().take_while(|word| **word != "--").peekable();
    let mut command = cli;
    if let Some(name) = words.next_if(|word| !word.starts_with('-') && !is_placeholder(word)) {
        match cli.find_subcommand(name) {
            Some(found) => command = found,
            None => return Some(format!("`cargo xtask` has no command `{name}`")),
        }
    }
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (*word, None),
        };
        let Some(option) = name.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            continue;
        };
        let Some(arg) = command.get_arguments().find(|arg| is_called(arg, option)) else {
            return Some(format!(
                "`cargo xtask {}` has no {name}",
                command.get_name()
            ));
        };
        if !arg.get_action().takes_values() {
            continue;
        }
        let Some(value) = value.or_else(|| words.next().copied()) else {
            return Some(format!("{name} wants a value"));
        };
        if let Some(wrong) = wrong_value(arg, value) {
            return Some(format!("{name} can't be `{wrong}`"));
        }
    }
    None
}

fn is_placeholder(word: &str) -> bool {
    !word.chars().any(|c| c.is_ascii_lowercase())
}

/// `option` is a name without its first dash.
fn is_called(arg: &Arg, option: &str) -> bool {
    match option.strip_prefix('-') {
        Some(long) => arg.get_long() == Some(long),
        None => arg
            .get_short()
            .is_some_and(|short| option == short.to_string()),
    }
}

/// The one of the values that the option does not know, if it knows all it takes.
fn wrong_value<'a>(arg: &Arg, value: &'a str) -> Option<&'a str> {
    let known = arg.get_possible_values();
    if known.is_empty() || is_placeholder(value) {
        return None;
    }
    value
        .split(',')
        .find(|one| !known.iter().any(|k| k.matches(one, false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is() {
        for command in [
            "cargo xtask --help",
            "cargo xtask test --full --only spin",
            "cargo xtask vm --kernel freepte -- CMD --nonsense",
            "cargo xtask build --kernel=off --print-image",
            "cargo xtask build --kernel VARIANT",
            "cargo xtask ksft --kernels stock,debug [CATEGORY…]",
            "cargo xtask ptmap --file TEXT -o FILE # a comment",
            "cargo xtask COMMAND --help",
            "make nonsense",
            "cargo nonsense",
            "it's no command",
        ] {
            assert_eq!(complaint(command), None, "{command}");
        }
    }

    #[test]
    fn what_there_is_not() {
        for command in [
            "cargo xtask nonsense",
            "cargo xtask test --nonsense",
            "cargo xtask build --kernel nonsense",
            "cargo xtask ksft --kernels stock,nonsense",
            "cargo xtask ptmap -x FILE",
            "cargo xtask bench --html",
        ] {
            assert!(complaint(command).is_some(), "{command}");
        }
    }
}
