//! A stream of bytes → its lines, each with its number and place, none longer than allowed in memory.

use std::io::{self, BufRead};

/// A line as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: u64,
    /// Where it begins, in bytes from the start of the stream.
    pub offset: u64,
    /// Its length in bytes, line end aside; more than the bound means that the text was not kept.
    pub length: u64,
}

/// Cuts a stream at `\n`. A last line without one counts; a `\r` before it is left in the text.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    longest: usize,
    number: u64,
    offset: u64,
}

impl<R: BufRead> Lines<R> {
    /// Reads from `reader`; lines of more than `longest` bytes are reported but not kept.
    pub fn new(reader: R, longest: usize) -> Self {
        Self { reader, longest, number: 0, offset: 0 }
    }

    /// Reads the next line into `text` (emptied first, and left empty for an overlong line).
    /// `None` at the end.
    pub fn next(&mut self, text: &mut Vec<u8>) -> io::Result<Option<Line>> {
        text.clear();
        let mut length = 0_u64;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                return Ok((length > 0).then(|| self.line(length, length)));
            }
            let end = memchr::memchr(b'\n', chunk);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            length += part.len() as u64;
            if length <= self.longest as u64 {
                text.extend_from_slice(part);
            } else {
                text.clear();
            }
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Some(self.line(length, length + 1)));
            }
        }
    }

    fn line(&mut self, length: u64, consumed: u64) -> Line {
        let line = Line { number: self.number + 1, offset: self.offset, length };
        self.number += 1;
        self.offset += consumed;
        line
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn read(input: &[u8], buffer: usize, longest: usize) -> Vec<(Line, Vec<u8>)> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer, input), longest);
        let mut text = Vec::new();
        let mut all = Vec::new();
        while let Some(line) = lines.next(&mut text).unwrap() {
            all.push((line, text.clone()));
        }
        all
    }

    #[test]
    fn overlong_lines_are_counted_but_not_kept() {
        let lines = read(b"abc\nabcd\nab\r\n\nabcde", 2, 3);
        let lengths: Vec<_> = lines.iter().map(|(line, _)| (line.number, line.offset, line.length)).collect();
        assert_eq!(lengths, [(1, 0, 3), (2, 4, 4), (3, 9, 3), (4, 13, 0), (5, 14, 5)]);
        let texts: Vec<_> = lines.iter().map(|(_, text)| text.as_slice()).collect();
        assert_eq!(texts, [b"abc".as_slice(), b"", b"ab\r", b"", b""]);
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_the_stream_arrives(
            input in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200),
            buffer in 1_usize..20,
        ) {
            let lines = read(&input, buffer, 1000);
            let mut expected: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
            if expected.last().is_some_and(|last| last.is_empty()) {
                expected.pop();
            }
            let texts: Vec<&[u8]> = lines.iter().map(|(_, text)| text.as_slice()).collect();
            prop_assert_eq!(texts, expected);
            for (line, text) in &lines {
                let at = line.offset as usize;
                prop_assert_eq!(&input[at..at + line.length as usize], text.as_slice());
            }
        }
    }
}
