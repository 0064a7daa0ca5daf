//! One event as a line of JSON, written on the caller's thread into memory that the thread keeps.

use std::cell::Cell;

use serde::Serialize;

use super::fields::Fields;
use super::level::Level;
use super::spool::format::{FRAME_HEAD_BYTES, frame_head};
use super::time::TimeWriter;

/// A thread keeps this much for its next event; what a large one took beyond goes back.
const KEPT_BYTES: usize = 64 * 1024;

/// The event that a thread is writing. Before the JSON stands room for the head of a spool's frame.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) fields: Fields,
    time: TimeWriter,
    /// `,"thread":"main"`, once it is known.
    thread: Option<Vec<u8>>,
}

thread_local! {
    static LINE: Cell<Line> = Cell::default();
}

/// Lends the thread's line. Where that is lent already (a field whose `Debug` logs) or gone (the thread ends), it is a
/// new one.
pub(crate) fn with_line<T>(write: impl FnOnce(&mut Line) -> T) -> T {
    let mut line = LINE.try_with(Cell::take).unwrap_or_default();
    let result = write(&mut line);
    let _ = LINE.try_with(|kept| kept.set(line));
    result
}

impl Line {
    /// Begins an event. `service` is a whole member, comma and all, or nothing.
    pub(crate) fn begin(&mut self, time_ns: i64, level: Level, service: &[u8]) {
        self.fields.clear();
        let text = &mut self.fields.text;
        text.extend_from_slice(&[0; FRAME_HEAD_BYTES]);
        text.extend_from_slice(b"{\"timestamp\":\"");
        self.time.write(time_ns, text);
        text.extend_from_slice(b"\",\"level\":\"");
        text.extend_from_slice(level.as_str().as_bytes());
        text.push(b'"');
        text.extend_from_slice(service);
    }

    /// One of the members that the logger itself writes.
    pub(crate) fn own(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), serde_json::Error> {
        let text = &mut self.fields.text;
        let begin = text.len();
        text.extend_from_slice(b",\"");
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b"\":");
        serde_json::to_writer(&mut *text, value).inspect_err(|_| text.truncate(begin))
    }

    /// The name of the thread that writes, if it has one.
    pub(crate) fn thread(&mut self) {
        let member = self.thread.get_or_insert_with(|| {
            let thread = std::thread::current();
            let Some(name) = thread.name().and_then(|name| serde_json::to_vec(name).ok()) else { return Vec::new() };
            [b",\"thread\":".as_slice(), &name].concat()
        });
        self.fields.text.extend_from_slice(member);
    }

    /// Ends the event: the frame with its head, the JSON and a line feed.
    pub(crate) fn finish(&mut self, fixed: &Fields) -> &[u8] {
        self.fields.add_missing(fixed);
        let text = &mut self.fields.text;
        text.extend_from_slice(b"}\n");
        if let Some((head, payload)) = text.split_first_chunk_mut::<FRAME_HEAD_BYTES>() {
            *head = frame_head(payload);
        }
        text
    }

    /// Gives back what a large event took.
    pub(crate) fn tidy(&mut self) {
        if self.fields.text.capacity() > KEPT_BYTES {
            self.fields.text = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_event_is_one_line_of_json() {
        let mut fixed = Fields::default();
        fixed.put_all(&json!({"host": "a", "amount": 0})).unwrap();
        let event: Value = with_line(|line| {
            line.begin(1_772_445_600_000_000_000, Level::Warn, br#","service":"checkout""#);
            line.own("message", "two\nlines").unwrap();
            line.thread();
            line.fields.put_all(&json!({"amount": 12})).unwrap();
            let frame = line.finish(&fixed);
            assert_eq!(frame.iter().filter(|byte| **byte == b'\n').count(), 1);
            serde_json::from_slice(&frame[FRAME_HEAD_BYTES..]).unwrap()
        });
        let thread = std::thread::current().name().unwrap().to_owned();
        assert_eq!(
            event,
            json!({
                "timestamp": "2026-03-02T10:00:00.000Z", "level": "warn", "service": "checkout",
                "message": "two\nlines", "thread": thread, "amount": 12, "host": "a",
            })
        );
    }

    #[test]
    fn a_line_can_be_written_while_another_is() {
        with_line(|outer| {
            outer.begin(0, Level::Info, b"");
            with_line(|inner| inner.begin(1, Level::Error, b""));
            assert!(outer.fields.text.ends_with(b"info\""));
        });
    }
}
