//! Where a word begins and ends.

pub(crate) use trawl_event::text::is_word;

/// Whether a word stands directly before `at`.
pub(crate) fn word_before(text: &str, at: usize) -> bool {
    match at.checked_sub(1).map(|before| text.as_bytes()[before]) {
        None => false,
        Some(byte) if byte.is_ascii() => is_word(char::from(byte)),
        Some(_) => text[..at].chars().next_back().is_some_and(is_word),
    }
}

/// Whether a word stands directly after `at`.
pub(crate) fn word_after(text: &str, at: usize) -> bool {
    match text.as_bytes().get(at) {
        None => false,
        Some(byte) if byte.is_ascii() => is_word(char::from(*byte)),
        Some(_) => text[at..].chars().next().is_some_and(is_word),
    }
}
