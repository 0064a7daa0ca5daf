//! What words are, which characters are the same but for their case, and which strings stand in JSON.
//!
//! Evaluation and the index of a segment must mean the same by these, so they are said once.

use jiter::{Jiter, JiterResult, Peek};

use crate::limits::MAX_DEPTH;

/// Deepest nesting of JSON that is followed: twice what ingest lets in, and far below what the stack holds.
pub const MAX_NESTING: usize = 2 * MAX_DEPTH;

/// Whether `c` belongs to words: a letter, a digit (any Unicode number) or `_`.
pub fn is_word(c: char) -> bool {
    // ASCII first: log lines are nearly all of it, and the Unicode tables cost a look-up.
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { c.is_alphanumeric() }
}

/// One character for all that are equal when letter case is ignored.
///
/// Characters that Unicode's simple case folding makes equal have one result; a few others share theirs with
/// them (`ı` with `i`), which the index, its only user, can bear.
pub fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    // Equal by simple folding, while their upper cases are several characters, and the same.
    match c {
        '\u{1fd3}' => return '\u{390}',
        '\u{1fe3}' => return '\u{3b0}',
        '\u{fb05}' => return '\u{fb06}',
        _ => {}
    }
    let upper = only(c.to_uppercase()).unwrap_or(c);
    only(upper.to_lowercase()).unwrap_or(upper)
}

fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    characters.next().filter(|_| characters.next().is_none())
}

/// Appends `text` with each character folded.
pub fn fold_into(text: &str, folded: &mut String) {
    if text.is_ascii() {
        let start = folded.len();
        folded.push_str(text);
        folded[start..].make_ascii_lowercase();
    } else {
        folded.extend(text.chars().map(fold));
    }
}

/// By byte: whether it is an ASCII character of a word.
const ASCII_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};

/// Gives the byte range of each word in `text` to `each`.
pub fn words(text: &str, mut each: impl FnMut(usize, usize)) {
    let bytes = text.as_bytes();
    let (mut at, mut start) = (0, None);
    while let Some(byte) = bytes.get(at) {
        let (belongs, length) = if byte.is_ascii() {
            (ASCII_WORD[*byte as usize], 1)
        } else {
            text[at..].chars().next().map_or((false, 1), |c| (is_word(c), c.len_utf8()))
        };
        match (belongs, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                each(from, at);
                start = None;
            }
            _ => {}
        }
        at += length;
    }
    if let Some(from) = start {
        each(from, bytes.len());
    }
}

/// Gives every string in `json`, at any depth, to `found` until that returns true; whether it did.
///
/// Where the JSON is broken the walk ends, as if nothing more stood there.
pub fn any_string(json: &str, mut found: impl FnMut(&str) -> bool) -> bool {
    if !json.starts_with(['[', '{', '"']) {
        return false;
    }
    strings(&mut Jiter::new(json.as_bytes()), 0, &mut found).unwrap_or(false)
}

fn strings(jiter: &mut Jiter<'_>, depth: usize, found: &mut impl FnMut(&str) -> bool) -> JiterResult<bool> {
    let peek = jiter.peek()?;
    match peek {
        Peek::String => return Ok(found(jiter.known_str()?)),
        Peek::Array if depth < MAX_NESTING => {
            let mut next = jiter.known_array()?;
            while next.is_some() {
                if strings(jiter, depth + 1, found)? {
                    return Ok(true);
                }
                next = jiter.array_step()?;
            }
        }
        Peek::Object if depth < MAX_NESTING => {
            let mut more = jiter.known_object()?.is_some();
            while more {
                if strings(jiter, depth + 1, found)? {
                    return Ok(true);
                }
                more = jiter.next_key()?.is_some();
            }
        }
        _ => jiter.known_skip(peek)?,
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_longest_runs() {
        let mut found = Vec::new();
        let text = "été_1, x-y.";
        words(text, |start, end| found.push(&text[start..end]));
        assert_eq!(found, ["été_1", "x", "y"]);
    }

    #[test]
    fn folding_keeps_what_is_a_word() {
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            assert_eq!(is_word(fold(c)), is_word(c), "{c:?} {:?}", fold(c));
            assert_eq!(fold(fold(c)), fold(c), "{c:?}");
        }
    }
}
