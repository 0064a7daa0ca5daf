//! From text to a checked [`Query`]: recursive descent, one token of look-ahead.

mod cursor;
mod pipes;
mod values;

use crate::ast::{Filter, Pattern, Term};
use crate::error::{ErrorCode, QueryError};
use crate::query::Query;
use crate::regexes;
use crate::{MAX_DEPTH, MAX_PARTS, MAX_QUERY_BYTES};

use cursor::{Cursor, Piece, plain};
pub(crate) use pipes::is_bare;

/// What may stand where a filter begins.
const A_FILTER: &str = "a word, \"phrase\", /regex/, field:value or '('";
/// What may stand after `field:`.
const A_VALUE: &str = "a word, \"phrase\", /regex/, =exact, >=bound, [low TO high], '*' or '(' right after ':'";

/// Reads and checks a whole query.
pub(crate) fn parse(text: &str) -> Result<Query, QueryError> {
    if text.len() > MAX_QUERY_BYTES {
        let message = format!("the query has {} bytes, the limit is {MAX_QUERY_BYTES}", text.len());
        return Err(QueryError::new(ErrorCode::QueryTooLong, 1, message, ""));
    }
    let mut parser = Parser { cursor: Cursor::new(text), depth: 0 };
    parser.cursor.skip_space();
    let filter = match parser.cursor.peek() {
        None | Some('|') => Filter::All,
        Some(_) => parser.either(None)?,
    };
    if parser.cursor.peek() == Some(')') {
        return Err(parser.cursor.unexpected("no ')' here: no '(' is open"));
    }
    let (pipes, aggregate_column) = pipes::parse(&mut parser.cursor)?;
    Ok(Query { filter, pipes, aggregate_column })
}

struct Parser {
    cursor: Cursor,
    depth: usize,
}

/// The field in force inside `field:( … )`, with the column of its name.
type Scope<'a> = Option<&'a str>;

impl Parser {
    /// `a OR b`
    fn either(&mut self, scope: Scope<'_>) -> Result<Filter, QueryError> {
        let mut sides = vec![self.both(scope)?];
        while self.cursor.eat_keyword("OR") {
            self.cursor.skip_space();
            sides.push(self.both(scope)?);
        }
        Ok(or(sides))
    }

    /// `a b`, `a AND b`
    fn both(&mut self, scope: Scope<'_>) -> Result<Filter, QueryError> {
        let mut sides = vec![self.negatable(scope)?];
        loop {
            self.cursor.skip_space();
            if self.cursor.eat_keyword("AND") {
                self.cursor.skip_space();
            } else if matches!(self.cursor.peek(), None | Some(')' | '|')) || self.cursor.at_keyword("OR") {
                return Ok(and(sides));
            }
            sides.push(self.negatable(scope)?);
        }
    }

    /// `NOT a`, `-a`, `a`
    fn negatable(&mut self, scope: Scope<'_>) -> Result<Filter, QueryError> {
        let negated = if self.cursor.eat_keyword("NOT") {
            self.cursor.skip_space();
            true
        } else if self.cursor.eat('-') {
            if self.cursor.at_border() && self.cursor.peek() != Some('(') || self.cursor.peek() == Some('-') {
                return Err(self.cursor.unexpected("a filter right after '-' (quote a text that begins with '-')"));
            }
            true
        } else {
            false
        };
        if !negated {
            return self.single(scope);
        }
        self.deeper(|parser| Ok(Filter::Not(Box::new(parser.negatable(scope)?))))
    }

    /// A group, a field or a term.
    fn single(&mut self, scope: Scope<'_>) -> Result<Filter, QueryError> {
        if self.cursor.peek() == Some('(') {
            return self.group(scope);
        }
        if ["AND", "OR"].iter().any(|keyword| self.cursor.at_keyword(keyword)) {
            return Err(self
                .cursor
                .unexpected(format!("{A_FILTER} before this operator; quote it to find it as a word")));
        }
        match scope {
            Some(field) => self.value(field),
            None => self.field_or_term(),
        }
    }

    fn group(&mut self, scope: Scope<'_>) -> Result<Filter, QueryError> {
        let open = self.cursor.column();
        self.cursor.bump();
        self.cursor.skip_space();
        let inner = self.deeper(|parser| parser.either(scope))?;
        if !self.cursor.eat(')') {
            let message = format!("the '(' of column {open} is never closed");
            return Err(QueryError::new(ErrorCode::Syntax, self.cursor.column(), message, "')'"));
        }
        Ok(inner)
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Result<Filter, QueryError>) -> Result<Filter, QueryError> {
        if self.depth == MAX_DEPTH {
            let message = format!("groups and negations nest deeper than {MAX_DEPTH}");
            return Err(QueryError::new(ErrorCode::QueryTooDeep, self.cursor.column(), message, ""));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// A term, or a field's name with its value.
    fn field_or_term(&mut self) -> Result<Filter, QueryError> {
        let column = self.cursor.column();
        match self.cursor.peek() {
            Some('"') => {
                let text = self.cursor.quoted()?;
                if self.cursor.eat(':') {
                    return self.field(text, column);
                }
                self.end_of_token()?;
                Ok(Filter::Text(Term::Pattern(phrase(text, column)?)))
            }
            Some('/') => Ok(Filter::Text(self.regex()?)),
            _ => {
                let pieces = self.cursor.bare(|c| c == ':')?;
                if self.cursor.eat(':') {
                    let Some(name) = plain(&pieces) else {
                        let message = "a field's name has no wildcard";
                        let expected = "a whole name before ':' (escape '*' or ':' to find it in a text)";
                        return Err(QueryError::new(ErrorCode::Syntax, column, message, expected));
                    };
                    return self.field(name, column);
                }
                if pieces.is_empty() {
                    return Err(self.cursor.unexpected(A_FILTER));
                }
                self.end_of_token()?;
                Ok(pattern(&pieces, column)?.map_or(Filter::All, |pattern| Filter::Text(Term::Pattern(pattern))))
            }
        }
    }

    fn field(&mut self, name: String, column: usize) -> Result<Filter, QueryError> {
        if name.is_empty() {
            let message = "there is no field name before ':'";
            return Err(QueryError::new(ErrorCode::Syntax, column, message, "a field name"));
        }
        if self.cursor.peek() == Some('(') { self.group(Some(&name)) } else { self.value(&name) }
    }

    /// A regex with its flags.
    fn regex(&mut self) -> Result<Term, QueryError> {
        let column = self.cursor.column();
        let pattern = self.cursor.slashed()?;
        let ignore_case = self.cursor.eat('i');
        if !self.cursor.at_border() {
            let expected = "'i' or a space after the regex (escape a slash inside as '\\/'; quote a path)";
            return Err(self.cursor.unexpected(expected));
        }
        if pattern.is_empty() {
            return Err(QueryError::new(
                ErrorCode::RegexInvalid,
                column,
                "the regex is empty",
                "a pattern between the slashes",
            ));
        }
        let term = crate::ast::RegexTerm { pattern, ignore_case };
        regexes::compile(&term).map_err(|error| error.at(column))?;
        Ok(Term::Regex(term))
    }

    /// Refuses what would run two tokens together.
    fn end_of_token(&self) -> Result<(), QueryError> {
        if self.cursor.at_border() && self.cursor.peek() != Some('(') {
            return Ok(());
        }
        Err(self.cursor.unexpected("a space or the end of the term (quote a text that holds this character)"))
    }
}

/// Joins sides with AND, without nesting one in another.
fn and(sides: Vec<Filter>) -> Filter {
    join(sides, Filter::And, |side| match side {
        Filter::And(inner) => Ok(inner),
        other => Err(other),
    })
}

/// Joins sides with OR, without nesting one in another.
fn or(sides: Vec<Filter>) -> Filter {
    join(sides, Filter::Or, |side| match side {
        Filter::Or(inner) => Ok(inner),
        other => Err(other),
    })
}

fn join(
    sides: Vec<Filter>,
    make: impl Fn(Vec<Filter>) -> Filter,
    open: impl Fn(Filter) -> Result<Vec<Filter>, Filter>,
) -> Filter {
    let mut flat = Vec::with_capacity(sides.len());
    for side in sides {
        match open(side) {
            Ok(inner) => flat.extend(inner),
            Err(one) => flat.push(one),
        }
    }
    match flat.pop() {
        Some(only) if flat.is_empty() => only,
        Some(last) => {
            flat.push(last);
            make(flat)
        }
        None => Filter::All,
    }
}

fn phrase(text: String, column: usize) -> Result<Pattern, QueryError> {
    if text.is_empty() {
        let message = "an empty phrase is in every text";
        return Err(QueryError::new(
            ErrorCode::Syntax,
            column,
            message,
            "some text (or field:=\"\" for an empty value)",
        ));
    }
    Ok(Pattern::phrase(text))
}

/// The pattern of a bare token; `None` when it is nothing but stars.
fn pattern(pieces: &[Piece], column: usize) -> Result<Option<Pattern>, QueryError> {
    let parts: Vec<String> =
        pieces.split(|piece| *piece == Piece::Star).filter_map(plain).filter(|part| !part.is_empty()).collect();
    if parts.len() > MAX_PARTS {
        let message = format!("this term has {} parts between wildcards", parts.len());
        return Err(QueryError::new(ErrorCode::Syntax, column, message, format!("at most {MAX_PARTS} parts")));
    }
    Ok((!parts.is_empty()).then(|| Pattern {
        parts,
        open_start: pieces.first() == Some(&Piece::Star),
        open_end: pieces.last() == Some(&Piece::Star),
    }))
}
