//! Points in time: what is accepted, how it was spelled, and how it is spelled again.
//!
//! RFC 3339 (<https://www.rfc-editor.org/rfc/rfc3339>), also without a zone (UTC then), and Unix
//! epochs are read. An epoch's
//! unit follows from its size: below 10^11 seconds, below 10^14 milliseconds, below 10^17
//! microseconds, else nanoseconds, which is unambiguous from 1973 on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Nanoseconds in a second.
pub const NS_PER_SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a day.
pub const NS_PER_DAY: i64 = 86_400 * NS_PER_SECOND;

/// Nanoseconds since 1970-01-01T00:00:00Z; from 1677 to 2262.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The first representable moment.
    pub const MIN: Self = Self(i64::MIN);
    /// The last representable moment.
    pub const MAX: Self = Self(i64::MAX);

    /// Reads RFC 3339 or an epoch in digits. `None` when it is neither or out of range.
    pub fn parse(text: &str) -> Option<Self> {
        parse_rfc3339(text.as_bytes()).map(|parsed| parsed.0).or_else(|| parse_epoch(text).map(|parsed| parsed.0))
    }

    /// The day (UTC) it lies in, as days since 1970-01-01.
    pub fn day(self) -> Day {
        Day(self.0.div_euclid(NS_PER_DAY) as i32)
    }

    /// Whole milliseconds, rounded down.
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Later by `ns` nanoseconds (earlier if negative), at most to the ends of the range.
    pub fn plus_ns(self, ns: i64) -> Self {
        Self(self.0.saturating_add(ns))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with 3, 6 or 9 digits of fraction, as few as are exact.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = self.0.rem_euclid(NS_PER_SECOND);
        let digits = if fraction % 1_000_000 == 0 {
            3
        } else if fraction % 1000 == 0 {
            6
        } else {
            9
        };
        let mut text = String::with_capacity(30);
        let spelling = Rfc3339 { separator: b'T', fraction_digits: digits, zone: Zone::Utc };
        spelling.render(*self, &mut text);
        f.write_str(&text)
    }
}

/// A calendar day in UTC, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

impl Day {
    /// Its first nanosecond.
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0).saturating_mul(NS_PER_DAY))
    }
}

impl fmt::Display for Day {
    /// `YYYY-MM-DD`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(i64::from(self.0));
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// How a timestamp was written. Writing it again with [`Spelling::render`] gives the same JSON.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// A JSON string in RFC 3339.
    Rfc3339(Rfc3339),
    /// A JSON number, or a JSON string of digits.
    Epoch(Epoch),
    /// JSON text that no rule writes again; kept as it is.
    Literal(Box<str>),
    /// The event had none: the time of receipt is written in RFC 3339.
    Absent,
}

impl Default for Spelling {
    fn default() -> Self {
        Self::Rfc3339(Rfc3339 { separator: b'T', fraction_digits: 3, zone: Zone::Utc })
    }
}

/// The variable parts of an RFC 3339 timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rfc3339 {
    /// `T`, `t` or a space.
    pub separator: u8,
    /// 0 to 9 digits after the point.
    pub fraction_digits: u8,
    /// The offset from UTC.
    pub zone: Zone,
}

/// An offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Zone {
    /// `Z`
    Utc,
    /// `+hh:mm` or `-hh:mm`, in minutes east.
    Offset(i16),
    /// None given, which RFC 3339 does not allow but many loggers do; taken as UTC.
    Unsaid,
}

/// The variable parts of an epoch timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch {
    /// Nanoseconds in one unit: 10^9, 10^6, 10^3 or 1.
    pub unit_ns: i64,
    /// 0 to 9 digits after the point.
    pub fraction_digits: u8,
    /// Whether the digits stood in a JSON string.
    pub quoted: bool,
}

impl Spelling {
    /// Reads a timestamp from a JSON string's value, with the spelling that writes it again.
    pub fn of_text(text: &str) -> Option<(Timestamp, Self)> {
        let (timestamp, spelling) = match parse_rfc3339(text.as_bytes()) {
            Some((timestamp, spelling)) => (timestamp, Self::Rfc3339(spelling)),
            None => {
                let (timestamp, epoch) = parse_epoch(text)?;
                (timestamp, Self::Epoch(Epoch { quoted: true, ..epoch }))
            }
        };
        let mut again = String::with_capacity(40);
        spelling.render(timestamp, &mut again);
        let same = again.len() == text.len() + 2 && &again[1..again.len() - 1] == text;
        if same {
            return Some((timestamp, spelling));
        }
        // What parses holds no character that JSON would have to escape.
        Some((timestamp, Self::Literal(format!("\"{text}\"").into())))
    }

    /// Reads a timestamp from the text of a JSON number.
    pub fn of_number(digits: &str) -> Option<(Timestamp, Self)> {
        let Some((timestamp, epoch)) = parse_epoch(digits) else {
            // An exponent, as in 1.7e9: read through f64, kept as it is.
            let value: f64 = digits.parse().ok()?;
            let (timestamp, _) = parse_epoch(&format!("{value:.9}"))?;
            return Some((timestamp, Self::Literal(digits.into())));
        };
        let spelling = Self::Epoch(epoch);
        let mut again = String::with_capacity(24);
        spelling.render(timestamp, &mut again);
        if again == digits { Some((timestamp, spelling)) } else { Some((timestamp, Self::Literal(digits.into()))) }
    }

    /// Appends the timestamp as JSON, quotes included where it was a string.
    pub fn render(&self, timestamp: Timestamp, json: &mut String) {
        match self {
            Self::Rfc3339(spelling) => {
                json.push('"');
                spelling.render(timestamp, json);
                json.push('"');
            }
            Self::Epoch(epoch) if epoch.quoted => {
                json.push('"');
                epoch.render(timestamp, json);
                json.push('"');
            }
            Self::Epoch(epoch) => epoch.render(timestamp, json),
            Self::Literal(text) => json.push_str(text),
            Self::Absent => {
                json.push('"');
                json.push_str(&timestamp.to_string());
                json.push('"');
            }
        }
    }
}

impl fmt::Display for Spelling {
    /// A short text that [`FromStr`] reads back; it stands in segments and stream records.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rfc3339(Rfc3339 { separator, fraction_digits, zone }) => {
                write!(f, "rfc3339 {separator} {fraction_digits} ")?;
                match zone {
                    Zone::Utc => f.write_str("Z"),
                    Zone::Unsaid => f.write_str("-"),
                    Zone::Offset(minutes) => write!(f, "{minutes}"),
                }
            }
            Self::Epoch(Epoch { unit_ns, fraction_digits, quoted }) => {
                write!(f, "epoch {unit_ns} {fraction_digits} {}", u8::from(*quoted))
            }
            Self::Literal(text) => write!(f, "literal {text}"),
            Self::Absent => f.write_str("absent"),
        }
    }
}

impl FromStr for Spelling {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "absent" {
            return Ok(Self::Absent);
        }
        if let Some(literal) = text.strip_prefix("literal ") {
            return Ok(Self::Literal(literal.into()));
        }
        let mut words = text.split(' ');
        let name = words.next().ok_or(())?;
        let mut word = || words.next().ok_or(());
        let digits = |text: &str| text.parse::<u8>().ok().filter(|digits| *digits <= 9).ok_or(());
        match name {
            "rfc3339" => {
                let separator = word()?.parse().ok().filter(|byte| matches!(byte, b'T' | b't' | b' ')).ok_or(())?;
                let fraction_digits = digits(word()?)?;
                let zone = match word()? {
                    "Z" => Zone::Utc,
                    "-" => Zone::Unsaid,
                    minutes => Zone::Offset(minutes.parse().ok().filter(|m: &i16| m.abs() < 1440).ok_or(())?),
                };
                Ok(Self::Rfc3339(Rfc3339 { separator, fraction_digits, zone }))
            }
            "epoch" => {
                let unit_ns = word()?.parse().ok().filter(|unit| UNITS.contains(unit)).ok_or(())?;
                let fraction_digits = digits(word()?)?;
                Ok(Self::Epoch(Epoch { unit_ns, fraction_digits, quoted: word()? == "1" }))
            }
            _ => Err(()),
        }
    }
}

impl Rfc3339 {
    fn render(&self, timestamp: Timestamp, out: &mut String) {
        let offset_minutes = match self.zone {
            Zone::Utc | Zone::Unsaid => 0,
            Zone::Offset(minutes) => i64::from(minutes),
        };
        let seconds = timestamp.0.div_euclid(NS_PER_SECOND) + offset_minutes * 60;
        let fraction_ns = timestamp.0.rem_euclid(NS_PER_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        push_digits(out, year, 4);
        out.push('-');
        push_digits(out, month, 2);
        out.push('-');
        push_digits(out, day, 2);
        out.push(self.separator as char);
        push_digits(out, of_day / 3600, 2);
        out.push(':');
        push_digits(out, of_day / 60 % 60, 2);
        out.push(':');
        push_digits(out, of_day % 60, 2);
        push_fraction(out, fraction_ns, NS_PER_SECOND, self.fraction_digits);
        match self.zone {
            Zone::Utc => out.push('Z'),
            Zone::Unsaid => {}
            Zone::Offset(minutes) => {
                out.push(if minutes < 0 { '-' } else { '+' });
                let minutes = i64::from(minutes.unsigned_abs());
                push_digits(out, minutes / 60, 2);
                out.push(':');
                push_digits(out, minutes % 60, 2);
            }
        }
    }
}

impl Epoch {
    fn render(&self, timestamp: Timestamp, out: &mut String) {
        let magnitude = timestamp.0.unsigned_abs();
        let unit = self.unit_ns as u64;
        if timestamp.0 < 0 {
            out.push('-');
        }
        out.push_str(&(magnitude / unit).to_string());
        push_fraction(out, (magnitude % unit) as i64, self.unit_ns, self.fraction_digits);
    }
}

/// Appends `.ddd`: the first `digits` digits of `part / whole`.
fn push_fraction(out: &mut String, part: i64, whole: i64, digits: u8) {
    if digits == 0 {
        return;
    }
    out.push('.');
    let mut rest = part;
    for _ in 0..digits {
        rest *= 10;
        out.push(char::from(b'0' + (rest / whole) as u8));
        rest %= whole;
    }
}

fn push_digits(out: &mut String, value: i64, width: u32) {
    for place in (0..width).rev() {
        out.push(char::from(b'0' + (value / 10_i64.pow(place) % 10) as u8));
    }
}

const UNITS: [i64; 4] = [NS_PER_SECOND, 1_000_000, 1000, 1];

fn parse_epoch(text: &str) -> Option<(Timestamp, Epoch)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 19 || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.') {
        return None;
    }
    let whole: i128 = whole.parse().ok()?;
    let unit_ns = match whole {
        0..100_000_000_000 => UNITS[0],
        100_000_000_000..100_000_000_000_000 => UNITS[1],
        100_000_000_000_000..100_000_000_000_000_000 => UNITS[2],
        _ => UNITS[3],
    };
    let mut ns = whole * i128::from(unit_ns);
    let mut place = i128::from(unit_ns);
    for digit in fraction.bytes() {
        place /= 10;
        ns += i128::from(digit - b'0') * place;
    }
    let ns = i64::try_from(if negative { -ns } else { ns }).ok()?;
    let fraction_digits = fraction.len().min(9) as u8;
    Some((Timestamp(ns), Epoch { unit_ns, fraction_digits, quoted: false }))
}

fn parse_rfc3339(text: &[u8]) -> Option<(Timestamp, Rfc3339)> {
    let number = |from: usize, to: usize| {
        text.get(from..to)?
            .iter()
            .try_fold(0i64, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
    };
    let is = |at: usize, expected: u8| text.get(at) == Some(&expected);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let separator = *text.get(10)?;
    let punctuated = is(4, b'-') && is(7, b'-') && is(13, b':') && is(16, b':');
    if !punctuated || !matches!(separator, b'T' | b't' | b' ') {
        return None;
    }
    let real = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60; // 60: a leap second, read as the first second after it
    if !real {
        return None;
    }
    let mut at = 19;
    let mut fraction_ns = 0;
    let mut fraction_digits = 0usize;
    if is(at, b'.') {
        let digits = text[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        // Digits beyond nanoseconds are dropped from the value; the spelling keeps them.
        let kept = digits.min(9);
        fraction_ns = number(at + 1, at + 1 + kept)? * 10_i64.pow(9 - kept as u32);
        fraction_digits = digits;
        at += 1 + digits;
    }
    let (zone, end) = match text.get(at) {
        None => (Zone::Unsaid, at),
        Some(b'Z' | b'z') => (Zone::Utc, at + 1),
        Some(sign @ (b'+' | b'-')) if is(at + 3, b':') => {
            let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let minutes = (hours * 60 + minutes) as i16;
            (Zone::Offset(if *sign == b'-' { -minutes } else { minutes }), at + 6)
        }
        _ => return None,
    };
    if end != text.len() {
        return None;
    }
    let offset_seconds = match zone {
        Zone::Utc | Zone::Unsaid => 0,
        Zone::Offset(minutes) => i64::from(minutes) * 60,
    };
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset_seconds;
    let ns = seconds.checked_mul(NS_PER_SECOND)?.checked_add(fraction_ns)?;
    let fraction_digits = fraction_digits.min(9) as u8;
    Some((Timestamp(ns), Rfc3339 { separator, fraction_digits, zone }))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar
/// (Howard Hinnant, <https://howardhinnant.github.io/date_algorithms.html>).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of days since 1970-01-01; the inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn again(text: &str) -> String {
        let (timestamp, spelling) = Spelling::of_text(text).expect(text);
        let mut json = String::new();
        spelling.render(timestamp, &mut json);
        assert_eq!(spelling.to_string().parse(), Ok(spelling), "{text}");
        json
    }

    #[test]
    fn spellings_come_back_as_sent() {
        for text in [
            "2016-12-20T00:04:03.231Z",
            "2016-12-20t00:04:03z",
            "2016-12-20 00:04:03.1+05:30",
            "2016-12-20T00:04:03.123456789-00:00",
            "2016-12-20T00:04:03.123456789012Z",
            "2023-01-29T09:20:29.295",
            "1990-12-31T23:59:60Z",
            "1700000000",
            "1700000000.250",
            "1700000000123456789",
            "-5.5",
        ] {
            assert_eq!(again(text), format!("\"{text}\""));
        }
        for digits in ["1700000000", "1700000000.5", "1700000000123", "1.7e9", "-3", "0", "1700000000.1234567891"] {
            let (timestamp, spelling) = Spelling::of_number(digits).expect(digits);
            let mut json = String::new();
            spelling.render(timestamp, &mut json);
            assert_eq!(json, digits);
        }
    }

    #[test]
    fn units_follow_from_size() {
        let seconds = Timestamp(1_700_000_000 * NS_PER_SECOND);
        for text in ["1700000000", "1700000000000", "1700000000000000", "1700000000000000000", "2023-11-14T22:13:20Z"] {
            assert_eq!(Timestamp::parse(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2023-02-29T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-01-01T25:00:00Z",
            "2023-01-01",
            "12.",
            "2023-01-01T00:00:00.Z",
            "9999-01-01T00:00:00Z",
            "99999999999999999999",
            "1e99",
            "2023-01-01T00:00:00+24:00",
            "2023-01-01T00:00:00Z ",
            "+5",
            "0x10",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_written_and_read_again(ns in any::<i64>()) {
            let text = Timestamp(ns).to_string();
            prop_assert_eq!(Timestamp::parse(&text), Some(Timestamp(ns)));
            prop_assert_eq!(again(&text), format!("\"{text}\""));
        }
    }
}
