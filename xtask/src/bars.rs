// SPDX-License-Identifier: GPL-2.0

//! What freepte may cost: guest instructions against stock, from configs/bars.toml.

use crate::build::Variant;
use crate::guest;
use crate::paths::Paths;
use crate::vm::{self, Machine, Sink};
use anyhow::{bail, ensure, Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;

/// Instructions per operation, by name.
pub type Figures = BTreeMap<String, f64>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bars {
    /// At most this many times stock's instructions
    pub ratio: BTreeMap<String, f64>,
}

#[derive(Debug, PartialEq)]
pub struct Row {
    pub name: String,
    pub stock: f64,
    pub ours: f64,
    pub bar: Option<f64>,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.ours / self.stock
    }

    pub fn holds(&self) -> bool {
        // Not a number is no success.
        self.bar.is_none_or(|bar| self.ratio() <= bar)
    }
}

/// Every figure beside its bar; a bar without figures is an error.
pub fn judge(bars: &Bars, stock: &Figures, ours: &Figures) -> Result<Vec<Row>> {
    for name in bars.ratio.keys() {
        ensure!(
            stock.contains_key(name) && ours.contains_key(name),
            "configs/bars.toml has a bar for `{name}`, which was not measured"
        );
    }
    Ok(stock
        .iter()
        .filter_map(|(name, &stock)| {
            let ours = *ours.get(name)?;
            Some(Row {
                name: name.clone(),
                stock,
                ours,
                bar: bars.ratio.get(name).copied(),
            })
        })
        .collect())
}

pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<28} {:>12} {:>12} {:>8} {:>8}\n",
        "instructions per operation", "stock", "freepte", "ratio", "at most"
    );
    for row in rows {
        let bar = row.bar.map_or("-".to_owned(), |b| format!("{b:.3}"));
        let mark = if row.holds() { "" } else { "  TOO MANY" };
        text.push_str(&format!(
            "{:<28} {:>12.1} {:>12.1} {:>8.4} {bar:>8}{mark}\n",
            row.name,
            row.stock,
            row.ours,
            row.ratio()
        ));
    }
    text
}

fn measure(paths: &Paths, variant: Variant) -> Result<Figures> {
    let program = guest::program(paths, "freepte-bench")?
        .to_string_lossy()
        .into_owned();
    let machine = Machine {
        icount: true,
        timeout: 1800,
        ..Machine::default()
    };
    let command = [program, "--json".to_owned()];
    let outcome = vm::run(paths, variant, None, &machine, Sink::Capture, &command)?;
    if let Some(trouble) = outcome.trouble() {
        bail!("measuring {}: {trouble}", variant.name());
    }
    ensure!(
        outcome.status == Some(0),
        "freepte-bench failed on {}: {}{}",
        variant.name(),
        outcome.stdout,
        outcome.stderr
    );
    let figures: Figures = serde_json::from_str(&outcome.stdout)
        .with_context(|| format!("freepte-bench on {} printed no figures", variant.name()))?;
    ensure!(
        !figures.is_empty(),
        "freepte-bench measured nothing on {}",
        variant.name()
    );
    Ok(figures)
}

/// Measure both kernels, print the table, fail when a bar does not hold.
pub fn run(paths: &Paths) -> Result<String> {
    let file = paths.root.join("configs/bars.toml");
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let bars: Bars = toml::from_str(&text).with_context(|| format!("in {}", file.display()))?;
    ensure!(!bars.ratio.is_empty(), "{} has no bars", file.display());
    let stock = measure(paths, Variant::Stock)?;
    let ours = measure(paths, Variant::Freepte)?;
    let rows = judge(&bars, &stock, &ours)?;
    print!("{}", table(&rows));
    let missed = rows.iter().filter(|r| !r.holds()).count();
    ensure!(
        missed == 0,
        "{missed} of {} bars do not hold",
        bars.ratio.len()
    );
    Ok(format!("{} bars hold", bars.ratio.len()))
}

/// Touch and empty a large address space piece by piece: the program judges what piled up.
pub fn sweep(paths: &Paths) -> Result<String> {
    let program = guest::program(paths, "freepte-bench")?
        .to_string_lossy()
        .into_owned();
    let machine = Machine {
        timeout: 600,
        ..Machine::default()
    };
    let command = [program, "sweep".to_owned()];
    let outcome = vm::run(
        paths,
        Variant::Freepte,
        None,
        &machine,
        Sink::Capture,
        &command,
    )?;
    if let Some(trouble) = outcome.trouble() {
        bail!("{trouble}");
    }
    let said = outcome.stdout.trim();
    ensure!(
        outcome.status == Some(0),
        "{said}{}",
        outcome.stderr.trim_end()
    );
    Ok(said.replace('\n', "; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(list: &[(&str, f64)]) -> Figures {
        list.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect()
    }

    #[test]
    fn judging() -> Result<()> {
        let bars: Bars = toml::from_str("[ratio]\na = 1.01\nb = 1.0\n")?;
        let stock = figures(&[("a", 1000.0), ("b", 1000.0), ("c", 5.0)]);
        let rows = judge(
            &bars,
            &stock,
            &figures(&[("a", 1010.0), ("b", 1001.0), ("c", 50.0)]),
        )?;
        let holds: Vec<bool> = rows.iter().map(Row::holds).collect();
        assert_eq!(holds, [true, false, true]);
        assert!(table(&rows).contains("TOO MANY"));
        assert!(judge(&bars, &stock, &figures(&[("a", 1.0)])).is_err());
        Ok(())
    }

    #[test]
    fn nothing_measured_holds_no_bar() {
        let row = Row {
            name: "a".into(),
            stock: 0.0,
            ours: 0.0,
            bar: Some(1.0),
        };
        assert!(!row.holds());
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(toml::from_str::<Bars>("[ratio]\n[ratoi]\na = 1\n").is_err());
    }
}
