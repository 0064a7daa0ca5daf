//! JSON text, handled as text: digits, escapes and order stay as they were sent.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// JSON text in one line: as it is if it holds no line break, else without white space between tokens.
pub fn one_line(json: &str) -> Cow<'_, str> {
    if !json.contains(['\n', '\r']) {
        return Cow::Borrowed(json);
    }
    let (mut in_string, mut escaped) = (false, false);
    let kept = json.chars().filter(|character| {
        if in_string {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
            return true;
        }
        in_string = *character == '"';
        !matches!(character, ' ' | '\t' | '\n' | '\r')
    });
    Cow::Owned(kept.collect())
}

/// A value as plain text: a string without quotes and escapes, null as nothing, anything else as its JSON.
pub fn plain(value: &RawValue) -> Cow<'_, str> {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<StringValue<'_>>(json).map_or(Cow::Borrowed(json), |string| string.0),
        Some(b'n') => Cow::Borrowed(""),
        _ => one_line(json),
    }
}

/// A string that is borrowed where it holds no escape.
#[derive(serde::Deserialize)]
struct StringValue<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn json_in_one_line_is_not_touched() {
        assert_eq!(one_line(r#"{"a": 1.0e2}"#), r#"{"a": 1.0e2}"#);
        assert_eq!(one_line("{\n \"a\\\" b\" :\r\n [1, \" x \"]}"), r#"{"a\" b":[1," x "]}"#);
    }

    #[test]
    fn values_become_plain_text() {
        for (json, text) in [
            (r#""a\tb\u00e9""#, "a\tbé"),
            (r#""as it is""#, "as it is"),
            ("null", ""),
            ("1.50", "1.50"),
            ("true", "true"),
            ("[1,\n2]", "[1,2]"),
        ] {
            let value: Box<RawValue> = serde_json::from_str(json).unwrap();
            assert_eq!(plain(&value), text);
        }
    }

    proptest! {
        #[test]
        fn joining_lines_changes_no_value(key in "\\PC{0,9}", text in "[ \\\\\"\n\t{}a]{0,20}") {
            let value = json!({ key: [text, {"b": 1}] });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            let line = one_line(&pretty);
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
        }
    }
}
