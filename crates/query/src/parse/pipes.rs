//! What stands after `|`.

use super::cursor::{Cursor, Piece};
use crate::ast::{Aggregate, Function, Percent, Pipe, Sort};
use crate::error::{ErrorCode, QueryError};
use crate::table_columns;

const A_PIPE: &str = "stats, timechart, top, fields, sort or limit";
const A_FUNCTION: &str = "count, count_distinct, sum, avg, min, max or a percentile such as p99";

/// How many values `top` gives when it is not told.
const DEFAULT_TOP: usize = 10;
/// Most events or rows that `limit`, `head` or `top` may ask for.
const MAX_COUNT: usize = 10_000_000;

/// Units of a `timechart` bucket, in nanoseconds.
const UNITS: [(&str, i64); 6] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

/// Reads every pipe up to the end, and where the aggregate stands (1 without one).
pub(super) fn parse(cursor: &mut Cursor) -> Result<(Vec<Pipe>, usize), QueryError> {
    let mut pipes: Vec<Pipe> = Vec::new();
    let mut aggregate_column = 1;
    // The columns of the table so far; none while there are only events.
    let mut columns: Option<Vec<String>> = None;
    loop {
        cursor.skip_space();
        if cursor.peek().is_none() {
            return Ok((pipes, aggregate_column));
        }
        if !cursor.eat('|') {
            return Err(cursor.unexpected("'|' or the end"));
        }
        cursor.skip_space();
        let column = cursor.column();
        let pipe = pipe(cursor, columns.as_deref())?;
        check_order(&pipe, &pipes, column)?;
        if pipe.is_aggregate() {
            aggregate_column = column;
            columns = Some(table_columns::of_aggregate(&pipe));
            check_distinct(columns.as_deref().unwrap_or_default(), column)?;
        } else if let (Pipe::Fields(names), Some(known)) = (&pipe, &mut columns) {
            known.clone_from(names);
        }
        pipes.push(pipe);
    }
}

fn pipe(cursor: &mut Cursor, columns: Option<&[String]>) -> Result<Pipe, QueryError> {
    let column = cursor.column();
    let name = word(cursor);
    let pipe = match name.to_ascii_lowercase().as_str() {
        "stats" => {
            let aggregates = aggregates(cursor)?;
            if aggregates.is_empty() {
                return Err(cursor.unexpected(A_FUNCTION));
            }
            Pipe::Stats { aggregates, by: by(cursor)? }
        }
        "timechart" => timechart(cursor)?,
        "top" => {
            cursor.skip_space();
            let explicit = cursor.peek().is_some_and(|c| c.is_ascii_digit());
            let count = if explicit { count(cursor)? } else { DEFAULT_TOP };
            cursor.skip_space();
            Pipe::Top { count, field: field(cursor)? }
        }
        "fields" => Pipe::Fields(list(cursor, |cursor| known_column(cursor, columns))?),
        "sort" => sort(cursor, columns)?,
        "limit" | "head" => {
            cursor.skip_space();
            Pipe::Limit(count(cursor)?)
        }
        "" => return Err(cursor.unexpected(A_PIPE)),
        _ => {
            let message = format!("there is no pipe '{name}'");
            return Err(QueryError::new(ErrorCode::UnknownPipe, column, message, A_PIPE));
        }
    };
    cursor.skip_space();
    if !matches!(cursor.peek(), None | Some('|')) {
        return Err(cursor.unexpected("'|' or the end"));
    }
    Ok(pipe)
}

fn timechart(cursor: &mut Cursor) -> Result<Pipe, QueryError> {
    cursor.skip_space();
    let bucket_ns = duration(cursor)?;
    let mut aggregates = aggregates(cursor)?;
    if aggregates.is_empty() {
        aggregates.push(Aggregate { function: Function::Count, field: None, alias: None });
    }
    Ok(Pipe::Timechart { bucket_ns, aggregates, by: by(cursor)? })
}

/// `[-]field [asc|desc]`
fn sort(cursor: &mut Cursor, columns: Option<&[String]>) -> Result<Pipe, QueryError> {
    cursor.skip_space();
    let minus = cursor.eat('-');
    let field = known_column(cursor, columns)?;
    cursor.skip_space();
    let column = cursor.column();
    let descending = match word(cursor).to_ascii_lowercase().as_str() {
        "" => minus,
        "asc" if !minus => false,
        "desc" if !minus => true,
        _ => {
            let expected =
                if minus { "'|' or the end: '-' already says descending" } else { "asc, desc, '|' or the end" };
            return Err(QueryError::new(ErrorCode::Syntax, column, "this is no order", expected));
        }
    };
    Ok(Pipe::Sort(Sort { field, descending }))
}

/// Functions separated by commas, up to `by`, a pipe or the end; may be none.
fn aggregates(cursor: &mut Cursor) -> Result<Vec<Aggregate>, QueryError> {
    cursor.skip_space();
    if matches!(cursor.peek(), None | Some('|')) || at_word(cursor, "by") {
        return Ok(Vec::new());
    }
    list(cursor, aggregate)
}

fn aggregate(cursor: &mut Cursor) -> Result<Aggregate, QueryError> {
    let column = cursor.column();
    let name = word(cursor);
    if name.is_empty() {
        return Err(cursor.unexpected(A_FUNCTION));
    }
    let Some(function) = function(&name) else {
        let message = format!("there is no function '{name}'");
        return Err(QueryError::new(ErrorCode::UnknownFunction, column, message, A_FUNCTION));
    };
    if !cursor.eat('(') {
        return Err(cursor.unexpected(format!("'(' after {name}")));
    }
    cursor.skip_space();
    let argument = if cursor.peek() == Some(')') { None } else { Some(field(cursor)?) };
    if argument.is_none() && function != Function::Count {
        return Err(cursor.unexpected(format!("the field that {name} is computed of")));
    }
    cursor.skip_space();
    if !cursor.eat(')') {
        return Err(cursor.unexpected("')'"));
    }
    cursor.skip_space();
    let alias = if at_word(cursor, "as") {
        word(cursor);
        cursor.skip_space();
        Some(field(cursor)?)
    } else {
        None
    };
    Ok(Aggregate { function, field: argument, alias })
}

fn function(name: &str) -> Option<Function> {
    Some(match name.to_ascii_lowercase().as_str() {
        "count" => Function::Count,
        "count_distinct" => Function::CountDistinct,
        "sum" => Function::Sum,
        "avg" => Function::Avg,
        "min" => Function::Min,
        "max" => Function::Max,
        percentile => Function::Percentile(percent(percentile.strip_prefix('p')?)?),
    })
}

/// `50`, `99`, `99.9`, `99.95`: at most 100 and at most two digits after the point.
fn percent(digits: &str) -> Option<Percent> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || whole.len() > 3 || fraction.len() > 2 {
        return None;
    }
    let hundredths: u16 = format!("{fraction:0<2}").parse().ok()?;
    let percent = whole.parse::<u16>().ok()?.checked_mul(100)?.checked_add(hundredths)?;
    (percent <= 10_000).then_some(Percent(percent))
}

fn by(cursor: &mut Cursor) -> Result<Vec<String>, QueryError> {
    cursor.skip_space();
    if !at_word(cursor, "by") {
        return Ok(Vec::new());
    }
    word(cursor);
    list(cursor, field)
}

/// One or more items separated by commas.
fn list<T>(
    cursor: &mut Cursor,
    mut item: impl FnMut(&mut Cursor) -> Result<T, QueryError>,
) -> Result<Vec<T>, QueryError> {
    let mut items = Vec::new();
    loop {
        cursor.skip_space();
        items.push(item(cursor)?);
        cursor.skip_space();
        if !cursor.eat(',') {
            return Ok(items);
        }
    }
}

/// The name of a field, bare or quoted.
fn field(cursor: &mut Cursor) -> Result<String, QueryError> {
    let expected = "the name of a field";
    if cursor.peek() == Some('"') {
        let column = cursor.column();
        let name = cursor.quoted()?;
        if name.is_empty() {
            return Err(QueryError::new(ErrorCode::Syntax, column, "the name is empty", expected));
        }
        return Ok(name);
    }
    let column = cursor.column();
    let pieces = cursor.bare(|c| c == ',')?;
    if pieces.is_empty() {
        return Err(cursor.unexpected(expected));
    }
    super::plain(&pieces)
        .ok_or_else(|| QueryError::new(ErrorCode::Syntax, column, "a field's name has no wildcard", expected))
}

/// A field of events, or a column of the table when there is one: `count()`, `p99(latency)`, a name.
fn known_column(cursor: &mut Cursor, columns: Option<&[String]>) -> Result<String, QueryError> {
    let column = cursor.column();
    let mut name = field(cursor)?;
    let Some(columns) = columns else { return Ok(name) };
    if cursor.eat('(') {
        cursor.skip_space();
        let argument = if cursor.peek() == Some(')') { String::new() } else { field(cursor)? };
        cursor.skip_space();
        if !cursor.eat(')') {
            return Err(cursor.unexpected("')'"));
        }
        name = format!("{}({argument})", name.to_ascii_lowercase());
    }
    if columns.contains(&name) {
        return Ok(name);
    }
    let message = format!("the table has no column '{name}'");
    Err(QueryError::new(ErrorCode::UnknownColumn, column, message, columns.join(" or ")))
}

/// Letters, digits, `_` and `.` from here on; may be empty.
fn word(cursor: &mut Cursor) -> String {
    let mut word = String::new();
    while let Some(c) = cursor.peek().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '.')) {
        word.push(c);
        cursor.bump();
    }
    word
}

/// Whether this word, in any case, comes next as a whole token.
fn at_word(cursor: &Cursor, keyword: &str) -> bool {
    let length = keyword.len();
    let same = keyword
        .chars()
        .enumerate()
        .all(|(ahead, c)| cursor.peek_at(ahead).is_some_and(|found| found.eq_ignore_ascii_case(&c)));
    same && cursor.peek_at(length).is_none_or(|c| c.is_whitespace() || matches!(c, '|' | '"'))
}

fn count(cursor: &mut Cursor) -> Result<usize, QueryError> {
    let column = cursor.column();
    let digits = word(cursor);
    match digits.parse() {
        Ok(count @ 1..=MAX_COUNT) => Ok(count),
        _ if digits.is_empty() => Err(cursor.unexpected("a number above 0")),
        _ => {
            let message = format!("'{digits}' is no such number");
            Err(QueryError::new(ErrorCode::BadValue, column, message, format!("a whole number from 1 to {MAX_COUNT}")))
        }
    }
}

fn duration(cursor: &mut Cursor) -> Result<i64, QueryError> {
    let column = cursor.column();
    let text = word(cursor);
    let expected = "the width of a bucket, such as 30s, 5m, 1h or 1d";
    if text.is_empty() {
        return Err(cursor.unexpected(expected));
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = UNITS.iter().find(|(unit, _)| *unit == &text[digits.len()..]);
    let width = unit.and_then(|(_, ns)| digits.parse::<i64>().ok()?.checked_mul(*ns));
    width
        .filter(|width| *width > 0)
        .ok_or_else(|| QueryError::new(ErrorCode::BadValue, column, format!("'{text}' is no duration"), expected))
}

/// Refuses pipes that cannot stand after those before.
fn check_order(pipe: &Pipe, before: &[Pipe], column: usize) -> Result<(), QueryError> {
    let refuse = |message: &str, expected: &str| Err(QueryError::new(ErrorCode::PipeOrder, column, message, expected));
    let has_table = before.iter().any(Pipe::is_aggregate);
    if pipe.is_aggregate() {
        if has_table {
            return refuse("there is an aggregate already", "fields, sort or limit after an aggregate");
        }
        if !before.is_empty() {
            return refuse("an aggregate works on all events that match", "the aggregate as the first pipe");
        }
    }
    if has_table {
        return Ok(());
    }
    match pipe {
        Pipe::Sort(_) if before.iter().any(|pipe| matches!(pipe, Pipe::Limit(_))) => {
            refuse("events are ordered before they are limited", "sort before limit")
        }
        Pipe::Sort(_) if before.iter().any(|pipe| matches!(pipe, Pipe::Sort(_))) => {
            refuse("there is a sort already", "one sort")
        }
        Pipe::Fields(_) if before.iter().any(|pipe| matches!(pipe, Pipe::Fields(_))) => {
            refuse("there is a fields pipe already", "one list of fields")
        }
        _ => Ok(()),
    }
}

fn check_distinct(columns: &[String], column: usize) -> Result<(), QueryError> {
    for (index, name) in columns.iter().enumerate() {
        if columns[..index].contains(name) {
            let message = format!("two columns are called '{name}'");
            return Err(QueryError::new(ErrorCode::DuplicateColumn, column, message, "another name, given with as"));
        }
    }
    Ok(())
}

/// Whether a name can be written without quotes in a pipe.
pub(crate) fn is_bare(name: &str) -> bool {
    let mut cursor = Cursor::new(name);
    let pieces = cursor.bare(|c| c == ',').unwrap_or_default();
    let plain = !pieces.is_empty() && !pieces.contains(&Piece::Star);
    plain && cursor.peek().is_none() && !name.contains('\\') && !name.starts_with('-')
}
