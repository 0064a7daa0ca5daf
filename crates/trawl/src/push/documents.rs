//! A JSON array, or objects spread over several lines → one event per line.
//!
//! Pretty-printed JSON and arrays are cut into their values without being parsed: only strings and
//! brackets are followed, and white space between tokens is dropped. So a file of any size goes through
//! in the memory of one event, and every event reaches the server with the spelling it has. Whether it is
//! valid JSON is for the server to say.

use std::io::{self, Read};

use super::lines::Line;

/// Bytes read at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// Why a document could not be cut to its end.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// A byte that can't stand between two events.
    #[error("line {line}: expected {expected}, found {found:?}")]
    Unexpected {
        /// Where, from 1.
        line: u64,
        /// What could stand there.
        expected: &'static str,
        /// What stands there.
        found: char,
    },
    /// It ends inside an event or inside the array.
    #[error("line {line}: the JSON value that begins here has no end")]
    Open {
        /// Where it begins.
        line: u64,
    },
}

/// Cuts a stream of JSON values, or the elements of one array, into events.
pub struct Documents<R> {
    reader: R,
    buffer: Vec<u8>,
    at: usize,
    longest: usize,
    line: u64,
    offset: u64,
    /// The line of the `[`, while inside the array.
    array: Option<u64>,
    /// Whether an element was read and no comma since.
    after_element: bool,
    ended: bool,
}

impl<R: Read> Documents<R> {
    /// Reads from `reader`; events of more than `longest` bytes are reported but not kept.
    pub fn new(reader: R, longest: usize) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            at: 0,
            longest,
            line: 1,
            offset: 0,
            array: None,
            after_element: false,
            ended: false,
        }
    }

    /// Reads the next event into `text`, in one line. `None` at the end.
    pub fn next(&mut self, text: &mut Vec<u8>) -> Result<Option<Line>, DocumentError> {
        text.clear();
        loop {
            let Some(byte) = self.peek()? else {
                return match self.array {
                    Some(line) => Err(DocumentError::Open { line }),
                    None => Ok(None),
                };
            };
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.take(byte),
                b'[' if self.array.is_none() && !self.ended => {
                    (self.array, self.after_element) = (Some(self.line), false);
                    self.take(byte);
                }
                b',' if self.array.is_some() && self.after_element => {
                    self.after_element = false;
                    self.take(byte);
                }
                b']' if self.array.is_some() => {
                    (self.array, self.ended) = (None, true);
                    self.take(byte);
                }
                b'{' if !(self.ended || self.array.is_some() && self.after_element) => {
                    self.after_element = true;
                    return self.object(text).map(Some);
                }
                found => return Err(self.unexpected(found)),
            }
        }
    }

    /// Reads an object up to the bracket that closes it.
    fn object(&mut self, text: &mut Vec<u8>) -> Result<Line, DocumentError> {
        let (number, offset) = (self.line, self.offset);
        let mut length = 0_u64;
        let (mut depth, mut in_string, mut escaped) = (0_u64, false, false);
        while let Some(byte) = self.peek()? {
            self.take(byte);
            let kept = match byte {
                b' ' | b'\t' | b'\r' | b'\n' => in_string,
                _ => true,
            };
            if kept {
                length += 1;
                if length <= self.longest as u64 {
                    text.push(byte);
                } else {
                    text.clear();
                }
            }
            if in_string {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(Line { number, offset, length });
            }
        }
        Err(DocumentError::Open { line: number })
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        if self.at == self.buffer.len() {
            self.buffer.resize(BUFFER_BYTES, 0);
            let read = loop {
                match self.reader.read(&mut self.buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    other => break other,
                }
            };
            self.buffer.truncate(*read.as_ref().unwrap_or(&0));
            self.at = 0;
            read?;
        }
        Ok(self.buffer.get(self.at).copied())
    }

    fn take(&mut self, byte: u8) {
        self.at += 1;
        self.offset += 1;
        self.line += u64::from(byte == b'\n');
    }

    fn unexpected(&self, found: u8) -> DocumentError {
        let expected = match (self.array.is_some(), self.after_element) {
            (true, true) => "',' or ']' after an event",
            (true, false) => "an event (a JSON object)",
            (false, _) if self.ended => "nothing after the array",
            (false, _) => "a JSON object",
        };
        // A byte of a longer character is shown as what it is in Latin-1: good enough to be found.
        DocumentError::Unexpected { line: self.line, expected, found: char::from(found) }
    }
}

/// Whether a stream that begins with `head` is to be cut here rather than at line ends: an array, or an
/// object whose first line holds nothing but its opening bracket.
pub fn is_document(head: &[u8]) -> bool {
    let first_line = head.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    first_line.starts_with(b"[") || first_line.trim_ascii_end() == b"{"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn events(input: &str, longest: usize) -> Result<Vec<(u64, String)>, String> {
        let mut documents = Documents::new(input.as_bytes(), longest);
        let mut text = Vec::new();
        let mut all = Vec::new();
        while let Some(line) = documents.next(&mut text).map_err(|error| error.to_string())? {
            all.push((line.number, String::from_utf8(text.clone()).unwrap()));
        }
        Ok(all)
    }

    #[test]
    fn arrays_and_pretty_objects_become_lines() {
        let pretty = "{\n  \"a\" : \"x \\\" } y\",\n  \"b\": [1, {}]\n}\n{ }\n";
        let expected = vec![(1, r#"{"a":"x \" } y","b":[1,{}]}"#.to_owned()), (5, "{}".to_owned())];
        assert_eq!(events(pretty, 100), Ok(expected));
        assert_eq!(events(" [ ]\n", 100), Ok(vec![]));
        assert_eq!(events("[{\"n\": 1.0e2},\n {}]", 100), Ok(vec![(1, r#"{"n":1.0e2}"#.into()), (2, "{}".into())]));
    }

    #[test]
    fn what_is_no_document_is_reported_with_its_line() {
        for (input, reason) in [
            ("[\n{}\n{}]", "line 3: expected ',' or ']' after an event, found '{'"),
            ("[1]", "line 1: expected an event (a JSON object), found '1'"),
            ("[{}]\nx", "line 2: expected nothing after the array, found 'x'"),
            ("{}\n[", "line 2: the JSON value that begins here has no end"),
            ("\n{\"a\":", "line 2: the JSON value that begins here has no end"),
            ("{}x", "line 1: expected a JSON object, found 'x'"),
        ] {
            assert_eq!(events(input, 100).unwrap_err(), reason);
        }
    }

    #[test]
    fn an_overlong_event_is_passed_over() {
        assert_eq!(events("[{\"a\":12345},{}]", 5), Ok(vec![(1, String::new()), (1, "{}".into())]));
    }

    #[test]
    fn documents_are_told_from_lines_by_their_first_line() {
        for head in ["[{", " \n [", "{\n", "{ \r\n \"a\"", "["] {
            assert!(is_document(head.as_bytes()), "{head:?}");
        }
        for head in ["", "{}", "{\"a\":1}\n{\n", "plain", "{\"a\":"] {
            assert!(!is_document(head.as_bytes()), "{head:?}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![any::<i64>().prop_map(|n| json!(n)), "[\\PC\\n\"\\\\{}\\[\\], ]{0,9}".prop_map(|s| json!(s))];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(|list| json!(list)),
                proptest::collection::btree_map("[a-z\" ]{0,4}", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_element_comes_out_as_it_went_in(values in proptest::collection::vec(value(), 0..5)) {
            let values: Vec<Value> = values.into_iter().map(|value| json!({ "v": value })).collect();
            let array = serde_json::to_string_pretty(&values).unwrap();
            let stream: String = values.iter().map(|value| serde_json::to_string_pretty(value).unwrap() + "\n").collect();
            for input in [array, stream] {
                let lines = events(&input, usize::MAX).unwrap();
                let again: Vec<Value> = lines.iter().map(|(_, line)| serde_json::from_str(line).unwrap()).collect();
                prop_assert_eq!(&again, &values);
                prop_assert!(lines.iter().all(|(_, line)| !line.contains('\n')));
            }
        }

        #[test]
        fn any_bytes_are_cut_or_refused(input in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut documents = Documents::new(input.as_slice(), 10);
            let mut text = Vec::new();
            while let Ok(Some(_)) = documents.next(&mut text) {}
        }
    }
}
