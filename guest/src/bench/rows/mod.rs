// SPDX-License-Identifier: GPL-2.0

//! Every row there is, in the order in which they are measured and shown.

mod advise;
mod faults;
mod gup;
mod hmm;
mod io;
mod lives;
mod populate;
mod tables;
mod uffd;
mod walks;

use crate::row::Row;

pub fn all() -> Vec<Row> {
    let mut list = Vec::new();
    list.extend(faults::rows());
    list.extend(uffd::rows());
    list.extend(populate::rows());
    list.extend(lives::rows());
    list.extend(tables::rows());
    list.extend(advise::rows());
    list.extend(walks::rows());
    list.extend(gup::rows());
    list.extend(io::rows());
    list.extend(hmm::rows());
    list
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique() {
        let all = super::all();
        let names: BTreeSet<_> = all.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
    }
}
