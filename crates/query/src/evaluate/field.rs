//! Tests of one field.

use trawl_event::block::MESSAGE;
use trawl_event::{Block, Level, RowSet, Timestamp};

use crate::ast::{Interval, Range, Term, Test};
use crate::error::QueryError;
use crate::fields::FieldColumns;
use crate::json::Value;
use crate::matcher::Matcher;
use crate::names;
use crate::stop::Stop;
use crate::value::Number;

use super::session::Session;

/// What reading messages adds to the cost of a test: they are most of what there is.
const LARGE_COLUMN: u32 = 100;

/// A compiled test and the field it is about.
pub(super) struct FieldTest {
    field: String,
    test: Compiled,
    /// What is asked of the timestamp, where it was sent under this field's name.
    times: Times,
}

pub(super) enum Compiled {
    Exists,
    Has {
        matcher: Box<Matcher>,
        scalar: Option<Scalar>,
    },
    Is {
        text: String,
        scalar: Scalar,
    },
    Numbers(Interval<Number>),
    Texts(Interval<String>),
    Levels(Interval<Level>),
    /// No value passes; the timestamp may.
    Nothing,
}

enum Times {
    Exists,
    Within(Interval<Timestamp>),
    Nothing,
}

/// What a text spells besides itself.
pub(super) struct Scalar {
    pub(super) number: Option<Number>,
    pub(super) bool: Option<bool>,
    null: bool,
}

impl Scalar {
    /// JSON's literals as they are written there.
    fn exact(text: &str) -> Self {
        let bool = match text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        Self { number: Number::parse(text), bool, null: text == "null" }
    }

    /// JSON's literals in any case.
    fn folded(text: &str) -> Self {
        Self::exact(&text.to_ascii_lowercase())
    }

    pub(super) fn equals(&self, value: Value<'_>) -> bool {
        match value {
            Value::Null => self.null,
            Value::Bool(bool) => self.bool == Some(bool),
            Value::Number(number) => self.number == Some(number),
            Value::Text(_) | Value::Container => false,
        }
    }
}

impl FieldTest {
    pub(super) fn new(field: &str, test: &Test) -> Result<Self, QueryError> {
        let time =
            |text: &str| Timestamp::parse(text).map_or(Times::Nothing, |time| Times::Within(Interval::only(time)));
        let (test, times) = match test {
            Test::Exists => (Compiled::Exists, Times::Exists),
            Test::Has(term) => {
                let value = match term {
                    Term::Pattern(pattern) => pattern.as_value(),
                    Term::Regex(_) => None,
                };
                let times = value.map_or(Times::Nothing, time);
                (Compiled::Has { matcher: Box::new(Matcher::new(term)?), scalar: value.map(Scalar::folded) }, times)
            }
            Test::Is(text) => (Compiled::Is { scalar: Scalar::exact(text), text: text.clone() }, time(text)),
            Test::Within(Range::Numbers(interval)) => {
                let times = interval.try_map(|number| Timestamp::parse(&number.to_string()).ok_or(()));
                (Compiled::Numbers(interval.clone()), times.map_or(Times::Nothing, Times::Within))
            }
            Test::Within(Range::Texts(interval)) => {
                let times = interval.try_map(|text| Timestamp::parse(text).ok_or(()));
                (Compiled::Texts(interval.clone()), times.map_or(Times::Nothing, Times::Within))
            }
            Test::Within(Range::Levels(interval)) => (Compiled::Levels(interval.clone()), Times::Nothing),
            Test::Within(Range::Times(interval)) => (Compiled::Nothing, Times::Within(interval.clone())),
        };
        Ok(Self { field: field.to_owned(), test, times })
    }

    /// The test whether the field exists.
    pub(super) fn exists(field: &str) -> Self {
        Self { field: field.to_owned(), test: Compiled::Exists, times: Times::Exists }
    }

    pub(super) fn cost(&self) -> u32 {
        let work = match &self.test {
            Compiled::Has { matcher, .. } => 4 * matcher.cost(),
            Compiled::Exists | Compiled::Nothing => 1,
            Compiled::Numbers(_) => 2,
            Compiled::Is { .. } | Compiled::Levels(_) | Compiled::Texts(_) => 3,
        };
        let is_large = self.field == MESSAGE || names::names_of(MESSAGE).contains(&&*self.field);
        if is_large { LARGE_COLUMN + work } else { work }
    }

    /// The rows of `within` with a value that passes.
    pub(super) fn matches(&self, block: &Block, within: &RowSet, stop: &Stop) -> RowSet {
        let columns = FieldColumns::new(block, &self.field, matches!(self.test, Compiled::Exists));
        let mut found = RowSet::none(block.rows());
        let mut session = Session::new(&self.test, stop);
        for part in &columns.parts {
            session.run(part, block, within, &mut found);
        }
        let times = columns.times_that(|time| match &self.times {
            Times::Exists => true,
            Times::Within(interval) => interval.contains(&Timestamp(time)),
            Times::Nothing => false,
        });
        if let Some(times) = times {
            found.union(&times);
        }
        found.intersect(within);
        found
    }
}
