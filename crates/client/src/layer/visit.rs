//! Fields of `tracing` as members of JSON.

use std::error::Error;
use std::fmt;

use serde::Serialize;
use tracing_core::field::{Field, Visit};

use crate::logger::{Fields, Line};

/// Fields that `tracing-log` puts on events that come from the crate `log`.
const LOG_TARGET: &str = "log.target";
const LOG_PREFIX: &str = "log.";

/// Writes an event's fields into its line, the message under its own name.
pub(super) struct EventVisitor<'l> {
    line: &'l mut Line,
    /// The target of an event of the crate `log`.
    pub(super) target: Option<String>,
}

impl<'l> EventVisitor<'l> {
    pub(super) fn new(line: &'l mut Line) -> Self {
        Self { line, target: None }
    }
}

/// Writes a span's fields; a value that is recorded again takes the place of the first.
pub(super) struct SpanVisitor<'f> {
    pub(super) fields: &'f mut Fields,
}

/// Where values go.
trait Put {
    fn put(&mut self, field: &Field, value: &(impl Serialize + ?Sized));
}

impl Put for EventVisitor<'_> {
    fn put(&mut self, field: &Field, value: &(impl Serialize + ?Sized)) {
        // A value that can't be written leaves no trace; the event goes on without it.
        let _ = match field.name() {
            "message" => self.line.own("message", value),
            name if name.starts_with(LOG_PREFIX) => Ok(()),
            name => self.line.fields.put(name, value),
        };
    }
}

impl Put for SpanVisitor<'_> {
    fn put(&mut self, field: &Field, value: &(impl Serialize + ?Sized)) {
        self.fields.forget(field.name());
        let _ = self.fields.put(field.name(), value);
    }
}

/// Something with `Debug`, as a JSON string.
struct Shown<'d>(&'d dyn fmt::Debug);

impl Serialize for Shown<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}

macro_rules! visits {
    () => {
        fn record_f64(&mut self, field: &Field, value: f64) {
            self.put(field, &value);
        }

        fn record_i64(&mut self, field: &Field, value: i64) {
            self.put(field, &value);
        }

        fn record_u64(&mut self, field: &Field, value: u64) {
            self.put(field, &value);
        }

        fn record_bool(&mut self, field: &Field, value: bool) {
            self.put(field, &value);
        }

        fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
            self.put(field, &value.to_string());
        }

        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.put(field, &Shown(value));
        }
    };
}

impl Visit for EventVisitor<'_> {
    visits!();

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == LOG_TARGET {
            self.target = Some(value.to_owned());
        } else {
            self.put(field, value);
        }
    }
}

impl Visit for SpanVisitor<'_> {
    visits!();

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
}
