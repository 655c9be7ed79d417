// SPDX-License-Identifier: GPL-2.0

//! The text, read: a line for each table, in order of address and depth first, and the totals.

use anyhow::{bail, ensure, Context, Result};
use std::ops::Range;

/// Entries of a table of any level.
pub const ENTRIES: u32 = 512;

const HEADER: [&str; 4] = ["level", "start", "populated", "refs"];

/// From the top down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Pgd,
    P4d,
    Pud,
    Pmd,
    Pte,
}

impl Level {
    pub const ALL: [Self; 5] = [Self::Pgd, Self::P4d, Self::Pud, Self::Pmd, Self::Pte];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pgd => "pgd",
            Self::P4d => "p4d",
            Self::Pud => "pud",
            Self::Pmd => "pmd",
            Self::Pte => "pte",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// What a table of this level maps, as a power of two.
    pub fn shift(self) -> u32 {
        match self {
            Self::Pgd => 57,
            Self::P4d => 48,
            Self::Pud => 39,
            Self::Pmd => 30,
            Self::Pte => 21,
        }
    }

    /// Whether a table of that level may hang below one of this level: only p4d may be left out.
    fn above(self, below: Self) -> bool {
        below as u8 == self as u8 + 1 || (self, below) == (Self::Pgd, Self::Pud)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    pub level: Level,
    pub start: u64,
    /// Entries that are not none
    pub populated: u32,
    /// Long-lived references, of PTE tables
    pub refs: Option<u32>,
}

impl Table {
    /// The addresses that it maps.
    pub fn range(&self) -> Range<u64> {
        self.start..self.start.saturating_add(1 << self.level.shift())
    }

    fn parse(line: &str) -> Result<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        let &[level, start, populated, refs] = words.as_slice() else {
            bail!("{} words instead of {}", words.len(), HEADER.len());
        };
        let level = Level::named(level).with_context(|| format!("no level is named {level:?}"))?;
        let start = start
            .strip_prefix("0x")
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .with_context(|| format!("{start:?} is no address"))?;
        ensure!(
            start.trailing_zeros() >= level.shift(),
            "no {} table begins at {start:#x}",
            level.name()
        );
        let populated = number(populated)?;
        ensure!(
            populated <= ENTRIES,
            "{populated} of {ENTRIES} entries are populated"
        );
        let refs = (refs != "-").then(|| number(refs)).transpose()?;
        ensure!(
            refs.is_none() || level == Level::Pte,
            "only PTE tables have references"
        );
        Ok(Self {
            level,
            start,
            populated,
            refs,
        })
    }
}

fn number(word: &str) -> Result<u32> {
    word.parse()
        .with_context(|| format!("{word:?} is no number"))
}

/// What the last line says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Tables of each level, from the top down
    pub tables: [u64; 5],
    pub kb: u64,
    /// Entries of PTE tables that are populated
    pub populated: u64,
}

impl Totals {
    pub fn all(&self) -> u64 {
        self.tables.iter().sum()
    }

    /// Entries of PTE tables, populated or not.
    pub fn entries(&self) -> u64 {
        self.tables[Level::Pte as usize] * u64::from(ENTRIES)
    }

    /// The numbers of the line, in order; the words between them must be the right ones.
    fn parse(line: &str) -> Result<Self> {
        const WORDS: &str = "total pgd # p4d # pud # pmd # pte #: # tables, # kB; \
                             # of # entries of pte tables populated";
        let mut numbers = [0; 9];
        let mut free = numbers.iter_mut();
        let mut words = line.split_whitespace();
        for wanted in WORDS.split_whitespace() {
            let word = words.next().context("the totals are cut off")?;
            let Some(end) = wanted.strip_prefix('#') else {
                ensure!(word == wanted, "{word:?} instead of {wanted:?}");
                continue;
            };
            let found = word.strip_suffix(end).and_then(|word| word.parse().ok());
            *free.next().context("more numbers than places")? =
                found.with_context(|| format!("{word:?} is no number"))?;
        }
        if let Some(word) = words.next() {
            bail!("{word:?} after the totals");
        }
        let [pgd, p4d, pud, pmd, pte, all, kb, populated, entries] = numbers;
        let totals = Self {
            tables: [pgd, p4d, pud, pmd, pte],
            kb,
            populated,
        };
        ensure!(
            all == totals.all() && entries == totals.entries(),
            "the totals do not add up"
        );
        Ok(totals)
    }

    fn add(&mut self, table: &Table) {
        self.tables[table.level as usize] += 1;
        if table.level == Level::Pte {
            self.populated += u64::from(table.populated);
        }
    }
}

/// The page tables of one address space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// In order of address, depth first: a table comes right before those below it
    pub tables: Vec<Table>,
    pub totals: Totals,
}

impl Tree {
    /// Read the text; an error tells the line that is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines().zip(1..);
        let (first, _) = lines.next().context("line 1: there is no text")?;
        ensure!(
            first.split_whitespace().eq(HEADER),
            "line 1: {first:?} is not the header"
        );
        let mut growing = Growing::default();
        while let Some((line, number)) = lines.next() {
            let at = || format!("line {number}");
            if !line.starts_with("total") {
                growing.line(line).with_context(at)?;
                continue;
            }
            let tree = growing.end(line).with_context(at)?;
            if let Some((line, number)) = lines.next() {
                bail!("line {number}: {line:?} after the totals");
            }
            return Ok(tree);
        }
        bail!("line {}: the totals are missing", text.lines().count() + 1)
    }

    /// PTE tables without any populated entry.
    pub fn empty(&self) -> usize {
        let empty = |t: &&Table| t.level == Level::Pte && t.populated == 0;
        self.tables.iter().filter(empty).count()
    }
}

#[derive(Default)]
struct Growing {
    tables: Vec<Table>,
    counted: Totals,
    /// From the top down to the last table
    path: Vec<Table>,
}

impl Growing {
    fn line(&mut self, line: &str) -> Result<()> {
        let table = Table::parse(line)?;
        let mut before = None;
        while self.path.last().is_some_and(|t| t.level >= table.level) {
            before = self.path.pop();
        }
        match self.path.last() {
            None => ensure!(
                table.level == Level::Pgd && self.tables.is_empty(),
                "one pgd comes first, and only one"
            ),
            Some(above) => {
                ensure!(
                    above.level.above(table.level) && above.range().contains(&table.start),
                    "there is no table above this one"
                );
                ensure!(
                    before.is_none_or(|t| t.start < table.start),
                    "this table comes after one of a higher address"
                );
            }
        }
        self.counted.add(&table);
        self.path.push(table);
        self.tables.push(table);
        Ok(())
    }

    fn end(self, line: &str) -> Result<Tree> {
        let totals = Totals::parse(line)?;
        let counted = Totals {
            kb: totals.kb,
            ..self.counted
        };
        ensure!(
            totals == counted,
            "the totals are not those of the lines above"
        );
        Ok(Tree {
            tables: self.tables,
            totals,
        })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn table(level: Level, start: u64, populated: u32) -> Table {
        Table {
            level,
            start,
            populated,
            refs: (level == Level::Pte).then_some(0),
        }
    }

    /// The text as the kernel prints it.
    pub fn print(tables: &[Table]) -> String {
        let mut text = String::from("level              start populated refs\n");
        let mut totals = Totals::default();
        let five = tables.iter().any(|t| t.level == Level::P4d);
        for t in tables {
            let skipped = usize::from(!five && t.level > Level::P4d);
            let depth = t.level as usize - skipped;
            let name = format!("{:depth$}{}", "", t.level.name());
            let refs = t.refs.map_or("-".to_owned(), |refs| refs.to_string());
            text += &format!("{name:<6} {:#018x} {:9} {refs:>4}\n", t.start, t.populated);
            totals.add(t);
        }
        let [pgd, p4d, pud, pmd, pte] = totals.tables;
        let (all, kb) = (totals.all(), 4 * totals.all());
        let (populated, entries) = (totals.populated, totals.entries());
        text + &format!(
            "total pgd {pgd} p4d {p4d} pud {pud} pmd {pmd} pte {pte}: {all} tables, {kb} kB; \
             {populated} of {entries} entries of pte tables populated\n"
        )
    }

    pub fn small() -> Vec<Table> {
        vec![
            table(Level::Pgd, 0, 2),
            table(Level::Pud, 0x5580_0000_0000, 1),
            table(Level::Pmd, 0x5580_0000_0000, 2),
            table(Level::Pte, 0x5580_1220_0000, 117),
            Table {
                refs: Some(3),
                ..table(Level::Pte, 0x5580_1240_0000, 0)
            },
            table(Level::Pud, 0x7f80_0000_0000, 1),
            table(Level::Pmd, 0x7fff_c000_0000, 1),
            table(Level::Pte, 0x7fff_ffe0_0000, 512),
        ]
    }

    fn error(text: &str) -> String {
        match Tree::parse(text) {
            Ok(tree) => panic!("{tree:?}"),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn what_is_printed_is_read() -> Result<()> {
        let tree = Tree::parse(&print(&small()))?;
        assert_eq!(tree.tables, small());
        assert_eq!(tree.totals.tables, [1, 0, 2, 2, 3]);
        assert_eq!(
            (tree.totals.kb, tree.totals.populated, tree.empty()),
            (32, 629, 1)
        );
        Ok(())
    }

    #[test]
    fn columns_may_be_of_any_width() -> Result<()> {
        let text = "level start populated refs
            pgd 0x0 1 -
             pud 0x0 1 -
              pmd 0x0 1 -
                pte 0x0000000000200000 7 -
total pgd 1 p4d 0 pud 1 pmd 1 pte 1: 4 tables, 16 kB; 7 of 512 entries of pte tables populated";
        assert_eq!(Tree::parse(text)?.tables[3].refs, None);
        Ok(())
    }

    #[test]
    fn five_levels() -> Result<()> {
        let tables = [
            table(Level::Pgd, 0, 2),
            table(Level::P4d, 0, 1),
            table(Level::Pud, 0x5500_0000_0000, 0),
            table(Level::P4d, 1 << 48, 0),
        ];
        let tree = Tree::parse(&print(&tables))?;
        assert_eq!(tree.totals.tables, [1, 2, 1, 0, 0]);
        Ok(())
    }

    #[test]
    fn an_error_tells_its_line() {
        let good = print(&small());
        for (from, to, expected) in [
            ("populated refs", "refs", "line 1: "),
            (
                "pmd  0x",
                "pmd  ",
                "line 4: \"0000558000000000\" is no address",
            ),
            ("pmd  0x00005580000", "pmd  0x00005580002", "line 4: no pmd"),
            ("      117", "      513", "line 5: 513 of 512"),
            ("      117", "     -117", "line 5: \"-117\" is no number"),
            ("117    0", "117     ", "line 5: 3 words instead of 4"),
            ("117    0", "117 0 0", "line 5: 5 words instead of 4"),
            ("2    -", "2    1", "line 2: only PTE tables"),
            ("  pmd ", "  pme ", "line 4: no level is named \"pme\""),
            ("  pmd ", "  pte ", "line 4: there is no table above"),
            ("558012400000", "558012000000", "line 6: this table"),
            ("558012400000", "559012400000", "line 6: there is no"),
            (" pud  ", " pgd  ", "line 3: "),
            ("pte 3:", "pte 3", "line 10: \"3\" is no number"),
            ("pte 3:", "pte 4:", "line 10: the totals do not add up"),
            ("629 of", "628 of", "line 10: the totals are not those"),
            ("tables, ", "tables ", "line 10: \"tables\" instead of"),
            ("kB; 629", "", "line 10: "),
            (" populated\n", "\n", "line 10: the totals are cut off"),
            (" populated\n", " populated now\n", "line 10: \"now\" after"),
        ] {
            assert!(good.contains(from), "{from:?} in {good}");
            let text = good.replacen(from, to, 1);
            let told = error(&text);
            assert!(told.starts_with(expected), "{told:?} for {text}");
        }
        assert_eq!(error(""), "line 1: there is no text");
        assert!(error(&(good.clone() + "x\n")).starts_with("line 11: \"x\" after"));
    }

    #[test]
    fn a_text_that_is_cut_off_is_an_error() {
        let text = print(&small());
        for (end, _) in text.char_indices().step_by(3) {
            // Without the last newline nothing is missing.
            if end + 1 < text.len() {
                assert!(error(&text[..end]).starts_with("line "));
            }
        }
        let lines: Vec<_> = text.lines().take(4).collect();
        assert_eq!(error(&lines.join("\n")), "line 5: the totals are missing");
    }
}
