// SPDX-License-Identifier: GPL-2.0

//! What the guest's program wrote: for each list its name, a line for each operation and each
//! observation, and a line for people.

/// What one kernel made of one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    pub name: String,
    pub lines: Vec<String>,
    pub freed: u64,
    pub millis: u64,
    pub operations: u64,
    /// Pages that reclaim took while the list ran, and nobody had asked for that
    pub reclaimed: u64,
    /// The program came to the list's end.
    pub complete: bool,
}

pub fn parse(text: &str) -> Vec<Log> {
    let mut logs: Vec<Log> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("list ") {
            logs.push(Log {
                name: name.to_owned(),
                lines: Vec::new(),
                freed: 0,
                millis: 0,
                operations: 0,
                reclaimed: 0,
                complete: false,
            });
        } else if let Some(log) = logs.last_mut() {
            match line.strip_prefix("# ") {
                Some(rest) => {
                    let numbers: Vec<u64> = rest
                        .split(' ')
                        .filter_map(|word| word.parse().ok())
                        .collect();
                    if let [operations, freed, millis, reclaimed] = numbers[..] {
                        (log.operations, log.freed) = (operations, freed);
                        (log.millis, log.reclaimed) = (millis, reclaimed);
                        log.complete = true;
                    }
                }
                None => log.lines.push(line.to_owned()),
            }
        }
    }
    logs
}

/// Where two kernels first saw something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The number of the last operation before it
    pub id: Option<u32>,
    /// The two lines; none where one of the logs had already ended
    pub lines: [Option<String>; 2],
}

/// The number of a line's operation, if it is the line of one.
fn id(line: &str) -> Option<u32> {
    line.split(' ').next()?.parse().ok()
}

pub fn difference(a: &Log, b: &Log) -> Option<Difference> {
    let most = a.lines.len().max(b.lines.len());
    let at = (0..most).find(|&n| a.lines.get(n) != b.lines.get(n))?;
    let before = a.lines.iter().take(at + 1).chain(b.lines.get(at));
    Some(Difference {
        id: before.filter_map(|line| id(line)).next_back(),
        lines: [a, b].map(|log| log.lines.get(at).cloned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "list seed 1\n0 T0 mmap 5 aa\n1 T1 load 0 bb\nseen T0 cc\n2 T0 store 0 dd\n\
        # 3 operations, 7 tables freed, 12 ms, 5 pages reclaimed\nlist seed 2\n0 T0 mmap 5 aa\n";

    #[test]
    fn two_lists() {
        let logs = parse(TEXT);
        assert_eq!(logs.len(), 2);
        assert_eq!(logs[0].name, "seed 1");
        assert_eq!(logs[0].lines.len(), 4);
        assert_eq!(
            (logs[0].operations, logs[0].freed, logs[0].millis),
            (3, 7, 12)
        );
        assert_eq!(logs[0].reclaimed, 5);
        assert!(logs[0].complete && !logs[1].complete);
    }

    #[test]
    fn the_operation_before() {
        let logs = parse(TEXT);
        let one = &logs[0];
        assert_eq!(difference(one, one), None);

        let other = &parse(&TEXT.replace("seen T0 cc", "seen T0 xx"))[0];
        let found = difference(one, other);
        assert_eq!(found.as_ref().and_then(|d| d.id), Some(1));

        let other = &parse(&TEXT.replace("2 T0 store 0", "2 T0 store -5"))[0];
        assert_eq!(difference(one, other).and_then(|d| d.id), Some(2));

        let other = &parse(&TEXT.replace("2 T0 store 0 dd\n", ""))[0];
        let found = difference(one, other);
        assert_eq!(found.as_ref().and_then(|d| d.id), Some(2));
        assert_eq!(
            found.map(|d| d.lines),
            Some([Some("2 T0 store 0 dd".to_owned()), None])
        );
    }

    #[test]
    fn what_is_for_people_does_not_count() {
        let logs = parse(TEXT);
        let other = parse(&TEXT.replace("7 tables", "9 tables"));
        assert_eq!(difference(&logs[0], &other[0]), None);
    }
}
