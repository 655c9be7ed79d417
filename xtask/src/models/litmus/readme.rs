// SPDX-License-Identifier: GPL-2.0

//! The table in the README beside the litmus tests: it must name them all, with their results.

use super::claim::{Claim, Verdict};
use std::collections::BTreeMap;

/// What is wrong with the table, a line each.
pub fn complaints(text: &str, claims: &[Claim]) -> Vec<String> {
    let mut rows = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, result) in text.lines().filter_map(row) {
        if rows.insert(name, result).is_some() {
            wrong.push(format!("README names {name} twice"));
        }
    }
    for claim in claims {
        let expected = claim.expected.to_string();
        match rows.remove(claim.name.as_str()) {
            None => wrong.push(format!("README does not name {}", claim.name)),
            Some(result) if result == expected => {}
            Some(result) => wrong.push(format!(
                "{} expects {expected}, README says {result}",
                claim.name
            )),
        }
    }
    let gone = rows.keys();
    wrong.extend(gone.map(|name| format!("README names {name}, which is not there")));
    wrong
}

/// The name and the result, if the line is a row: `| claim | name | result | …`.
fn row(line: &str) -> Option<(&str, &str)> {
    let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
    let (name, result) = (cells.nth(1)?, cells.next()?);
    Verdict::parse(result)?;
    Some((name.trim_matches('`'), result))
}

#[cfg(test)]
mod tests {
    use super::super::claim::tests::claim;
    use super::*;

    const TABLE: &str = "\
| claim | file | expected | in the code |
|---|---|---|---|
| one | `get` | Never | here |
| | `get-no-rcu` | Sometimes DATARACE | there |
";

    #[test]
    fn a_table_that_is_right() {
        let claims = [
            claim("get", "Never"),
            claim("get-no-rcu", "Sometimes DATARACE"),
        ];
        assert!(complaints(TABLE, &claims).is_empty());
    }

    #[test]
    fn a_table_that_is_not() {
        let claims = [claim("get", "Sometimes"), claim("put", "Never")];
        let wrong = complaints(TABLE, &claims).join("\n");
        assert!(wrong.contains("get expects Sometimes, README says Never"));
        assert!(wrong.contains("does not name put"));
        assert!(wrong.contains("names get-no-rcu, which is not there"));
        let twice = format!("{TABLE}| one more | get | Never | |\n");
        assert!(complaints(&twice, &[]).join("\n").contains("get twice"));
    }
}
