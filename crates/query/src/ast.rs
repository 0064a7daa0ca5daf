//! The parsed query: a filter and its pipes. See [`crate::grammar`] for what each form means.

use std::ops::Bound;

use trawl_event::{Level, Timestamp};

use crate::value::Number;

/// Which events are meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Every event.
    All,
    /// Events that all of these match; two or more, none of them an `And`.
    And(Vec<Filter>),
    /// Events that any of these matches; two or more, none of them an `Or`.
    Or(Vec<Filter>),
    /// Events that this does not match.
    Not(Box<Filter>),
    /// Events with a text in which the term is found.
    Text(Term),
    /// Events with a value of the field that passes the test.
    Field {
        /// The name of the field: its keys joined by dots.
        field: String,
        /// What the value must be.
        test: Test,
    },
}

/// Something that is found in one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// A word, phrase, prefix, suffix or substring; letter case is ignored.
    Pattern(Pattern),
    /// A regular expression.
    Regex(RegexTerm),
}

/// Literal text, perhaps with gaps: `timeout`, `"connection reset"`, `req-*`, `*8f3a*`, `/api/*/users`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The literal parts in order, at least one, none empty. Between two parts may stand any
    /// characters but white space.
    pub parts: Vec<String>,
    /// Whether the match may begin inside a word (a leading `*`).
    pub open_start: bool,
    /// Whether the match may end inside a word (a trailing `*`).
    pub open_end: bool,
}

impl Pattern {
    /// Exactly this text, not beginning or ending inside a word.
    pub fn phrase(text: impl Into<String>) -> Self {
        Self { parts: vec![text.into()], open_start: false, open_end: false }
    }

    /// The text, if it has no wildcard at all: then numbers, booleans and null compare with it.
    pub fn as_value(&self) -> Option<&str> {
        match &*self.parts {
            [only] if !self.open_start && !self.open_end => Some(only),
            _ => None,
        }
    }
}

/// A regular expression between slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexTerm {
    /// The pattern, with `\/` already read as a slash.
    pub pattern: String,
    /// Whether `/…/i` was written.
    pub ignore_case: bool,
}

/// What a value of a field must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// There, and not null.
    Exists,
    /// A text in which the term is found; or the number, boolean or null that a term without wildcard spells.
    Has(Term),
    /// Exactly this; case counts. A number, boolean or null compares with what the text spells.
    Is(String),
    /// Within these ends.
    Within(Range),
}

/// An ordered test, by what is compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Range {
    /// Numbers, and texts that spell numbers.
    Numbers(Interval<Number>),
    /// Texts, by code points.
    Texts(Interval<String>),
    /// Levels by rank (`level` and its aliases).
    Levels(Interval<Level>),
    /// Times (`timestamp`).
    Times(Interval<Timestamp>),
}

/// A lower and an upper end; never both unbounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval<T> {
    /// The lower end.
    pub low: Bound<T>,
    /// The upper end.
    pub high: Bound<T>,
}

impl<T: PartialOrd> Interval<T> {
    /// Exactly one value.
    pub fn only(value: T) -> Self
    where
        T: Clone,
    {
        Self { low: Bound::Included(value.clone()), high: Bound::Included(value) }
    }

    /// Whether `value` lies between the ends.
    pub fn contains<U>(&self, value: &U) -> bool
    where
        T: PartialOrd<U>,
        U: PartialOrd<T> + ?Sized,
    {
        std::ops::RangeBounds::contains(&(self.low.as_ref(), self.high.as_ref()), value)
    }
}

impl<T> Interval<T> {
    /// The same ends as something else.
    pub(crate) fn try_map<U, E>(&self, map: impl Fn(&T) -> Result<U, E>) -> Result<Interval<U>, E> {
        let end = |bound: &Bound<T>| {
            Ok(match bound {
                Bound::Included(value) => Bound::Included(map(value)?),
                Bound::Excluded(value) => Bound::Excluded(map(value)?),
                Bound::Unbounded => Bound::Unbounded,
            })
        };
        Ok(Interval { low: end(&self.low)?, high: end(&self.high)? })
    }
}

/// One step after the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// `| stats count(), p99(latency) by service`
    Stats {
        /// What is computed, at least one.
        aggregates: Vec<Aggregate>,
        /// The fields whose values make the groups.
        by: Vec<String>,
    },
    /// `| timechart 5m count() by level`
    Timechart {
        /// The width of a bucket in nanoseconds, above 0. Buckets begin at multiples of it since the epoch.
        bucket_ns: i64,
        /// What is computed, at least one.
        aggregates: Vec<Aggregate>,
        /// The fields whose values make the groups inside a bucket.
        by: Vec<String>,
    },
    /// `| top 10 client.ip`
    Top {
        /// How many values.
        count: usize,
        /// Of which field.
        field: String,
    },
    /// `| fields a, b`: of an event, these paths; of a table, these columns in this order.
    Fields(Vec<String>),
    /// `| sort -latency`
    Sort(Sort),
    /// `| limit 20`
    Limit(usize),
}

impl Pipe {
    /// Whether it turns events into a table.
    pub fn is_aggregate(&self) -> bool {
        matches!(self, Self::Stats { .. } | Self::Timechart { .. } | Self::Top { .. })
    }
}

/// An order by one field of events or one column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The field or column.
    pub field: String,
    /// Greatest first? What has no value comes last either way.
    pub descending: bool,
}

/// One computed column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// What is computed.
    pub function: Function,
    /// Over which field; only `count()` may do without.
    pub field: Option<String>,
    /// The name given with `as`.
    pub alias: Option<String>,
}

/// An aggregate function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Events; with a field, events in which it exists.
    Count,
    /// Distinct values.
    CountDistinct,
    /// Sum of the numbers.
    Sum,
    /// Mean of the numbers.
    Avg,
    /// Least value.
    Min,
    /// Greatest value.
    Max,
    /// A percentile of the numbers.
    Percentile(Percent),
}

/// A percentage in hundredths: 9950 is p99.5. At most 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(pub u16);

impl Percent {
    /// As a share of 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}
