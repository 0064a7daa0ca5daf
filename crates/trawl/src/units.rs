//! Sizes and counts, read and written for people.

/// Units of a size in bytes: decimal, and binary with an `i`.
const SIZES: [(&str, u64); 10] = [
    ("b", 1),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("pb", 1_000_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// Reads `64MiB`, `10MB`, `4096`: a whole number of bytes, with or without a unit.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("expected a size such as 4096, 10MB or 64MiB, found {text:?}");
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let factor = match unit.as_str() {
        "" => 1,
        name => SIZES.iter().find(|(size, _)| *size == name).ok_or_else(wrong)?.1,
    };
    number.checked_mul(factor).ok_or_else(wrong)
}

/// A size with three digits and a decimal unit: `28.6 MB`.
pub fn size(bytes: u64) -> String {
    let decimal = &SIZES[..6];
    let (name, unit) = decimal.iter().rev().find(|(_, unit)| bytes >= *unit).unwrap_or(&decimal[0]);
    let value = bytes as f64 / *unit as f64;
    let digits = match () {
        () if *unit == 1 || value >= 100.0 => 0,
        () if value >= 10.0 => 1,
        () => 2,
    };
    let name = if *name == "b" { "B".to_owned() } else { name.to_uppercase().replace('K', "k") };
    format!("{value:.digits$} {name}")
}

/// A time: `0.21 s`, `38 s`, `5.2 min`.
pub fn seconds(seconds: f64) -> String {
    match seconds {
        short if short < 9.95 => format!("{short:.2} s"),
        some if some < 99.5 => format!("{some:.0} s"),
        minutes if minutes < 99.5 * 60.0 => format!("{:.1} min", minutes / 60.0),
        hours => format!("{:.1} h", hours / 3600.0),
    }
}

/// Dollars with two digits that say something: `$0.0000023`, `$0.41`, `$1,204`.
pub fn usd(usd: f64) -> String {
    if usd >= 99.5 {
        return format!("${}", count(usd.round() as u64));
    }
    let digits = if usd >= 1.0 || usd <= 0.0 { 2 } else { 1 - usd.log10().floor() as i32 };
    format!("${usd:.*}", usize::try_from(digits).unwrap_or(2))
}

/// A share in percent, of `0%` to `100%`; all is said only of all, and nothing only of nothing.
pub fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    match share {
        _ if part == 0 => "0%".to_owned(),
        _ if part >= whole => "100%".to_owned(),
        little if little < 1.0 => "<1%".to_owned(),
        some => format!("{:.0}%", some.min(99.0)),
    }
}

/// A size, or no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeOrNone(pub Option<u64>);

/// Reads a size or `none`.
pub fn parse_size_or_none(text: &str) -> Result<SizeOrNone, String> {
    if text.trim().eq_ignore_ascii_case("none") {
        return Ok(SizeOrNone(None));
    }
    parse_size(text).map(|bytes| SizeOrNone(Some(bytes))).map_err(|reason| format!("{reason}, or none"))
}

/// A count with commas between groups of three digits: `294,000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count with its noun: `1 event`, `2 events`.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// What happens in one second, when `total` happened in `seconds`.
pub fn per_second(total: u64, seconds: f64) -> u64 {
    // A run too short for the clock counts as a millisecond.
    (total as f64 / seconds.max(0.001)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in
            [("4096", 4096), ("10MB", 10_000_000), ("64 MiB", 64 << 20), ("1kb", 1000), ("0", 0), ("7B", 7)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "-1", "1.5GB", "10XB", "99999999999TB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_and_counts_are_written_short() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (28_600_000, "28.6 MB"), (123_456_789_012, "123 GB")]
        {
            assert_eq!(size(bytes), text);
        }
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (294_000, "294,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(count(number), text);
        }
        assert_eq!((counted(1, "event"), counted(2, "event")), ("1 event".into(), "2 events".into()));
        assert_eq!(per_second(100, 0.0), 100_000);
        for (part, whole, text) in [(0, 0, "0%"), (1, 400, "<1%"), (200, 400, "50%"), (399, 400, "99%"), (4, 4, "100%")]
        {
            assert_eq!(percent(part, whole), text);
        }
    }
}
