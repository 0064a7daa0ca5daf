//! Counts by time, in buckets of one width.
//!
//! Widths come from a ladder on which each divides the next, so that buckets can be widened after the fact: where
//! events turn up outside the range that was expected, neighbours are added up until there are few enough.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trawl_event::{Block, Level, RowSet, Timestamp};

use crate::aggregate::{Groups, Keys};
use crate::names;
use crate::value::{Cell, Number};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The widths there are, in milliseconds; each divides the next.
pub const WIDTHS_MS: [i64; 24] = [
    1,
    5,
    10,
    50,
    100,
    500,
    SECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    5 * DAY,
    10 * DAY,
    30 * DAY,
    90 * DAY,
    360 * DAY,
];

const NS_PER_MS: i64 = 1_000_000;
/// Most names of groups that are counted apart.
const MOST_GROUPS: usize = 50;
/// The group of events without a value.
pub const NO_VALUE: &str = "";
/// The group of all values that are not counted apart.
pub const OTHER_VALUES: &str = "…";
/// Longest name of a group, in characters.
const NAME_CHARS: usize = 128;

/// How to count by time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistogramSpec {
    /// The width to begin with, as an index into [`WIDTHS_MS`].
    pub width: usize,
    /// Most buckets between the first event and the last.
    pub most: usize,
    /// The field whose values are counted apart; levels by their rank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl HistogramSpec {
    /// For events in `[first, last]`, with at most `most` buckets as long as no event lies outside.
    pub fn for_range(first: Timestamp, last: Timestamp, most: usize, by: Option<String>) -> Self {
        let most = most.max(1);
        let fits = |width_ms: &i64| spanned(first.0, last.0, width_ms * NS_PER_MS) <= most as u64;
        let width = WIDTHS_MS.iter().position(fits).unwrap_or(WIDTHS_MS.len() - 1);
        Self { width, most, by }
    }
}

/// How many buckets of a width lie from that of `first` to that of `last`.
fn spanned(first: i64, last: i64, width_ns: i64) -> u64 {
    last.div_euclid(width_ns).abs_diff(first.div_euclid(width_ns)) + 1
}

fn width_ns(width: usize) -> i64 {
    WIDTHS_MS[width.min(WIDTHS_MS.len() - 1)] * NS_PER_MS
}

/// One bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Events in it.
    pub count: u64,
    /// Those with each value of the field, if one was named. An event with several values counts in each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by: BTreeMap<String, u64>,
}

impl Bucket {
    fn merge(&mut self, other: Self) {
        self.count += other.count;
        for (name, count) in other.by {
            *self.by.entry(name).or_default() += count;
        }
    }
}

/// Events by time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    width: usize,
    most: usize,
    /// By the nanosecond at which each begins; those without events are not there.
    buckets: BTreeMap<i64, Bucket>,
}

impl Histogram {
    pub(super) fn new(spec: &HistogramSpec) -> Self {
        Self { width: spec.width.min(WIDTHS_MS.len() - 1), most: spec.most.max(1), buckets: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, spec: &HistogramSpec, block: &Block, rows: &RowSet) {
        let times = || Keys::of_time(block, rows, width_ns(self.width));
        let totals = Groups::of(vec![times()]);
        let of_groups = spec.by.as_deref().map(|by| Groups::of(vec![times(), Keys::of_field(block, rows, by)]));
        for (key, count) in totals.keys.iter().zip(totals.count(rows)) {
            if let Some(start) = start_of(key) {
                self.buckets.entry(start).or_default().count += count;
            }
        }
        if let (Some(groups), Some(by)) = (of_groups, spec.by.as_deref()) {
            for (key, count) in groups.keys.iter().zip(groups.count(rows)) {
                if let (Some(start), Some(value)) = (start_of(key), key.get(1)) {
                    *self.buckets.entry(start).or_default().by.entry(name_of(by, value)).or_default() += count;
                }
            }
            self.bound_groups();
        }
        self.widen_to(self.width);
    }

    pub(super) fn merge(&mut self, mut other: Self) {
        let width = self.width.max(other.width);
        self.widen_to(width);
        other.widen_to(width);
        for (start, bucket) in other.buckets {
            self.buckets.entry(start).or_default().merge(bucket);
        }
        self.bound_groups();
        self.widen_to(self.width);
    }

    /// Widens the buckets to this width, and further while there are too many between first and last.
    fn widen_to(&mut self, width: usize) {
        let mut wanted = width;
        if let (Some((first, _)), Some((last, _))) = (self.buckets.first_key_value(), self.buckets.last_key_value()) {
            while wanted + 1 < WIDTHS_MS.len() && spanned(*first, *last, width_ns(wanted)) > self.most as u64 {
                wanted += 1;
            }
        }
        if wanted == self.width {
            return;
        }
        self.width = wanted;
        let width_ns = width_ns(wanted);
        for (start, bucket) in std::mem::take(&mut self.buckets) {
            let start = start.saturating_sub(start.rem_euclid(width_ns));
            self.buckets.entry(start).or_default().merge(bucket);
        }
    }

    /// Adds up the rarest groups when there are too many.
    fn bound_groups(&mut self) {
        let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, count) in self.buckets.values().flat_map(|bucket| &bucket.by) {
            *totals.entry(name).or_default() += count;
        }
        if totals.len() > 2 * MOST_GROUPS {
            let kept = most_frequent(totals, MOST_GROUPS);
            self.fold(&kept);
        }
    }

    fn fold(&mut self, kept: &[String]) {
        for bucket in self.buckets.values_mut() {
            let by = std::mem::take(&mut bucket.by);
            for (name, count) in by {
                let name = if kept.contains(&name) { name } else { OTHER_VALUES.to_owned() };
                *bucket.by.entry(name).or_default() += count;
            }
        }
    }

    /// The width of its buckets.
    pub fn interval_ms(&self) -> i64 {
        width_ns(self.width) / NS_PER_MS
    }

    /// The buckets by their start, with the `most` most frequent groups apart.
    pub fn finish(&self, most: usize) -> Vec<(Timestamp, Bucket)> {
        let mut shown = self.clone();
        let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, count) in self.buckets.values().flat_map(|bucket| &bucket.by) {
            *totals.entry(name).or_default() += count;
        }
        if totals.len() > most {
            shown.fold(&most_frequent(totals, most));
        }
        shown.buckets.into_iter().map(|(start, bucket)| (Timestamp(start), bucket)).collect()
    }
}

/// The most frequent names; that of all others is not one of them.
fn most_frequent(totals: BTreeMap<&str, u64>, most: usize) -> Vec<String> {
    let mut totals: Vec<_> = totals.into_iter().filter(|(name, _)| *name != OTHER_VALUES).collect();
    totals.sort_unstable_by_key(|(name, count)| (Reverse(*count), *name));
    totals.truncate(most);
    totals.into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// The start of the bucket that a group lies in.
fn start_of(key: &[Cell]) -> Option<i64> {
    match key.first() {
        Some(Cell::Number(Number::Int(start))) => Some(*start),
        _ => None,
    }
}

/// The name of a group: a level by its rank, everything else as it is.
fn name_of(by: &str, value: &Cell) -> String {
    let rank = match value {
        Cell::Text(text) if names::is_level(by) => Level::of_text(text),
        Cell::Number(Number::Int(number)) if names::is_level(by) => Level::of_number(*number),
        _ => None,
    };
    match rank {
        Some(level) => level.name().to_owned(),
        None => {
            let mut text = value.to_string();
            if let Some((cut, _)) = text.char_indices().nth(NAME_CHARS) {
                text.truncate(cut);
            }
            text
        }
    }
}
