//! A place in the query text, and the small things read there.

use crate::error::{ErrorCode, QueryError};

/// The characters of a query and how far it has been read.
pub(super) struct Cursor {
    chars: Vec<char>,
    at: usize,
}

/// What a bare token is made of: characters, and the stars that were not escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Char(char),
    Star,
}

impl Cursor {
    pub(super) fn new(text: &str) -> Self {
        Self { chars: text.chars().collect(), at: 0 }
    }

    /// The column of the next character, from 1.
    pub(super) fn column(&self) -> usize {
        self.at + 1
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    /// Takes `c` if it comes next.
    pub(super) fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        self.at += usize::from(found);
        found
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Whether a token may end here: white space, a bracket, a pipe or the end.
    pub(super) fn at_border(&self) -> bool {
        self.peek().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '|'))
    }

    /// Whether `keyword` comes next as a token of its own.
    pub(super) fn at_keyword(&self, keyword: &str) -> bool {
        let length = keyword.chars().count();
        let same = keyword.chars().enumerate().all(|(ahead, c)| self.peek_at(ahead) == Some(c));
        let after = self.peek_at(length);
        same && after.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '|' | '"'))
    }

    /// Takes `keyword` if it comes next as a token of its own.
    pub(super) fn eat_keyword(&mut self, keyword: &str) -> bool {
        let found = self.at_keyword(keyword);
        if found {
            self.at += keyword.chars().count();
        }
        found
    }

    /// What comes next, for a message.
    pub(super) fn found(&self) -> String {
        match self.peek() {
            None => "the end".to_owned(),
            Some(c) if c.is_control() => format!("a control character ({})", c.escape_default()),
            Some(c) => format!("'{c}'"),
        }
    }

    /// A syntax error here.
    pub(super) fn unexpected(&self, expected: impl Into<String>) -> QueryError {
        let message = format!("unexpected {}", self.found());
        QueryError::new(ErrorCode::Syntax, self.column(), message, expected)
    }

    /// Reads the string that begins with the quote here. `\"` and `\\` are a quote and a backslash;
    /// a backslash before anything else stands for itself.
    pub(super) fn quoted(&mut self) -> Result<String, QueryError> {
        let start = self.column();
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('"') => return Ok(text),
                Some('\\') => match self.peek() {
                    Some(c @ ('"' | '\\')) => {
                        self.at += 1;
                        text.push(c);
                    }
                    _ => text.push('\\'),
                },
                Some(c) => text.push(c),
                None => {
                    let message = "this quote is never closed";
                    return Err(QueryError::new(ErrorCode::Syntax, start, message, "a closing '\"'"));
                }
            }
        }
    }

    /// Reads a bare token up to white space, a bracket `()`, a pipe, a quote, the end, or `stop`.
    /// A backslash takes the next character as it is.
    pub(super) fn bare(&mut self, stop: impl Fn(char) -> bool) -> Result<Vec<Piece>, QueryError> {
        let mut pieces = Vec::new();
        while let Some(c) = self.peek() {
            if self.at_border() || c == '"' || stop(c) {
                break;
            }
            self.at += 1;
            pieces.push(match c {
                '*' => Piece::Star,
                '\\' => match self.bump() {
                    Some(escaped) => Piece::Char(escaped),
                    None => return Err(self.unexpected("a character after '\\'")),
                },
                c => Piece::Char(c),
            });
        }
        Ok(pieces)
    }

    /// Reads the regex that begins with the slash here, without flags: its pattern, in which `\/` is a slash.
    pub(super) fn slashed(&mut self) -> Result<String, QueryError> {
        let start = self.column();
        self.bump();
        let mut pattern = String::new();
        loop {
            match self.bump() {
                Some('/') => return Ok(pattern),
                Some('\\') => match self.bump() {
                    Some('/') => pattern.push('/'),
                    Some(c) => pattern.extend(['\\', c]),
                    None => return Err(unclosed_regex(start)),
                },
                Some(c) => pattern.push(c),
                None => return Err(unclosed_regex(start)),
            }
        }
    }
}

fn unclosed_regex(start: usize) -> QueryError {
    let expected = "a closing '/' (to find a text that begins with a slash, quote it)";
    QueryError::new(ErrorCode::Syntax, start, "this regex is never closed", expected)
}

/// The text of a token without stars; `None` when it has one.
pub(super) fn plain(pieces: &[Piece]) -> Option<String> {
    let chars = pieces.iter().map(|piece| match piece {
        Piece::Char(c) => Some(*c),
        Piece::Star => None,
    });
    chars.collect()
}
