//! The range of time that a verb looks at.

use std::time::Duration;

use clap::Args;

use crate::timespec::{ago, parse_duration, parse_moment};

/// The range of time to look at; all of it without these.
#[derive(Debug, Clone, Default, Args)]
pub struct RangeArgs {
    /// Only the last so much: 15m, 1h30m, 7d.
    #[arg(long, value_name = "AGE", value_parser = parse_duration, conflicts_with_all = ["from", "to"])]
    pub since: Option<Duration>,
    /// From this moment on: RFC 3339, a date, an epoch, -15m, now.
    #[arg(long, value_name = "TIME", value_parser = parse_moment, allow_hyphen_values = true)]
    pub from: Option<String>,
    /// Up to this moment, which no longer counts.
    #[arg(long, value_name = "TIME", value_parser = parse_moment, allow_hyphen_values = true)]
    pub to: Option<String>,
}

impl RangeArgs {
    /// The first moment that counts, as the server reads it.
    pub fn from(&self) -> Option<String> {
        self.since.map(ago).or_else(|| self.from.clone())
    }

    /// The first moment that no longer counts.
    pub fn to(&self) -> Option<String> {
        self.to.clone()
    }

    /// Whether all of time is meant.
    pub fn is_everything(&self) -> bool {
        self.since.is_none() && self.from.is_none() && self.to.is_none()
    }
}
