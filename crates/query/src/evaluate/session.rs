//! A test of one field at work on the columns of one block.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use trawl_event::{Block, Column, Level, RowSet, Values};

use super::field::Compiled;
use super::strings;
use crate::ast::Interval;
use crate::fields::Part;
use crate::json::{self, Value};
use crate::matcher::Scratch;
use crate::stop::Stop;
use crate::value::Number;

/// What a test needs while it runs over one block.
pub(super) struct Session<'t> {
    test: &'t Compiled,
    scratch: Option<Scratch>,
    /// Ranks of the spellings seen in this block: there are few, and each is on many rows.
    ranks: HashMap<Box<str>, Option<Level>>,
}

/// Most spellings of levels that are remembered; whatever else is in the field is looked up each time.
const MAX_SPELLINGS: usize = 64;

impl<'t> Session<'t> {
    pub(super) fn new(test: &'t Compiled, stop: &Stop) -> Self {
        let scratch = match test {
            Compiled::Has { matcher, .. } => Some(matcher.scratch(stop)),
            _ => None,
        };
        Self { test, scratch, ranks: HashMap::new() }
    }

    /// Adds the rows of a column that pass to `found`: every such row of `within`, and perhaps others.
    pub(super) fn run(&mut self, part: &Part<'_>, block: &Block, within: &RowSet, found: &mut RowSet) {
        let Some(sent) = part.sent_rows(block) else { return self.run_all(part, within, found) };
        let mut passing = RowSet::none(block.rows());
        self.run_all(part, within, &mut passing);
        passing.intersect(&sent);
        found.union(&passing);
    }

    /// The same, wherever the rows were sent under the name asked for.
    fn run_all(&mut self, part: &Part<'_>, within: &RowSet, found: &mut RowSet) {
        let column = part.column;
        if part.is_inside {
            if self.accepts(Value::Container) {
                add_all(column, found);
            }
            return;
        }
        match &column.values {
            Values::Text(texts) => match (self.test, &mut self.scratch) {
                (Compiled::Exists, _) => add_all(column, found),
                (Compiled::Has { matcher, .. }, Some(scratch)) => {
                    strings::holding(matcher, scratch, column, texts, within, found);
                }
                _ => strings::passing(column, texts, within, found, |text| self.accepts(Value::Text(text))),
            },
            Values::Json(texts) => strings::passing(column, texts, within, found, |text| {
                json::any_value(text, part.below, |value| self.accepts(value))
            }),
            Values::Int(values) => self.run_ints(column, values, found),
            Values::Float(values) => self.run_floats(column, values, found),
            Values::Bool(values) => {
                let [no, yes] = [false, true].map(|bool| self.accepts(Value::Bool(bool)));
                if no || yes {
                    add_passing(column, values, found, |value| if value { yes } else { no });
                }
            }
        }
    }

    fn run_ints(&mut self, column: &Column, values: &[i64], found: &mut RowSet) {
        let range = match self.test {
            Compiled::Exists => return add_all(column, found),
            Compiled::Numbers(interval) => ints_of(interval),
            Compiled::Has { scalar: Some(scalar), .. } | Compiled::Is { scalar, .. } => {
                match scalar.number.map(Number::normal) {
                    Some(Number::Int(int)) => Some(int..=int),
                    _ => None,
                }
            }
            Compiled::Levels(_) => {
                let mut last = None;
                return add_passing(column, values, found, |value| match last {
                    Some((same, passes)) if same == value => passes,
                    _ => last.insert((value, self.accepts(Value::Number(Number::Int(value))))).1,
                });
            }
            Compiled::Has { scalar: None, .. } | Compiled::Texts(_) | Compiled::Nothing => None,
        };
        if let Some(range) = range {
            let (low, high) = range.into_inner();
            add_passing(column, values, found, |value| (low <= value) & (value <= high));
        }
    }

    fn run_floats(&mut self, column: &Column, values: &[f64], found: &mut RowSet) {
        match self.test {
            Compiled::Exists => add_all(column, found),
            Compiled::Numbers(interval) => {
                add_passing(column, values, found, |value| interval.contains(&Number::Float(value)));
            }
            Compiled::Has { scalar: Some(scalar), .. } | Compiled::Is { scalar, .. } => {
                if let Some(number) = scalar.number {
                    add_passing(column, values, found, |value| number == Number::Float(value));
                }
            }
            Compiled::Levels(_) => {
                add_passing(column, values, found, |value| self.accepts(Value::Number(Number::Float(value))));
            }
            Compiled::Has { scalar: None, .. } | Compiled::Texts(_) | Compiled::Nothing => {}
        }
    }

    fn accepts(&mut self, value: Value<'_>) -> bool {
        match (self.test, value) {
            (Compiled::Exists, value) => value != Value::Null,
            (Compiled::Has { matcher, .. }, Value::Text(text)) => match &mut self.scratch {
                Some(scratch) => matcher.is_in(text, scratch),
                None => matcher.is_in(text, &mut matcher.scratch(&Stop::never())),
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

/// Adds every row that has a value.
fn add_all(column: &Column, found: &mut RowSet) {
    if column.rows.len() == found.rows() {
        *found = RowSet::all(found.rows());
    } else {
        column.rows.iter().for_each(|row| found.insert(*row as usize));
    }
}

/// Adds the rows whose value passes.
fn add_passing<T: Copy>(column: &Column, values: &[T], found: &mut RowSet, mut passes: impl FnMut(T) -> bool) {
    if column.rows.len() == found.rows() {
        found.union(&RowSet::from_values(values, passes));
    } else {
        column.rows.iter().zip(values).for_each(|(row, value)| found.insert_if(*row as usize, passes(*value)));
    }
}

/// The integers inside an interval of numbers, if there are any.
fn ints_of(interval: &Interval<Number>) -> Option<RangeInclusive<i64>> {
    let low = Interval { low: interval.low, high: std::ops::Bound::Unbounded };
    let high = Interval { low: std::ops::Bound::Unbounded, high: interval.high };
    let least = least_int(|int| low.contains(&Number::Int(int)))?;
    let beyond = least_int(|int| !high.contains(&Number::Int(int)));
    let greatest = beyond.map_or(Some(i64::MAX), |beyond| beyond.checked_sub(1))?;
    (least <= greatest).then_some(least..=greatest)
}

/// The least integer that passes, where every greater one does, too.
fn least_int(passes: impl Fn(i64) -> bool) -> Option<i64> {
    let (mut low, mut high) = (i128::from(i64::MIN), i128::from(i64::MAX) + 1);
    while low < high {
        // Between two that fit.
        let middle = low + (high - low) / 2;
        if passes(middle as i64) { high = middle } else { low = middle + 1 }
    }
    i64::try_from(low).ok()
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

#[cfg(test)]
mod tests {
    use std::ops::Bound;

    use proptest::prelude::*;

    use super::*;

    fn end() -> impl Strategy<Value = Bound<Number>> {
        let number = prop_oneof![
            prop::sample::select(vec![i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX]).prop_map(Number::Int),
            prop::sample::select(vec![-1e300, -9_223_372_036_854_775_808.0, -0.5, -0.0, 0.5, 2.0, 9.3e18, 1e300])
                .prop_map(Number::Float),
        ];
        (number, 0..3u8).prop_map(|(number, kind)| match kind {
            0 => Bound::Included(number),
            1 => Bound::Excluded(number),
            _ => Bound::Unbounded,
        })
    }

    proptest! {
        #[test]
        fn integers_inside_an_interval_are_a_range(low in end(), high in end()) {
            let interval = Interval { low, high };
            let range = ints_of(&interval);
            for int in [i64::MIN, i64::MIN + 1, i64::MIN + 2, -2, -1, 0, 1, 2, 3, i64::MAX - 2, i64::MAX - 1, i64::MAX] {
                let inside = range.as_ref().is_some_and(|range| range.contains(&int));
                prop_assert_eq!(inside, interval.contains(&Number::Int(int)), "{} in {:?}", int, &interval);
            }
        }
    }
}
