//! Walking the JSON text of `Json` columns.
//!
//! The text was checked when the event came in. Should it be broken after all, the walk ends there,
//! as if nothing more stood in the value.

use jiter::{Jiter, JiterResult, Peek};
use trawl_event::text::MAX_NESTING;

use crate::value::Number;

/// A value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(&'a str),
    /// An object or array: it is there, and that is all that can be asked of it. The elements of an
    /// array follow as values of their own.
    Container,
}

/// Gives the values at `below` (a dotted name inside the value; `None` is the value itself) to `found`
/// until that returns true; whether it did. Arrays on the way are transparent.
pub(crate) fn any_value(json: &str, below: Option<&str>, mut found: impl FnMut(Value<'_>) -> bool) -> bool {
    values(&mut Jiter::new(json.as_bytes()), below, 0, &mut found).unwrap_or(false)
}

fn values(
    jiter: &mut Jiter<'_>,
    below: Option<&str>,
    depth: usize,
    found: &mut impl FnMut(Value<'_>) -> bool,
) -> JiterResult<bool> {
    let peek = jiter.peek()?;
    match peek {
        Peek::Array if depth < MAX_NESTING => {
            if below.is_none() && found(Value::Container) {
                return Ok(true);
            }
            let mut next = jiter.known_array()?;
            while next.is_some() {
                if values(jiter, below, depth + 1, found)? {
                    return Ok(true);
                }
                next = jiter.array_step()?;
            }
            return Ok(false);
        }
        Peek::Object if depth < MAX_NESTING && below.is_some() => {
            let mut next = jiter.known_object()?.and_then(|key| Some(after_key(below?, key)));
            while let Some(after) = next {
                match after {
                    After::Elsewhere => jiter.next_skip()?,
                    After::Here => {
                        if values(jiter, None, depth + 1, found)? {
                            return Ok(true);
                        }
                    }
                    After::Below(rest) => {
                        if values(jiter, Some(rest), depth + 1, found)? {
                            return Ok(true);
                        }
                    }
                }
                next = jiter.next_key()?.and_then(|key| Some(after_key(below?, key)));
            }
            return Ok(false);
        }
        _ if below.is_some() => jiter.known_skip(peek)?,
        Peek::Null => {
            jiter.known_null()?;
            return Ok(found(Value::Null));
        }
        Peek::True | Peek::False => return Ok(found(Value::Bool(jiter.known_bool(peek)?))),
        Peek::String => return Ok(found(Value::Text(jiter.known_str()?))),
        _ if peek.is_num() => {
            let digits = jiter.known_number_bytes(peek)?;
            let number = std::str::from_utf8(digits).ok().and_then(Number::parse);
            // A number that no double holds is there, but equal to nothing.
            return Ok(found(number.map_or(Value::Container, Value::Number)));
        }
        _ => {
            jiter.known_skip(peek)?;
            return Ok(found(Value::Container));
        }
    }
    Ok(false)
}

/// What a key is to a dotted name.
enum After<'n> {
    /// Something else.
    Elsewhere,
    /// The whole name.
    Here,
    /// Its beginning; this is left.
    Below(&'n str),
}

fn after_key<'n>(name: &'n str, key: &str) -> After<'n> {
    match name.strip_prefix(key) {
        Some("") => After::Here,
        Some(rest) => rest.strip_prefix('.').map_or(After::Elsewhere, After::Below),
        None => After::Elsewhere,
    }
}
