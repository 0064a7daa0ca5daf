//! Log levels by rank: names, syslog severities and OpenTelemetry severity numbers.

/// A level's rank. The spelling that was sent is kept beside it, in the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// trace, verbose, finest
    Trace,
    /// debug, fine
    Debug,
    /// info, information, notice
    Info,
    /// warn, warning
    Warn,
    /// error, err, severe
    Error,
    /// fatal, critical, crit, alert, emerg, emergency, panic
    Fatal,
}

/// Every name and the rank it stands for; letter case is ignored.
pub const NAMES: [(&str, Level); 20] = [
    ("trace", Level::Trace),
    ("verbose", Level::Trace),
    ("finest", Level::Trace),
    ("debug", Level::Debug),
    ("fine", Level::Debug),
    ("info", Level::Info),
    ("information", Level::Info),
    ("notice", Level::Info),
    ("warn", Level::Warn),
    ("warning", Level::Warn),
    ("error", Level::Error),
    ("err", Level::Error),
    ("severe", Level::Error),
    ("fatal", Level::Fatal),
    ("critical", Level::Fatal),
    ("crit", Level::Fatal),
    ("alert", Level::Fatal),
    ("emerg", Level::Fatal),
    ("emergency", Level::Fatal),
    ("panic", Level::Fatal),
];

impl Level {
    /// Every rank, lowest first.
    pub const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// Its canonical name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// The bit that stands for this rank in a set of ranks.
    pub fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The rank of a level's name or of a number in a string; `None` when it is neither.
    pub fn of_text(text: &str) -> Option<Self> {
        let text = text.trim();
        NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map(|(_, level)| *level)
            .or_else(|| text.parse().ok().and_then(Self::of_number))
    }

    /// The rank of a number: 0–7 are syslog severities (RFC 5424 §6.2.1, 0 is the gravest),
    /// 8–24 are OpenTelemetry severity numbers (Logs Data Model: 1–4 trace … 21–24 fatal).
    /// Where the two overlap the number is read as syslog's.
    pub fn of_number(number: i64) -> Option<Self> {
        match number {
            0..=2 => Some(Self::Fatal),
            3 => Some(Self::Error),
            4 => Some(Self::Warn),
            5..=6 => Some(Self::Info),
            7 => Some(Self::Debug),
            8 => Some(Self::Debug),
            9..=12 => Some(Self::Info),
            13..=16 => Some(Self::Warn),
            17..=20 => Some(Self::Error),
            21..=24 => Some(Self::Fatal),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_its_rank() {
        for (name, level) in NAMES {
            assert_eq!(Level::of_text(name), Some(level));
            assert_eq!(Level::of_text(&name.to_uppercase()), Some(level));
        }
        assert_eq!(Level::of_text("3"), Some(Level::Error));
        assert_eq!(Level::of_text("17"), Some(Level::Error));
        assert_eq!(Level::of_text("hello"), None);
        assert_eq!(Level::of_number(25), None);
    }
}
