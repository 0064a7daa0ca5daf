//! What stands after `field:`.

use std::ops::Bound;

use trawl_event::{Level, Timestamp};

use super::cursor::plain;
use super::{A_VALUE, Parser, pattern, phrase};
use crate::ast::{Filter, Interval, Range, Term, Test};
use crate::error::{ErrorCode, QueryError};
use crate::names;
use crate::value::Number;

/// An operand as written, with its column.
struct Operand {
    text: String,
    column: usize,
}

impl Parser {
    /// One value form of a field.
    pub(super) fn value(&mut self, field: &str) -> Result<Filter, QueryError> {
        let column = self.cursor.column();
        let test = match self.cursor.peek() {
            Some('"') => {
                let text = self.cursor.quoted()?;
                self.end_of_token()?;
                has(field, Term::Pattern(phrase(text, column)?), column)?
            }
            Some('/') => has(field, self.regex()?, column)?,
            Some('[') => self.range(field)?,
            Some('=') => {
                self.cursor.bump();
                let operand = self.operand(|_| false, "an exact value right after '='")?;
                self.end_of_token()?;
                exact(field, operand)?
            }
            Some('>' | '<') => self.bound(field)?,
            _ => {
                let pieces = self.cursor.bare(|_| false)?;
                if pieces.is_empty() {
                    return Err(self.cursor.unexpected(A_VALUE));
                }
                self.end_of_token()?;
                match pattern(&pieces, column)? {
                    Some(pattern) => has(field, Term::Pattern(pattern), column)?,
                    None => Test::Exists,
                }
            }
        };
        Ok(Filter::Field { field: field.to_owned(), test })
    }

    /// `>5`, `>=5`, `<5`, `<=5`
    fn bound(&mut self, field: &str) -> Result<Test, QueryError> {
        let lower = self.cursor.bump() == Some('>');
        let included = self.cursor.eat('=');
        let operand = self.operand(|_| false, "a number, text, level or time right after the operator")?;
        self.end_of_token()?;
        let end = if included { Bound::Included(operand) } else { Bound::Excluded(operand) };
        let interval = match lower {
            true => Interval { low: end, high: Bound::Unbounded },
            false => Interval { low: Bound::Unbounded, high: end },
        };
        Ok(Test::Within(typed(field, &interval)?))
    }

    /// `[low TO high]`
    fn range(&mut self, field: &str) -> Result<Test, QueryError> {
        self.cursor.bump();
        self.cursor.skip_space();
        let low = self.end("the lower end of the range, or '*'")?;
        self.cursor.skip_space();
        if !self.cursor.eat_keyword("TO") {
            return Err(self.cursor.unexpected("TO between the ends of the range"));
        }
        self.cursor.skip_space();
        let high = self.end("the upper end of the range, or '*'")?;
        self.cursor.skip_space();
        if !self.cursor.eat(']') {
            return Err(self.cursor.unexpected("']' after the range"));
        }
        self.end_of_token()?;
        let interval = Interval { low, high };
        if matches!((&interval.low, &interval.high), (Bound::Unbounded, Bound::Unbounded)) {
            return Ok(Test::Exists);
        }
        Ok(Test::Within(typed(field, &interval)?))
    }

    fn end(&mut self, expected: &str) -> Result<Bound<Operand>, QueryError> {
        let next = self.cursor.peek_at(1);
        if self.cursor.peek() == Some('*') && next.is_none_or(|c| c.is_whitespace() || c == ']') {
            self.cursor.bump();
            return Ok(Bound::Unbounded);
        }
        Ok(Bound::Included(self.operand(|c| c == ']', expected)?))
    }

    fn operand(&mut self, stop: impl Fn(char) -> bool, expected: &str) -> Result<Operand, QueryError> {
        let column = self.cursor.column();
        if self.cursor.peek() == Some('"') {
            return Ok(Operand { text: self.cursor.quoted()?, column });
        }
        let pieces = self.cursor.bare(stop)?;
        if pieces.is_empty() {
            return Err(self.cursor.unexpected(expected));
        }
        match plain(&pieces) {
            Some(text) => Ok(Operand { text, column }),
            None => {
                let message = "a wildcard cannot be compared";
                Err(QueryError::new(ErrorCode::Syntax, column, message, format!("{expected} without '*' (or quoted)")))
            }
        }
    }
}

/// The test that finds a term; on `timestamp` it has to spell a time.
fn has(field: &str, term: Term, column: usize) -> Result<Test, QueryError> {
    if field != trawl_event::block::TIMESTAMP {
        return Ok(Test::Has(term));
    }
    let text = match &term {
        Term::Pattern(pattern) => pattern.as_value().unwrap_or_default().to_owned(),
        Term::Regex(_) => String::new(),
    };
    let time = time_of(&Operand { text, column })?;
    Ok(Test::Within(Range::Times(Interval::only(time))))
}

fn exact(field: &str, operand: Operand) -> Result<Test, QueryError> {
    if field != trawl_event::block::TIMESTAMP {
        return Ok(Test::Is(operand.text));
    }
    Ok(Test::Within(Range::Times(Interval::only(time_of(&operand)?))))
}

fn time_of(operand: &Operand) -> Result<Timestamp, QueryError> {
    Timestamp::parse(&operand.text).ok_or_else(|| {
        let expected = "a time: RFC 3339 (2024-05-01T12:00:00Z) or an epoch, after one of >= > <= < or in [a TO b]";
        QueryError::new(ErrorCode::BadValue, operand.column, "timestamp compares with times only", expected)
    })
}

/// Decides what is compared: times, levels, numbers or texts.
fn typed(field: &str, interval: &Interval<Operand>) -> Result<Range, QueryError> {
    if field == trawl_event::block::TIMESTAMP {
        return Ok(Range::Times(interval.try_map(time_of)?));
    }
    let number = |operand: &Operand| Number::parse(&operand.text).ok_or(operand.column);
    let numbers = interval.try_map(number);
    if names::is_level(field) {
        let levels = interval.try_map(|operand| Level::of_text(&operand.text).ok_or(operand.column));
        return match (levels, numbers) {
            (Ok(levels), _) => Ok(Range::Levels(levels)),
            (Err(_), Ok(numbers)) => Ok(Range::Numbers(numbers)),
            (Err(column), Err(_)) => {
                let expected = "a level: trace, debug, info, warn, error, fatal or another spelling of one";
                Err(QueryError::new(ErrorCode::BadValue, column, "this is no level", expected))
            }
        };
    }
    let no_number = match numbers {
        Ok(numbers) => return Ok(Range::Numbers(numbers)),
        Err(column) => column,
    };
    // No number at all, or the two ends differ: then neither order would be the one meant.
    let texts = interval.try_map(|operand| match Number::parse(&operand.text) {
        None => Ok(operand.text.clone()),
        Some(_) => Err(no_number),
    });
    texts.map(Range::Texts).map_err(|column| {
        let message = "one end is a number, the other is not";
        QueryError::new(ErrorCode::BadValue, column, message, "two numbers or two texts")
    })
}
