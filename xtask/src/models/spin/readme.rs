// SPDX-License-Identifier: GPL-2.0

//! The table in the README beside a model: it must name all bugs, where they are found, and how.

use super::model::Scenario;
use std::collections::BTreeSet;

/// What is wrong with the table, a line each.
pub fn complaints(text: &str, scenarios: &[Scenario]) -> Vec<String> {
    let table: BTreeSet<_> = text.lines().filter_map(row).collect();
    let model: BTreeSet<_> = scenarios
        .iter()
        .flat_map(|s| s.bugs.iter().map(|b| (&*s.name, &*b.name, &*b.property)))
        .collect();
    let show = |(scenario, bug, property): &(&str, &str, &str)| {
        format!("that {scenario} finds {bug}, by {property}")
    };
    let missing = model.difference(&table);
    let gone = table.difference(&model);
    missing
        .map(|found| format!("README does not say {}", show(found)))
        .chain(gone.map(|found| format!("README says {}", show(found))))
        .collect()
}

/// Scenario, bug and property of a row `| hazard | scenario | bug | property |`.
fn row(line: &str) -> Option<(&str, &str, &str)> {
    let mut cells = line.strip_prefix('|')?.split('|').map(str::trim).skip(1);
    let mut code = || cells.next()?.strip_prefix('`')?.strip_suffix('`');
    let (scenario, bug, property) = (code()?, code()?, code()?);
    // Other tables name other things; switches are in capitals.
    let switch = bug.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    switch.then_some((scenario, bug, property))
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::a_scenario;
    use super::*;

    const TABLE: &str = "\
| hazard | scenario | bug | violates |
|---|---|---|---|
| 1 | `move` | `NO_RECHECK` | `freed_once` |
| **zap** | `move` | `fault` | `munmap` |
";

    #[test]
    fn a_table_that_is_right() {
        let scenarios = [a_scenario("move", &[("NO_RECHECK", "freed_once")])];
        assert!(complaints(TABLE, &scenarios).is_empty());
    }

    #[test]
    fn a_table_that_is_not() {
        let scenarios = [a_scenario("move", &[("NO_RECHECK", "invalid end state")])];
        let wrong = complaints(TABLE, &scenarios);
        assert_eq!(wrong.len(), 2);
        assert!(wrong[0].contains("does not say that move finds NO_RECHECK, by invalid end state"));
        assert!(wrong[1].contains("README says that move finds NO_RECHECK, by freed_once"));
    }
}
