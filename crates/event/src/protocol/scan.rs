//! Finds the values of a JSON text without looking into them.
//!
//! Brackets are counted and strings skipped, nothing else: what a decoder copies into an event
//! is read in full by the shredder, which refuses that event alone when it is no JSON.

use std::borrow::Cow;

use jiter::Jiter;

use crate::decode::BodyError;
use crate::protocol::write::plain_len;
use crate::shred::EventError;

/// What stood where something else was expected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Broken {
    offset: usize,
    expected: &'static str,
}

impl From<Broken> for BodyError {
    fn from(broken: Broken) -> Self {
        Self::InvalidJson { offset: broken.offset, reason: format!("expected {}", broken.expected) }
    }
}

impl From<Broken> for EventError {
    fn from(broken: Broken) -> Self {
        Self::InvalidJson { offset: broken.offset, reason: format!("expected {}", broken.expected) }
    }
}

/// Reads one text from its beginning on.
#[derive(Clone, Copy)]
struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&mut self) -> Option<u8> {
        self.at += self.rest().iter().take_while(|byte| is_space(byte)).count();
        self.rest().first().copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self) -> Result<&'b [u8], Broken> {
        self.peek();
        let value = value_len(self.rest()).and_then(|len| self.rest().get(..len)).ok_or(self.expected("a value"))?;
        self.at += value.len();
        Ok(value)
    }

    fn expected(&self, expected: &'static str) -> Broken {
        Broken { offset: self.at, expected }
    }
}

fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// A member of an object: its name as it is spelled, without the quotes, and the text of its value.
pub(crate) type Member<'b> = (&'b [u8], &'b [u8]);

/// The members of an object.
pub(crate) struct Members<'b> {
    cursor: Cursor<'b>,
    started: bool,
    ended: bool,
}

impl<'b> Members<'b> {
    /// Of the object that begins `bytes`.
    pub(crate) fn of(bytes: &'b [u8]) -> Result<Self, Broken> {
        let mut cursor = Cursor { bytes, at: 0 };
        if cursor.take(b'{') {
            Ok(Self { cursor, started: false, ended: false })
        } else {
            Err(cursor.expected("an object"))
        }
    }

    /// The next member.
    pub(crate) fn next(&mut self) -> Result<Option<Member<'b>>, Broken> {
        match self.name()? {
            Some(name) => Ok(Some((name, self.value()?))),
            None => Ok(None),
        }
    }

    /// The name of the next member. Its value is to be read next: by [`Self::value`], or from [`Self::here`] on and
    /// passed by [`Self::resume`].
    pub(crate) fn name(&mut self) -> Result<Option<&'b [u8]>, Broken> {
        let cursor = &mut self.cursor;
        self.ended = self.ended || cursor.take(b'}');
        if self.ended {
            return Ok(None);
        }
        if std::mem::replace(&mut self.started, true) && !cursor.take(b',') {
            return Err(cursor.expected("a comma or a closing brace"));
        }
        if cursor.peek() != Some(b'"') {
            return Err(cursor.expected("a name in quotes"));
        }
        let name = cursor.value()?;
        if !cursor.take(b':') {
            return Err(cursor.expected("a colon"));
        }
        Ok(Some(name.get(1..name.len() - 1).unwrap_or_default()))
    }

    /// The value of the member whose name was read.
    pub(crate) fn value(&mut self) -> Result<&'b [u8], Broken> {
        self.cursor.value()
    }

    /// The text from that value on.
    pub(crate) fn here(&mut self) -> &'b [u8] {
        self.cursor.peek();
        self.cursor.rest()
    }

    /// Goes on at `rest`, the end of what [`Self::here`] gave.
    pub(crate) fn resume(&mut self, rest: &'b [u8]) {
        self.cursor.at = self.cursor.bytes.len() - rest.len();
    }

    /// What comes after the object, once it was read to its end.
    pub(crate) fn rest(&self) -> &'b [u8] {
        self.cursor.rest()
    }
}

/// The elements of an array.
pub(crate) struct Elements<'b> {
    cursor: Cursor<'b>,
    started: bool,
    ended: bool,
}

impl<'b> Elements<'b> {
    /// Of the array that begins `bytes`.
    pub(crate) fn of(bytes: &'b [u8]) -> Result<Self, Broken> {
        let mut cursor = Cursor { bytes, at: 0 };
        if cursor.take(b'[') {
            Ok(Self { cursor, started: false, ended: false })
        } else {
            Err(cursor.expected("an array"))
        }
    }

    /// The text of the next element.
    pub(crate) fn next(&mut self) -> Result<Option<&'b [u8]>, Broken> {
        match self.here()? {
            Some(_) => self.value().map(Some),
            None => Ok(None),
        }
    }

    /// The text from the next element on, if there is one. It is to be passed by [`Self::value`] or [`Self::resume`].
    pub(crate) fn here(&mut self) -> Result<Option<&'b [u8]>, Broken> {
        let cursor = &mut self.cursor;
        self.ended = self.ended || cursor.take(b']');
        if self.ended {
            return Ok(None);
        }
        if std::mem::replace(&mut self.started, true) && !cursor.take(b',') {
            return Err(cursor.expected("a comma or a closing bracket"));
        }
        cursor.peek();
        Ok(Some(cursor.rest()))
    }

    /// The element that begins here.
    pub(crate) fn value(&mut self) -> Result<&'b [u8], Broken> {
        self.cursor.value()
    }

    /// Goes on at `rest`, the end of what [`Self::here`] gave.
    pub(crate) fn resume(&mut self, rest: &'b [u8]) {
        self.cursor.at = self.cursor.bytes.len() - rest.len();
    }

    /// What comes after the array, once it was read to its end.
    pub(crate) fn rest(&self) -> &'b [u8] {
        self.cursor.rest()
    }
}

/// That nothing but white space follows a body's value.
pub(crate) fn ends(body: &[u8], rest: &[u8]) -> Result<(), BodyError> {
    match rest.iter().position(|byte| !is_space(byte)) {
        None => Ok(()),
        Some(at) => Err(Broken { offset: body.len() - rest.len() + at, expected: "the end of the body" }.into()),
    }
}

/// A piece of a body that has JSON values one after the other, or lines of text.
pub(crate) enum Piece<'b> {
    /// An object or an array.
    Value(&'b [u8]),
    /// A line, or the rest of one, that does not begin with a whole object or array.
    Line(&'b [u8]),
}

/// Cuts a body into its pieces: values side by side, a line each, or over several lines.
pub(crate) struct Pieces<'b> {
    cursor: Cursor<'b>,
    line_end: usize,
    /// A value did not end by the end of the body: none is looked for beyond its line from now on, so that
    /// a body takes time in proportion to its size.
    broken: bool,
}

impl<'b> Pieces<'b> {
    /// Of a body.
    pub(crate) fn of(bytes: &'b [u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        Self { cursor: Cursor { bytes, at: 0 }, line_end: 0, broken: false }
    }
}

impl<'b> Iterator for Pieces<'b> {
    type Item = Piece<'b>;

    fn next(&mut self) -> Option<Piece<'b>> {
        let first = self.cursor.peek()?;
        let rest = self.cursor.rest();
        if self.cursor.at >= self.line_end {
            self.line_end = self.cursor.at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        }
        let line = rest.get(..self.line_end - self.cursor.at).unwrap_or(rest);
        if matches!(first, b'{' | b'[') {
            let mut len = value_len(line);
            if len.is_none() && !self.broken {
                len = value_len(rest);
                self.broken = len.is_none();
            }
            if let Some((value, after)) = len.and_then(|len| rest.split_at_checked(len))
                && (first == b'{' || stands_alone(after))
            {
                self.cursor.at += value.len();
                return Some(Piece::Value(value));
            }
        }
        self.cursor.at += line.len();
        Some(Piece::Line(line.strip_suffix(b"\r").unwrap_or(line)))
    }
}

/// Whether an array is all of its line, or another value follows it; `[warn] a text` is a line of text.
fn stands_alone(after: &[u8]) -> bool {
    let next = after.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
    matches!(next, None | Some(b'\n' | b'{' | b'['))
}

/// How many bytes the value takes that begins `bytes`.
pub(crate) fn value_len(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' => string_len(bytes),
        b'{' | b'[' => {
            let (mut at, mut depth) = (0, 0usize);
            loop {
                match KINDS.get(usize::from(*bytes.get(at)?)) {
                    Some(Kind::Quote) => at += string_len(bytes.get(at..)?)?,
                    Some(Kind::Open) => {
                        depth += 1;
                        at += 1;
                    }
                    Some(Kind::Close) => {
                        depth = depth.checked_sub(1)?;
                        at += 1;
                        if depth == 0 {
                            return Some(at);
                        }
                    }
                    _ => at += 1,
                }
            }
        }
        b',' | b':' | b'}' | b']' => None,
        _ => {
            let ends = |byte: &u8| is_space(byte) || matches!(byte, b',' | b':' | b'}' | b']' | b'{' | b'[' | b'"');
            Some(bytes.iter().position(ends).unwrap_or(bytes.len()))
        }
    }
}

/// What a byte outside strings does.
#[derive(Clone, Copy)]
enum Kind {
    Other,
    Quote,
    Open,
    Close,
}

static KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Other; 256];
    kinds[b'"' as usize] = Kind::Quote;
    kinds[b'{' as usize] = Kind::Open;
    kinds[b'[' as usize] = Kind::Open;
    kinds[b'}' as usize] = Kind::Close;
    kinds[b']' as usize] = Kind::Close;
    kinds
};

#[inline]
fn string_len(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    // A byte that is zero after the comparison borrows from its high bit; the lowest that does is exact.
    let equal = |word: u64, byte: u8| {
        let compared = word ^ (ONES * u64::from(byte));
        compared.wrapping_sub(ONES) & !compared & (ONES * 0x80)
    };
    let mut at = 1;
    loop {
        // Most strings are short: eight bytes at a time come to their end before a search has begun.
        let chunk = bytes.get(at..at + 8).and_then(|chunk| <[u8; 8]>::try_from(chunk).ok());
        at += match chunk.map(u64::from_le_bytes) {
            Some(word) => match equal(word, b'"') | equal(word, b'\\') {
                0 if at > LONG_STRING => 8 + memchr::memchr2(b'"', b'\\', bytes.get(at + 8..)?)?,
                0 => {
                    at += 8;
                    continue;
                }
                found => found.trailing_zeros() as usize / 8,
            },
            None => memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?,
        };
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The text behind `null`, if that is what stands here.
pub(crate) fn behind_null(bytes: &[u8]) -> Option<&[u8]> {
    let ends = |byte: &u8| is_space(byte) || matches!(byte, b',' | b'}' | b']');
    bytes.strip_prefix(b"null").filter(|rest| rest.first().is_none_or(ends))
}

/// From here on a string is searched as a long one.
const LONG_STRING: usize = 40;

/// What a JSON string says, `None` when it is none.
pub(crate) fn text(json: &[u8]) -> Option<Cow<'_, str>> {
    plain(json.strip_prefix(b"\"")?.strip_suffix(b"\"")?).or_else(|| read_text(json))
}

/// What the name of a member says, which stands here without its quotes.
pub(crate) fn name_text(name: &[u8]) -> Option<Cow<'_, str>> {
    plain(name).or_else(|| read_text(&[b"\"", name, b"\""].concat()))
}

/// A text without escapes, of characters that need none.
fn plain(inner: &[u8]) -> Option<Cow<'_, str>> {
    let is_plain = plain_len(inner) == inner.len();
    std::str::from_utf8(inner).ok().filter(|_| is_plain).map(Cow::Borrowed)
}

fn read_text(json: &[u8]) -> Option<Cow<'static, str>> {
    Jiter::new(json).next_str().ok().map(|text| Cow::Owned(text.to_owned()))
}

/// What a whole number says that is written as such or as a string, as 64-bit numbers are in protobuf's JSON.
pub(crate) fn number<N: std::str::FromStr>(json: &[u8]) -> Option<N> {
    let digits = json.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(json);
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Whether a value is a string with something in it.
pub(crate) fn is_filled_string(json: &[u8]) -> bool {
    json.len() > 2 && json.first() == Some(&b'"')
}
