// SPDX-License-Identifier: GPL-2.0

//! Kernel configurations: fragments joined, and what became of each request.

use std::collections::BTreeMap;

pub type Options = BTreeMap<String, String>;

/// The options of a .config or fragment; "n" for those that are off.
pub fn parse(text: &str) -> Options {
    let mut options = Options::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("# CONFIG_") {
            if let Some(name) = name.strip_suffix(" is not set") {
                options.insert(name.to_owned(), "n".to_owned());
            }
        } else if let Some((name, value)) =
            line.strip_prefix("CONFIG_").and_then(|l| l.split_once('='))
        {
            options.insert(name.to_owned(), value.to_owned());
        }
    }
    options
}

/// Later fragments override earlier ones.
pub fn merge(fragments: &[String]) -> Options {
    let mut all = Options::new();
    for text in fragments {
        all.extend(parse(text));
    }
    all
}

/// As a .config that olddefconfig completes.
pub fn render(options: &Options) -> String {
    options
        .iter()
        .map(|(name, value)| match value.as_str() {
            "n" => format!("# CONFIG_{name} is not set\n"),
            value => format!("CONFIG_{name}={value}\n"),
        })
        .collect()
}

/// A request that was not honoured.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    pub name: String,
    pub wanted: String,
    pub got: String,
}

/// Whether something that was built in, or as a module, is off now.
pub fn lost_any(before: &Options, now: &Options) -> bool {
    let is_on = |value: &String| matches!(value.as_str(), "y" | "m");
    before
        .iter()
        .any(|(name, value)| is_on(value) && !now.get(name).is_some_and(is_on))
}

pub fn refused(wanted: &Options, got: &Options) -> Vec<Refused> {
    wanted
        .iter()
        .filter_map(|(name, value)| {
            let have = got.get(name).map_or("n", String::as_str);
            (have != value).then(|| Refused {
                name: name.clone(),
                wanted: value.clone(),
                got: have.to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_override() {
        let all = merge(&[
            "# comment\nCONFIG_A=y\nCONFIG_B=m\nCONFIG_S=\"a=b\"\n".to_owned(),
            "# CONFIG_A is not set\nCONFIG_C=64\nCONFIG_B=n\n".to_owned(),
        ]);
        assert_eq!(
            render(&all),
            "# CONFIG_A is not set\n# CONFIG_B is not set\nCONFIG_C=64\nCONFIG_S=\"a=b\"\n"
        );
    }

    #[test]
    fn refusals_are_named() {
        let wanted = parse("CONFIG_A=y\nCONFIG_B=n\nCONFIG_C=y\n");
        let got = parse("CONFIG_A=y\n# CONFIG_C is not set\n");
        let refused = refused(&wanted, &got);
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].name, "C");
        assert_eq!(refused[0].got, "n");
    }

    #[test]
    fn what_is_lost_was_on() {
        let before = parse("CONFIG_A=y\nCONFIG_B=m\nCONFIG_S=\"y\"\n# CONFIG_C is not set\n");
        assert!(!lost_any(
            &before,
            &parse("CONFIG_A=m\nCONFIG_B=y\nCONFIG_C=y\n")
        ));
        assert!(lost_any(&before, &parse("CONFIG_A=y\nCONFIG_B=n\n")));
        assert!(lost_any(&before, &parse("CONFIG_B=m\n")));
        assert!(!lost_any(&Options::new(), &before));
    }
}
