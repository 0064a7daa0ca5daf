//! What a log holds must not steer the terminal that shows it, nor a spreadsheet that opens it.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// Whether a terminal may take a character for a command, or show what stands around it in another order: control
/// characters, C1 and DEL among them, and the marks, embeddings and isolates of bidirectional text.
pub fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text that steers nothing: tabs stay, carriage returns go, everything else that steers is spelled out.
pub struct Clean<'a>(pub &'a str);

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\t' => f.write_char('\t')?,
                '\r' => {}
                steering if is_steering(steering) => write!(f, "\\u{{{:x}}}", u32::from(steering))?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// `text` without what steers a terminal.
pub fn clean(text: &str) -> String {
    Clean(text).to_string()
}

/// `text` of several lines without what steers a terminal.
pub fn clean_lines(text: &str) -> String {
    text.split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

/// JSON text that means the same and steers no terminal. Control characters below the space are escaped in JSON anyway.
pub fn json(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|character| is_steering(character) && !character.is_ascii_whitespace()) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_steering(character) && !character.is_ascii_whitespace() {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// A text as a cell of a table for people: one that a spreadsheet would take for a formula gets an apostrophe in front
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
pub fn cell(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => Cow::Owned(format!("'{text}")),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_that_steers_is_left_and_json_means_the_same(text in "\\PC{0,8}[\\x00-\\x1f\\x7f-\\x9f\u{202e}\u{2066}é]{0,4}\\PC{0,8}") {
            let cleaned = clean(&text);
            prop_assert!(cleaned.chars().all(|character| character == '\t' || !is_steering(character)), "{cleaned:?}");
            let sent = serde_json::to_string(&text).unwrap();
            let shown = json(&sent);
            prop_assert!(!shown.chars().any(is_steering), "{shown:?}");
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }

    #[test]
    fn formulas_are_told_from_text_and_numbers() {
        for (text, shown) in [("=1+1", "'=1+1"), ("@x", "'@x"), ("-5 apples", "'-5 apples"), ("a=b", "a=b"), ("", "")] {
            assert_eq!(cell(text.into()), shown);
        }
        assert_eq!(clean_lines("one\u{1b}[31m\ntwo"), "one\\u{1b}[31m\ntwo");
    }
}
