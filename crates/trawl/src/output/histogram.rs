//! Matches by time, drawn: a line per bucket with its time, its count and a bar.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::AnsiColor;
use trawl_client::{Bucket, Histogram};
use trawl_event::{Level, Timestamp};

use super::bars::{Fill, bar, stacked};
use super::harmless::clean;
use super::screen::Screen;
use super::style;
use crate::timespec::short;
use crate::units;

/// Buckets to ask for: as many as a screen has room for beside the events.
pub const BUCKETS: u64 = 24;
/// Empty buckets in a row that are drawn one by one; more of them become one line.
const MAX_EMPTY: i64 = 3;
/// Fewest cells of a bar.
const MIN_CELLS: usize = 8;
/// Longest name of a value in the legend, in characters.
const MAX_NAME_CHARS: usize = 24;

/// A line of the drawing.
enum Line<'h> {
    Bucket(&'h Bucket),
    /// A bucket without matches.
    Empty(Timestamp),
    /// So many of them.
    Gap(i64),
}

/// Draws a histogram, with a legend where values are counted apart. Ends with a line break.
pub fn draw(histogram: &Histogram, screen: &Screen) -> String {
    let total: u64 = histogram.buckets.iter().map(|bucket| bucket.count).sum();
    let mut text = String::new();
    let heading = style::HEADING;
    let matches = if total == 1 { "match" } else { "matches" };
    let _ = write!(text, "{heading}{} {matches}{heading:#}", units::count(total));
    if total > 0 {
        let _ = write!(text, " per {} (UTC)", short(histogram.interval_ms));
    }
    if !histogram.complete {
        text.push_str(", not all counted");
    }
    let groups = Groups::of(histogram, screen.colours);
    groups.legend(&mut text);
    text.push('\n');

    let lines = lines(histogram);
    let label_of = |line: &Line<'_>| match line {
        Line::Bucket(bucket) => label(&bucket.start, histogram.interval_ms),
        Line::Empty(start) => label(&start.to_string(), histogram.interval_ms),
        Line::Gap(buckets) => format!("… {} empty", units::count(buckets.unsigned_abs())),
    };
    let label_chars = lines.iter().map(|line| label_of(line).chars().count()).max().unwrap_or_default();
    let count_chars = histogram.buckets.iter().map(|bucket| units::count(bucket.count).len()).max().unwrap_or_default();
    let cells = screen.columns.saturating_sub(label_chars + count_chars + 4).max(MIN_CELLS);
    let most = histogram.buckets.iter().map(|bucket| groups.length(bucket)).max().unwrap_or_default();
    let dim = style::DIM;
    for line in &lines {
        let label = label_of(line);
        let (count, bar) = match line {
            Line::Bucket(bucket) => (units::count(bucket.count), groups.bar(bucket, most, cells)),
            Line::Empty(_) => ("0".to_owned(), String::new()),
            Line::Gap(_) => {
                let _ = writeln!(text, "{dim}{label}{dim:#}");
                continue;
            }
        };
        let line = format!("{dim}{label:<label_chars$}{dim:#}  {count:>count_chars$}  {bar}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The buckets, and what lies empty between them.
fn lines(histogram: &Histogram) -> Vec<Line<'_>> {
    let interval_ns = i64::try_from(histogram.interval_ms).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    let mut lines = Vec::with_capacity(histogram.buckets.len());
    let mut last: Option<Timestamp> = None;
    for bucket in &histogram.buckets {
        let start = Timestamp::parse(&bucket.start);
        if let (Some(last), Some(start)) = (last, start) {
            let apart = start.0.saturating_sub(last.0).checked_div(interval_ns).unwrap_or_default();
            let empty = apart - 1;
            if empty > MAX_EMPTY {
                lines.push(Line::Gap(empty));
            } else {
                lines.extend((1..=empty).map(|place| Line::Empty(last.plus_ns(place * interval_ns))));
            }
        }
        lines.push(Line::Bucket(bucket));
        last = start;
    }
    lines
}

/// A time as exact as a bucket of this width needs it.
fn label(start: &str, interval_ms: u64) -> String {
    let chars = match interval_ms {
        day if day % 86_400_000 == 0 => 10,
        minute if minute % 60_000 == 0 => 16,
        second if second % 1000 == 0 => 19,
        _ => 23,
    };
    let text = start.trim_end_matches('Z').replacen('T', " ", 1);
    text.chars().take(chars).collect()
}

/// The values that are counted apart, in the order in which they stand in a bar.
struct Groups<'h> {
    /// Each with its name in the histogram, its count and its fill.
    groups: Vec<(&'h str, u64, Fill)>,
}

impl<'h> Groups<'h> {
    fn of(histogram: &'h Histogram, colours: bool) -> Self {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for (value, count) in histogram.buckets.iter().flat_map(|bucket| &bucket.by) {
            *counts.entry(value).or_default() += count;
        }
        let is_level = histogram.by.as_deref() == Some(super::event::Part::Level.names()[0]);
        let mut values: Vec<(&str, u64)> = counts.into_iter().collect();
        // What is worst stands at the foot of the bars, where lengths compare; else what there is most of. No value,
        // and all others together, come last.
        values.sort_by_key(|(value, count)| {
            let last = match *value {
                "" => 1,
                "…" => 2,
                _ => 0,
            };
            let rank = if is_level { Level::of_text(value) } else { None };
            (last, std::cmp::Reverse((rank, *count)))
        });
        let fill = |(place, (value, count)): (usize, (&'h str, u64))| {
            let fill = Fill::nth(place, colours);
            let level = if is_level { Level::of_text(value) } else { None };
            (value, count, level.map_or(fill, |level| fill.with_colour(colour(level), colours)))
        };
        Self { groups: values.into_iter().enumerate().map(fill).collect() }
    }

    fn legend(&self, text: &mut String) {
        for (place, (value, count, fill)) in self.groups.iter().enumerate() {
            let style = fill.style;
            let lead = if place == 0 { ": " } else { "  " };
            let name = match *value {
                "" => "(none)".to_owned(),
                "…" => "(others)".to_owned(),
                value => clean(value).chars().take(MAX_NAME_CHARS).collect(),
            };
            let _ = write!(text, "{lead}{style}{}{style:#} {name} {}", fill.cell, units::count(*count));
        }
    }

    /// What the bar of a bucket shows.
    fn length(&self, bucket: &Bucket) -> u64 {
        if self.groups.is_empty() { bucket.count } else { bucket.by.values().sum() }
    }

    fn bar(&self, bucket: &Bucket, most: u64, cells: usize) -> String {
        if self.groups.is_empty() {
            return bar(bucket.count, most, cells);
        }
        let part = |(value, _, fill): &(&str, u64, Fill)| (bucket.by.get(*value).copied().unwrap_or_default(), *fill);
        stacked(&self.groups.iter().map(part).collect::<Vec<_>>(), most, cells)
    }
}

/// The colour of a level in a bar.
fn colour(level: Level) -> AnsiColor {
    match level {
        Level::Fatal => AnsiColor::Magenta,
        Level::Error => AnsiColor::Red,
        Level::Warn => AnsiColor::Yellow,
        Level::Info => AnsiColor::Green,
        Level::Debug => AnsiColor::Blue,
        Level::Trace => AnsiColor::Cyan,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Screen = Screen { columns: 50, colours: false };

    fn bucket(start: &str, count: u64, by: &[(&str, u64)]) -> Bucket {
        let by = by.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect();
        Bucket { start: start.to_owned(), count, by }
    }

    fn plain(histogram: &Histogram) -> String {
        anstream::adapter::strip_str(&draw(histogram, &PLAIN)).to_string()
    }

    #[test]
    fn each_bucket_has_a_bar_and_gaps_are_seen() {
        let buckets = vec![
            bucket("2026-03-02T10:00:00Z", 1234, &[]),
            bucket("2026-03-02T10:02:00Z", 617, &[]),
            bucket("2026-03-02T11:00:00Z", 1, &[]),
        ];
        let histogram = Histogram { interval_ms: 60_000, by: None, complete: true, buckets };
        let expected = "\
1,852 matches per 1m (UTC)
2026-03-02 10:00  1,234  █████████████████████████
2026-03-02 10:01      0
2026-03-02 10:02    617  ████████████▌
… 57 empty
2026-03-02 11:00      1  ▏
";
        assert_eq!(plain(&histogram), expected);
    }

    #[test]
    fn levels_are_stacked_with_the_worst_first() {
        let buckets = vec![
            bucket("2026-03-02T00:00:00Z", 8, &[("info", 4), ("error", 2), ("", 1), ("…", 1)]),
            bucket("2026-03-03T00:00:00Z", 4, &[("fatal", 4)]),
        ];
        let histogram = Histogram { interval_ms: 86_400_000, by: Some("level".to_owned()), complete: false, buckets };
        let expected = "\
12 matches per 1d (UTC), not all counted: █ fatal 4  ▓ error 2  ▒ info 4  ░ (none) 1  # (others) 1
2026-03-02  8  ▓▓▓▓▓▓▓▓▓▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒░░░░░####
2026-03-03  4  ██████████████████
";
        assert_eq!(plain(&histogram), expected);
        let coloured = draw(&histogram, &Screen { columns: 50, colours: true });
        assert!(coloured.contains("\u{1b}[31m█████████\u{1b}[0m\u{1b}[32m"), "{coloured:?}");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let none = Histogram { complete: true, ..Histogram::default() };
        assert_eq!(plain(&none), "0 matches\n");
    }
}
