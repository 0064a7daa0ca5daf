//! A layer for `tracing-subscriber` that hands events to a [`Logger`](crate::Logger).
//!
//! ```no_run
//! use tracing_subscriber::prelude::*;
//!
//! let logger = trawl_client::Logger::builder("http://127.0.0.1:8080").service("checkout").start()?;
//! tracing_subscriber::registry().with(logger.layer()).init();
//!
//! tracing::info!(amount = 12.5, currency = "EUR", "paid");
//! # Ok::<(), trawl_client::logger::StartError>(())
//! ```
//!
//! An event carries its level, message, target, thread and fields, the names of the spans around it, outermost first,
//! as `spans`, and their fields. A field of the event goes before one of a span, an inner span's before an outer's.
//!
//! What the sending thread itself logs, `ureq` and `rustls` beneath it, is passed over: sending it would make more of
//! it. The same crates' events on other threads come through.

mod visit;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, Scope};

use crate::logger::{Fields, Level, Shared, now_ns};
use visit::{EventVisitor, SpanVisitor};

/// Hands events to a logger: see [`Logger::layer`](crate::Logger::layer).
#[derive(Debug, Clone)]
pub struct TrawlLayer {
    shared: Arc<Shared>,
}

impl TrawlLayer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

/// The fields of a span, kept with it.
struct SpanFields(Fields);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for TrawlLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        guarded(|| attributes.record(&mut SpanVisitor { fields: &mut fields }));
        span.extensions_mut().insert(SpanFields(fields));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        if let Some(SpanFields(fields)) = extensions.get_mut() {
            guarded(|| values.record(&mut SpanVisitor { fields }));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        // One that is refused is counted; there is nobody to tell.
        let _ = self.shared.record(now_ns(), level(*metadata.level()), |line| {
            let mut visitor = EventVisitor::new(line);
            event.record(&mut visitor);
            let target = visitor.target.take();
            line.own("target", target.as_deref().unwrap_or(metadata.target()))?;
            line.thread();
            if let Some(scope) = context.event_scope(event) {
                line.own("spans", &SpanNames(&context, event))?;
                for span in scope {
                    if let Some(SpanFields(fields)) = span.extensions().get() {
                        line.fields.add_missing(fields);
                    }
                }
            }
            Ok(())
        });
    }
}

/// Keeps a panic of a value's `Debug` from the program.
fn guarded(record: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(record));
}

/// The names of the spans around an event, outermost first.
struct SpanNames<'c, 'e, S>(&'c Context<'c, S>, &'e Event<'e>);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Serialize for SpanNames<'_, '_, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut names = serializer.serialize_seq(None)?;
        for span in self.0.event_scope(self.1).into_iter().flat_map(Scope::from_root) {
            names.serialize_element(span.name())?;
        }
        names.end()
    }
}

fn level(level: tracing_core::Level) -> Level {
    match level {
        tracing_core::Level::TRACE => Level::Trace,
        tracing_core::Level::DEBUG => Level::Debug,
        tracing_core::Level::INFO => Level::Info,
        tracing_core::Level::WARN => Level::Warn,
        tracing_core::Level::ERROR => Level::Error,
    }
}

#[cfg(test)]
mod tests;
