//! The time of an event, and how it is written.
// It runs in its caller's process, on its caller's thread and time, never inside a stage.
#![allow(clippy::disallowed_methods)]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

const NS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// `2026-03-02T10:00:00`
const SECOND_CHARS: usize = 19;

/// Nanoseconds since 1970 by the machine's clock.
pub(crate) fn now_ns() -> i64 {
    since_1970_ns(SystemTime::now())
}

/// Nanoseconds from 1970 to `time`; negative before.
pub(crate) fn since_1970_ns(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    }
}

/// A moment that only grows, to measure waits by.
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// Writes times as RFC 3339 in UTC, with 3, 6 or 9 digits of fraction, as few as are exact: what Trawl itself writes.
/// Consecutive events mostly share their second, which is formatted once.
#[derive(Debug)]
pub(crate) struct TimeWriter {
    second: i64,
    text: [u8; SECOND_CHARS],
}

impl Default for TimeWriter {
    fn default() -> Self {
        Self { second: 0, text: *b"1970-01-01T00:00:00" }
    }
}

impl TimeWriter {
    pub(crate) fn write(&mut self, time_ns: i64, out: &mut Vec<u8>) {
        let second = time_ns.div_euclid(NS_PER_SECOND);
        if second != self.second {
            self.second = second;
            self.text = format_second(second);
        }
        out.extend_from_slice(&self.text);
        let fraction = time_ns.rem_euclid(NS_PER_SECOND);
        let (digits, mut rest) = match fraction {
            _ if fraction % 1_000_000 == 0 => (3, fraction / 1_000_000),
            _ if fraction % 1000 == 0 => (6, fraction / 1000),
            _ => (9, fraction),
        };
        let mut text = *b".000000000Z";
        text[digits + 1] = b'Z';
        for place in (1..=digits).rev() {
            text[place] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&text[..digits + 2]);
    }
}

fn format_second(second: i64) -> [u8; SECOND_CHARS] {
    let (year, month, day) = civil_from_days(second.div_euclid(SECONDS_PER_DAY));
    let of_day = second.rem_euclid(SECONDS_PER_DAY);
    let mut text = *b"0000-00-00T00:00:00";
    let mut put = |end: usize, digits: usize, mut value: i64| {
        for place in (end - digits..end).rev() {
            text[place] = b'0' + (value % 10) as u8;
            value /= 10;
        }
    };
    // Nanoseconds in 64 bits reach from 1677 to 2262: a year has four digits.
    put(4, 4, year);
    put(7, 2, month);
    put(10, 2, day);
    put(13, 2, of_day / 3600);
    put(16, 2, of_day / 60 % 60);
    put(19, 2, of_day % 60);
    text
}

/// Year, month and day of a day since 1970-01-01: <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(time_ns: i64) -> String {
        let mut out = Vec::new();
        TimeWriter::default().write(time_ns, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_are_written_as_the_server_writes_them() {
        assert_eq!(written(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(1_772_445_600_123_456_789), "2026-03-02T10:00:00.123456789Z");
        assert_eq!(written(1_772_445_600_123_456_000), "2026-03-02T10:00:00.123456Z");
        assert_eq!(written(1_709_164_800_000_000_000), "2024-02-29T00:00:00.000Z");
        assert_eq!(written(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(written(i64::MIN), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(written(i64::MAX), "2262-04-11T23:47:16.854775807Z");
    }

    #[test]
    fn a_writer_follows_the_seconds() {
        let mut writer = TimeWriter::default();
        for second in [1_772_445_600, 1_772_445_601, 1_772_445_599] {
            let mut out = Vec::new();
            writer.write(second * NS_PER_SECOND + 5_000_000, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), written(second * NS_PER_SECOND + 5_000_000));
        }
    }
}
