//! Times in requests: RFC 3339, an epoch, a day, or relative to now.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trawl_event::Timestamp;

/// A time as a request names it; a number is an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TimeSpec {
    /// An epoch in s, ms, µs or ns, told apart by size.
    Number(serde_json::Number),
    /// RFC 3339, `YYYY-MM-DD`, digits, `now`, or `-15m`.
    Text(String),
}

impl TimeSpec {
    /// The moment it names, or what was expected instead.
    pub fn resolve(&self, now: Timestamp) -> Result<Timestamp, String> {
        match self {
            Self::Number(number) => parse_time(&number.to_string(), now),
            Self::Text(text) => parse_time(text, now),
        }
    }
}

/// Reads a time; relative ones count from `now`.
pub fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    let relative = match text.strip_prefix("now") {
        Some("") => return Ok(now),
        Some(offset) => Some(offset),
        None if text.starts_with('-') && !text[1..].bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            Some(text)
        }
        None => None,
    };
    let moment = match relative {
        Some(offset) => {
            let (sign, duration) = match (offset.strip_prefix('-'), offset.strip_prefix('+')) {
                (Some(duration), _) => (-1, parse_duration(duration)),
                (_, Some(duration)) => (1, parse_duration(duration)),
                _ => (0, None),
            };
            duration.map(|duration| {
                let ns = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
                now.plus_ns(sign * ns)
            })
        }
        None => Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z"))),
    };
    moment.ok_or_else(|| {
        format!("{text:?} is not a time: expected RFC 3339, YYYY-MM-DD, an epoch in s, ms, µs or ns, now, or an offset such as -15m")
    })
}

/// Reads a duration such as `500ms`, `5s`, `15m`, `24h`, `7d` or `2w`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let amount: u64 = text[..digits].parse().ok()?;
    let unit_ms = match &text[digits..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 7 * 86_400_000,
        _ => return None,
    };
    amount.checked_mul(unit_ms).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_time_is_read() {
        let now = Timestamp(1_700_000_000_000_000_000);
        for (text, expected) in [
            ("now", Some(now)),
            ("-15m", Some(now.plus_ns(-900_000_000_000))),
            ("now-1h", Some(now.plus_ns(-3_600_000_000_000))),
            ("now+1s", Some(now.plus_ns(1_000_000_000))),
            ("1700000000", Some(now)),
            ("2023-11-14T22:13:20Z", Some(now)),
            ("2023-11-14", Some(Timestamp(1_699_920_000_000_000_000))),
            ("-5", Some(Timestamp(-5_000_000_000))),
            ("now1h", None),
            ("-5x", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(parse_time(text, now).ok(), expected, "{text}");
        }
    }
}
