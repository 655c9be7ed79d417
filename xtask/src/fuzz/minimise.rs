// SPDX-License-Identifier: GPL-2.0

//! From a list on which two kernels differ to a short one on which they still do.

use super::ddmin::Ddmin;
use super::log::{self, Log};
use super::side::{Look, Runner, Side, Work};
use anyhow::Result;

/// Operations, as text.
pub type List = Vec<String>;

/// Operations of one boot: with more, an early answer would have to wait too long.
const AT_ONCE: usize = 20_000;

pub struct Judge<'a> {
    pub runner: &'a Runner<'a>,
    pub sides: &'a [Side; 2],
}

impl Judge<'_> {
    /// The names of the two kernels.
    pub fn names(&self) -> [&'static str; 2] {
        self.sides.each_ref().map(|side| side.variant.name())
    }

    fn both(&self, lists: &[List], look: Look) -> Result<Vec<(Log, Log)>> {
        let named: Vec<_> = lists
            .iter()
            .enumerate()
            .map(|(n, list)| (n.to_string(), list.clone()))
            .collect();
        let work = Work::Lists(&named);
        let logs = self.runner.run_all(self.sides, &work, look)?;
        let [a, b]: [Vec<Log>; 2] = logs.try_into().unwrap_or_default();
        Ok(a.into_iter().zip(b).collect())
    }

    /// On which of some lists the kernels differ.
    fn differ(&self, lists: &[List]) -> Result<Vec<bool>> {
        let mut verdicts = Vec::new();
        let mut rest = lists;
        while !rest.is_empty() {
            let mut ops = 0;
            let fits = |list: &&List| {
                ops += list.len();
                ops <= AT_ONCE
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (now, later) = rest.split_at(count);
            let logs = self.both(now, Look::Digests)?;
            verdicts.extend(logs.iter().map(|(a, b)| log::difference(a, b).is_some()));
            rest = later;
        }
        Ok(verdicts)
    }

    /// What both see of a list, as text.
    pub fn show(&self, list: &List) -> Result<Option<(Log, Log)>> {
        Ok(self.both(std::slice::from_ref(list), Look::Text)?.pop())
    }

    /// The list up to where the difference shows, if it shows when that is run by itself.
    pub fn reproduce(&self, list: &List, id: Option<u32>) -> Result<Option<List>> {
        const TRIES: usize = 3;
        let cut: List = match id {
            Some(id) => list.iter().take(id as usize + 1).cloned().collect(),
            None => list.clone(),
        };
        // What a race decides may need more than one try.
        let tries: Vec<List> = [&cut, list]
            .into_iter()
            .flat_map(|list| vec![list.clone(); TRIES])
            .collect();
        let verdicts = self.differ(&tries)?;
        let found = verdicts.iter().position(|&differs| differs);
        Ok(found.and_then(|n| tries.into_iter().nth(n)))
    }

    pub fn minimise(&self, list: List) -> Result<List> {
        let mut ddmin = Ddmin::new(list, AT_ONCE);
        loop {
            let candidates = ddmin.candidates();
            if candidates.is_empty() {
                break;
            }
            eprintln!(
                "{} operations left, trying {} shorter lists",
                ddmin.list().len(),
                candidates.len()
            );
            ddmin.learn(&self.differ(&candidates)?);
        }
        self.with_one_thread(ddmin.list().to_vec())
    }

    /// All threads' operations by the first one, if that makes no difference to the difference.
    fn with_one_thread(&self, list: List) -> Result<List> {
        let simple: List = list.iter().map(|op| by_first_thread(op)).collect();
        if simple != list && self.differ(std::slice::from_ref(&simple))? == [true] {
            return Ok(simple);
        }
        Ok(list)
    }
}

fn by_first_thread(op: &str) -> String {
    let mut words = op.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some(id), Some(actor), Some(call)) if actor.starts_with('T') => format!("{id} T0 {call}"),
        _ => op.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::by_first_thread;

    #[test]
    fn threads_but_not_children() {
        assert_eq!(by_first_thread("5 T2 load(A+0x0)"), "5 T0 load(A+0x0)");
        assert_eq!(by_first_thread("5 C1 load(A+0x0)"), "5 C1 load(A+0x0)");
    }
}
