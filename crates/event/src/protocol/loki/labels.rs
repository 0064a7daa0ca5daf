//! The labels of a stream as text.

use std::borrow::Cow;

use super::Pairs;
use crate::limits::MAX_FIELDS;

/// Reads `{job="x", app="y"}`, strings as Go quotes them.
pub(super) fn read_labels(text: &str) -> Option<Pairs<'_>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim().strip_prefix('{')?.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return after.is_empty().then_some(pairs);
        }
        if pairs.len() == MAX_FIELDS {
            return None;
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = go_string(after.trim_start())?;
        let name = name.trim_end();
        if name.is_empty()
            || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.'))
        {
            return None;
        }
        pairs.push((Cow::Borrowed(name), value));
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if after.starts_with('}') => after,
            None => return None,
        };
    }
}

/// The string literal that begins `text`, and what follows it (<https://go.dev/ref/spec#String_literals>).
fn go_string(text: &str) -> Option<(Cow<'_, str>, &str)> {
    if let Some(raw) = text.strip_prefix('`') {
        let (value, rest) = raw.split_once('`')?;
        return Some((Cow::Borrowed(value), rest));
    }
    let inner = text.strip_prefix('"')?;
    let plain = inner.find(['"', '\\'])?;
    if inner.get(plain..)?.starts_with('"') {
        return Some((Cow::Borrowed(inner.get(..plain)?), inner.get(plain + 1..)?));
    }
    let mut bytes = Vec::new();
    let mut chars = inner.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((Cow::Owned(String::from_utf8(bytes).ok()?), inner.get(at + 1..)?)),
            '\\' => {
                let escape = chars.next()?.1;
                let mut digits = |first: Option<char>, count: usize, radix: u32| -> Option<u32> {
                    let mut value = match first {
                        Some(first) => first.to_digit(radix)?,
                        None => 0,
                    };
                    for _ in 0..count {
                        value = value.checked_mul(radix)? + chars.next()?.1.to_digit(radix)?;
                    }
                    Some(value)
                };
                match escape {
                    'a' => bytes.push(7),
                    'b' => bytes.push(8),
                    'f' => bytes.push(12),
                    'n' => bytes.push(b'\n'),
                    'r' => bytes.push(b'\r'),
                    't' => bytes.push(b'\t'),
                    'v' => bytes.push(11),
                    '\\' | '"' | '\'' => bytes.push(escape as u8),
                    'x' => bytes.push(u8::try_from(digits(None, 2, 16)?).ok()?),
                    '0'..='7' => bytes.push(u8::try_from(digits(Some(escape), 2, 8)?).ok()?),
                    'u' | 'U' => {
                        let code = digits(None, if escape == 'u' { 4 } else { 8 }, 16)?;
                        let char = char::from_u32(code)?;
                        bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    _ => return None,
                }
            }
            _ => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    None
}
