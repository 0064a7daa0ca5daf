//! Durations and moments as people write them.

use std::time::Duration;

use trawl_event::Timestamp;

/// Units of a duration and their milliseconds; longer names first where one begins with another.
const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 7 * 86_400_000)];

/// Reads `90s`, `1h30m`, `7d`: one or more whole numbers, each with its unit (ms, s, m, h, d, w).
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("expected a duration such as 90s, 1h30m or 7d (units ms s m h d w), found {text:?}");
    let mut rest = text.trim();
    let mut total_ms = 0_u64;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(letters);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        total_ms = number.checked_mul(*unit_ms).and_then(|ms| total_ms.checked_add(ms)).ok_or_else(wrong)?;
        rest = tail;
    }
    Ok(Duration::from_millis(total_ms))
}

/// A duration, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationOrNone(pub Option<Duration>);

/// Reads a duration or `none`.
pub fn parse_duration_or_none(text: &str) -> Result<DurationOrNone, String> {
    if text.trim().eq_ignore_ascii_case("none") {
        return Ok(DurationOrNone(None));
    }
    parse_duration(text).map(|duration| DurationOrNone(Some(duration))).map_err(|reason| format!("{reason}, or none"))
}

/// Checks a moment and gives it as the server reads it: RFC 3339, an epoch, `now`, `-15m`. A date or a date with
/// a time but no zone (`2026-03-02`, `2026-03-02T10:30`) is taken as UTC.
pub fn parse_moment(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text == "now" || Timestamp::parse(text).is_some() {
        return Ok(text.to_owned());
    }
    let relative = text.strip_prefix("now").unwrap_or(text).strip_prefix('-');
    if let Some(duration) = relative.and_then(|ago| parse_duration(ago).ok()) {
        return Ok(ago(duration));
    }
    let completions = ["T00:00:00Z", ":00Z", "Z"];
    let completed = completions.iter().map(|end| format!("{text}{end}")).find(|text| Timestamp::parse(text).is_some());
    completed.ok_or_else(|| {
        format!("expected a time such as 2026-03-02T10:30:00Z, 2026-03-02, 1772447400, -15m or now, found {text:?}")
    })
}

/// A length of time in one unit, the largest in which it is a whole number: `90s`, `5m`, `1d`.
pub fn short(ms: u64) -> String {
    let fits = |(_, unit_ms): &&(&str, u64)| ms.is_multiple_of(*unit_ms) && *unit_ms <= 86_400_000;
    match UNITS.iter().rev().find(fits) {
        Some((name, unit_ms)) if ms > 0 => format!("{}{name}", ms / unit_ms),
        _ => "0s".to_owned(),
    }
}

/// The moment `duration` before the server's clock, in the one form that every server reads.
pub fn ago(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("-{}s", duration.as_secs())
    } else {
        format!("-{}ms", duration.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, seconds) in
            [("90s", 90), ("1h30m", 5400), ("7d", 604_800), ("1w", 604_800), ("0s", 0), (" 2m ", 120)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration_or_none("None"), Ok(DurationOrNone(None)));
        assert_eq!(parse_duration_or_none("7d"), Ok(DurationOrNone(Some(Duration::from_secs(604_800)))));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "5", "s", "-5s", "1.5h", "1h 30m", "1y", "1µs", "99999999999999999999s", "999999999999999999w"]
        {
            let reason = parse_duration(text).expect_err(text);
            assert!(reason.contains("90s"), "{reason}");
        }
    }

    #[test]
    fn moments_are_checked_and_completed() {
        for (text, sent) in [
            ("now", "now"),
            ("-15m", "-900s"),
            ("-1h30m", "-5400s"),
            ("now-1h", "-3600s"),
            ("1772447400", "1772447400"),
            ("2026-03-02T10:30:00+01:00", "2026-03-02T10:30:00+01:00"),
            ("2026-03-02", "2026-03-02T00:00:00Z"),
            ("2026-03-02T10:30", "2026-03-02T10:30:00Z"),
            ("2026-03-02 10:30:15", "2026-03-02 10:30:15"),
        ] {
            assert_eq!(parse_moment(text).as_deref(), Ok(sent));
        }
        for text in ["", "yesterday", "2026-13-02", "15m", "+15m", "2026"] {
            // A bare year is an epoch in seconds: a valid time, if an odd one.
            assert_eq!(parse_moment(text).is_err(), text != "2026", "{text}");
        }
    }

    #[test]
    fn lengths_are_written_short() {
        for (ms, text) in [(0, "0s"), (250, "250ms"), (90_000, "90s"), (300_000, "5m"), (604_800_000, "7d")] {
            assert_eq!(short(ms), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,20}") {
            let _ = parse_duration(&text);
            let _ = parse_moment(&text);
        }

        #[test]
        fn what_is_written_is_read_again(ms in 0_u64..u64::from(u32::MAX)) {
            let duration = Duration::from_millis(ms);
            prop_assert_eq!(parse_duration(&ago(duration)[1..]), Ok(duration));
        }
    }
}
