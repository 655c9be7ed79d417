// SPDX-License-Identifier: GPL-2.0

//! Figures as text.

pub const NOT_MEASURED: &str = "not measured";
pub const NONE: &str = "–";

/// A no-break space that is narrow: between groups of digits, before units.
const THIN: char = '\u{202f}';

/// 1234.5 with its thousands set apart.
pub fn figure(value: f64) -> String {
    if !value.is_finite() || value <= 0.0 {
        return NONE.to_owned();
    }
    let text = format!("{value:.1}");
    match text.split_once('.') {
        Some((whole, part)) => format!("{}.{part}", thousands(whole)),
        None => text,
    }
}

fn thousands(digits: &str) -> String {
    let count = digits.chars().count();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (count - n).is_multiple_of(3) {
            text.push(THIN);
        }
        text.push(digit);
    }
    text
}

/// A ratio, with as many digits as tell it from its bar.
pub fn ratio(ratio: Option<f64>, bar: Option<f64>) -> String {
    let Some(ratio) = ratio else {
        return NOT_MEASURED.to_owned();
    };
    (4..10)
        .map(|digits| format!("{ratio:.digits$}"))
        .find(|text| {
            let shown = text.parse().unwrap_or(f64::NAN);
            bar.is_none_or(|bar| (ratio <= bar) == (shown <= bar))
        })
        .unwrap_or_else(|| ratio.to_string())
}

pub fn bar(bar: Option<f64>) -> String {
    match bar {
        None => NONE.to_owned(),
        Some(bar) if bar.is_finite() => {
            let text = bar.to_string();
            let digits = text.split_once('.').map_or(0, |(_, part)| part.len());
            format!("{bar:.0$}", digits.max(3))
        }
        Some(_) => "not a number".to_owned(),
    }
}

/// A part as hundredths.
pub fn percent(part: f64) -> String {
    if part.is_finite() {
        format!("{:.2}{THIN}%", part * 100.0)
    } else {
        NOT_MEASURED.to_owned()
    }
}

/// Memory, of which /proc tells in kB and means 1024 bytes.
pub fn kb(kb: u64) -> String {
    if kb < 10_000 {
        format!("{}{THIN}kB", thousands(&kb.to_string()))
    } else {
        format!("{:.1}{THIN}MB", kb as f64 / 1024.0)
    }
}

/// A tick of an axis: no digits that say nothing.
pub fn tick(value: f64, unit: &str) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let text = if text == "-0" { "0" } else { text };
    format!("{text}{THIN}{unit}")
}

pub fn duration(seconds: u64) -> String {
    let (minutes, rest) = (seconds / 60, seconds % 60);
    match (minutes, rest) {
        (0, s) => format!("{s}{THIN}s"),
        (m, 0) => format!("{m}{THIN}min"),
        (m, s) => format!("{m}{THIN}min {s}{THIN}s"),
    }
}

/// "1 row", "2 rows"
pub fn count(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(figure(1_234_567.04), "1\u{202f}234\u{202f}567.0");
        assert_eq!(figure(999.96), "1\u{202f}000.0");
        assert_eq!(figure(12.34), "12.3");
        for none in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            assert_eq!(figure(none), NONE);
        }
    }

    #[test]
    fn a_ratio_never_looks_like_its_bar_from_the_other_side() {
        assert_eq!(ratio(Some(1.25), Some(1.5)), "1.2500");
        assert_eq!(ratio(Some(1.010_04), Some(1.01)), "1.01004");
        assert_eq!(ratio(Some(1.009_999), Some(1.01)), "1.0100");
        assert_eq!(ratio(None, Some(1.01)), NOT_MEASURED);
    }

    #[test]
    fn bars() {
        assert_eq!(bar(Some(1.0)), "1.000");
        assert_eq!(bar(Some(1.0025)), "1.0025");
        assert_eq!(bar(None), NONE);
        assert_eq!(bar(Some(f64::NAN)), "not a number");
    }

    #[test]
    fn units() {
        assert_eq!(kb(836), "836\u{202f}kB");
        assert_eq!(kb(4148), "4\u{202f}148\u{202f}kB");
        assert_eq!(kb(411_648), "402.0\u{202f}MB");
        assert_eq!(percent(0.0031), "0.31\u{202f}%");
        assert_eq!(percent(f64::NAN), NOT_MEASURED);
        assert_eq!(tick(0.300_000_000_4, "s"), "0.3\u{202f}s");
        assert_eq!(tick(-0.0, "s"), "0\u{202f}s");
        assert_eq!(tick(20.0, "s"), "20\u{202f}s");
        assert_eq!(duration(60), "1\u{202f}min");
        assert_eq!(duration(843), "14\u{202f}min 3\u{202f}s");
        assert_eq!(count(1, "row", "rows"), "1 row");
    }
}
