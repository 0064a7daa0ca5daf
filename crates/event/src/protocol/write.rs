//! Writes the JSON text of one event into a buffer that is used again for the next.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::shred::EventError;
use crate::timestamp::Timestamp;

/// From here on a number of nanoseconds is read back as nanoseconds; smaller ones would pass for a coarser unit.
const EPOCH_NS_FROM: u64 = 100_000_000_000_000_000;

/// Appends `"key":`, with a comma before it where one is due.
pub(crate) fn key(out: &mut Vec<u8>, name: &str) {
    comma(out);
    string(out, name);
    out.push(b':');
}

/// Appends a key that is JSON already, quotes included.
pub(crate) fn raw_key(out: &mut Vec<u8>, json: &[u8]) {
    comma(out);
    out.extend_from_slice(json);
    out.push(b':');
}

/// Appends a member whose value is JSON already.
pub(crate) fn raw(out: &mut Vec<u8>, name: &str, json: &[u8]) {
    key(out, name);
    out.extend_from_slice(json);
}

/// Appends a member that is a string.
pub(crate) fn text(out: &mut Vec<u8>, name: &str, value: &str) {
    key(out, name);
    string(out, value);
}

/// Appends a comma unless this is the first member or element.
pub(crate) fn comma(out: &mut Vec<u8>) {
    if !matches!(out.last(), None | Some(b'{' | b'[')) {
        out.push(b',');
    }
}

/// Appends `value` as a JSON string (RFC 8259 §7).
pub(crate) fn string(out: &mut Vec<u8>, value: &str) {
    out.reserve(value.len() + 2);
    out.push(b'"');
    let mut rest = value.as_bytes();
    loop {
        let plain = plain_len(rest);
        let (before, from) = rest.split_at(plain);
        out.extend_from_slice(before);
        let Some((byte, after)) = from.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = after;
    }
    out.push(b'"');
}

/// How many bytes come before the first that JSON escapes.
pub(crate) fn plain_len(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES * 0x80;
    // Eight at a time: a byte below n borrows from its high bit when n is taken off it. A byte
    // above one that borrows may be reported too; the loop below then looks closer.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGH;
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..at + 8).and_then(|chunk| <[u8; 8]>::try_from(chunk).ok()) {
        let word = u64::from_le_bytes(chunk);
        let special =
            below(word, 0x20) | below(word ^ (ONES * u64::from(b'"')), 1) | below(word ^ (ONES * u64::from(b'\\')), 1);
        if special != 0 {
            break;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let escaped = |byte: &u8| matches!(byte, b'"' | b'\\' | 0x00..=0x1f);
    at + rest.iter().position(escaped).unwrap_or(rest.len())
}

/// Appends a whole number.
pub(crate) fn int(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    uint(out, value.unsigned_abs());
}

/// Appends a whole number that is not negative.
pub(crate) fn uint(out: &mut Vec<u8>, value: u64) {
    let start = out.len();
    let mut rest = value;
    loop {
        out.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

/// Appends a number; JSON has no infinities and no NaN, they become strings as in OTLP's JSON.
pub(crate) fn float(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else {
        out.extend_from_slice(if value > 0.0 { b"\"Infinity\"".as_slice() } else { b"\"-Infinity\"" });
    }
}

/// Appends bytes as a string of lower-case hexadecimal digits.
pub(crate) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    out.push(b'"');
    out.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    out.push(b'"');
}

/// Appends bytes as a string in base64.
pub(crate) fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    string(out, &STANDARD.encode(bytes));
}

/// A number of nanoseconds since 1970 as a time, `None` when as a number it would not be read as one of nanoseconds.
pub(crate) fn time_of_ns(ns: u64) -> Option<Timestamp> {
    i64::try_from(ns).ok().filter(|_| ns >= EPOCH_NS_FROM).map(Timestamp)
}

/// Appends the member `timestamp` from nanoseconds since 1970.
pub(crate) fn timestamp_ns(out: &mut Vec<u8>, ns: u64) -> Result<(), EventError> {
    let Ok(signed) = i64::try_from(ns) else {
        return Err(EventError::BadTimestamp { name: "timestamp".to_owned(), found: ns.to_string() });
    };
    key(out, "timestamp");
    if ns >= EPOCH_NS_FROM {
        uint(out, ns);
    } else {
        string(out, &Timestamp(signed).to_string());
    }
    Ok(())
}

/// Appends an object of named strings; the values of a name that comes more than once are an array.
pub(crate) fn pairs<N: AsRef<str>, V: AsRef<str>>(out: &mut Vec<u8>, pairs: &[(N, V)]) {
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    let name = |index: &usize| pairs.get(*index).map_or("", |(name, _)| name.as_ref());
    order.sort_by(|a, b| name(a).cmp(name(b)));
    out.push(b'{');
    for same in order.chunk_by(|a, b| name(a) == name(b)) {
        key(out, same.first().map_or("", name));
        let is_list = same.len() > 1;
        if is_list {
            out.push(b'[');
        }
        for (_, value) in same.iter().filter_map(|index| pairs.get(*index)) {
            if is_list {
                comma(out);
            }
            string(out, value.as_ref());
        }
        if is_list {
            out.push(b']');
        }
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn strings_are_read_back(text in any::<String>()) {
            let mut out = Vec::new();
            string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn numbers_are_read_back(number in any::<i64>()) {
            let mut out = Vec::new();
            int(&mut out, number);
            prop_assert_eq!(serde_json::from_slice::<i64>(&out).unwrap(), number);
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        let mut out = Vec::new();
        string(&mut out, "a\u{1}\u{1f}\"\\\n\r\tzzzzzzzz\u{7f}ü\"");
        assert_eq!(out, "\"a\\u0001\\u001f\\\"\\\\\\n\\r\\tzzzzzzzz\u{7f}ü\\\"\"".as_bytes());
    }

    #[test]
    fn a_name_that_repeats_has_all_its_values() {
        let mut out = Vec::new();
        pairs(&mut out, &[("b", "1"), ("a", "2"), ("b", "3")]);
        assert_eq!(out, br#"{"a":"2","b":["1","3"]}"#);
    }
}
