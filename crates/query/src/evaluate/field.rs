//! Tests of one field.

use std::collections::HashMap;

use trawl_event::{Block, Level, RowSet, Timestamp, Values};

use crate::ast::{Interval, Range, Term, Test};
use crate::error::QueryError;
use crate::fields::{FieldColumns, Part};
use crate::json::Value;
use crate::matcher::{Matcher, Scratch};
use crate::value::Number;

/// A compiled test and the field it is about.
pub(super) struct FieldTest {
    field: String,
    test: Compiled,
    /// What is asked of the timestamp, where it was sent under this field's name.
    times: Times,
}

enum Compiled {
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
struct Scalar {
    number: Option<Number>,
    bool: Option<bool>,
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

    fn equals(&self, value: Value<'_>) -> bool {
        match value {
            Value::Null => self.null,
            Value::Bool(bool) => self.bool == Some(bool),
            Value::Number(number) => self.number == Some(number),
            Value::Text(_) | Value::Container => false,
        }
    }
}

/// What a test needs while it runs over one block.
struct Session<'t> {
    test: &'t Compiled,
    scratch: Option<Scratch>,
    /// Ranks of the spellings seen in this block: there are few, and each is on many rows.
    ranks: HashMap<Box<str>, Option<Level>>,
}

/// Most spellings of levels that are remembered; whatever else is in the field is looked up each time.
const MAX_SPELLINGS: usize = 64;

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

    pub(super) fn cost(&self) -> u32 {
        match &self.test {
            Compiled::Has { matcher, .. } => 4 * matcher.cost(),
            Compiled::Exists | Compiled::Nothing => 1,
            Compiled::Numbers(_) => 2,
            Compiled::Is { .. } | Compiled::Levels(_) | Compiled::Texts(_) => 3,
        }
    }

    /// The rows of `within` with a value that passes.
    pub(super) fn matches(&self, block: &Block, within: &RowSet) -> RowSet {
        let columns = FieldColumns::new(block, &self.field, matches!(self.test, Compiled::Exists));
        let mut found = RowSet::none(block.rows());
        let mut session = Session::new(&self.test);
        for part in &columns.parts {
            session.run(part, block, within, &mut found);
        }
        if columns.times.is_some() {
            for row in within.iter() {
                let passes = columns.time(row).is_some_and(|time| match &self.times {
                    Times::Exists => true,
                    Times::Within(interval) => interval.contains(&Timestamp(time)),
                    Times::Nothing => false,
                });
                if passes {
                    found.insert(row);
                }
            }
        }
        found.intersect(within);
        found
    }
}

impl<'t> Session<'t> {
    fn new(test: &'t Compiled) -> Self {
        let scratch = match test {
            Compiled::Has { matcher, .. } => Some(matcher.scratch()),
            _ => None,
        };
        Self { test, scratch, ranks: HashMap::new() }
    }

    /// Adds the rows of a column that pass to `found`: every such row of `within`, and perhaps others.
    fn run(&mut self, part: &Part<'_>, block: &Block, within: &RowSet, found: &mut RowSet) {
        let column = part.column;
        if let (Values::Text(texts), Compiled::Has { matcher, .. }, Some(scratch), None, false) =
            (&column.values, self.test, &mut self.scratch, &part.sent_as, part.is_inside)
        {
            super::in_texts(matcher, scratch, column, texts, within, found);
            return;
        }
        for (index, row) in column.rows.iter().enumerate() {
            let row = *row as usize;
            let asked = within.contains(row) && !found.contains(row) && part.is_sent(block, row);
            if asked && part.any(index, |value| self.accepts(value)) {
                found.insert(row);
            }
        }
    }

    fn accepts(&mut self, value: Value<'_>) -> bool {
        match (self.test, value) {
            (Compiled::Exists, value) => value != Value::Null,
            (Compiled::Has { matcher, .. }, Value::Text(text)) => match &mut self.scratch {
                Some(scratch) => matcher.is_in(text, scratch),
                None => matcher.is_in(text, &mut matcher.scratch()),
            },
            (Compiled::Has { scalar, .. }, value) => scalar.as_ref().is_some_and(|scalar| scalar.equals(value)),
            (Compiled::Is { text: wanted, .. }, Value::Text(text)) => wanted == text,
            (Compiled::Is { scalar, .. }, value) => scalar.equals(value),
            (Compiled::Numbers(interval), Value::Number(number)) => interval.contains(&number),
            (Compiled::Numbers(interval), Value::Text(text)) => {
                Number::parse(text).is_some_and(|number| interval.contains(&number))
            }
            (Compiled::Texts(interval), Value::Text(text)) => within_texts(interval, text),
            (Compiled::Levels(interval), value) => self.rank(value).is_some_and(|level| interval.contains(&level)),
            (Compiled::Numbers(_) | Compiled::Texts(_) | Compiled::Nothing, _) => false,
        }
    }

    fn rank(&mut self, value: Value<'_>) -> Option<Level> {
        let Value::Text(text) = value else { return crate::sort::rank_of(value) };
        if let Some(rank) = self.ranks.get(text) {
            return *rank;
        }
        let rank = Level::of_text(text);
        if self.ranks.len() < MAX_SPELLINGS {
            self.ranks.insert(text.into(), rank);
        }
        rank
    }
}

fn within_texts(interval: &Interval<String>, text: &str) -> bool {
    use std::ops::Bound;
    let low = match &interval.low {
        Bound::Included(low) => text >= low.as_str(),
        Bound::Excluded(low) => text > low.as_str(),
        Bound::Unbounded => true,
    };
    let high = match &interval.high {
        Bound::Included(high) => text <= high.as_str(),
        Bound::Excluded(high) => text < high.as_str(),
        Bound::Unbounded => true,
    };
    low && high
}
