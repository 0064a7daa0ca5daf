//! Logs as CloudWatch Logs Insights reads them: one JSON object a line, on stdout.
//!
//! ```text
//! {"timestamp":"2026-11-27T12:00:00.123Z","level":"INFO","target":"persister","message":"persisted","function":"trawl-persister",
//!  "request_id":"…","trace_id":"1-…","cold_start":true,"fields":{"events":1200}}
//! ```
//! What spans hold stands at the top, what the event itself says under `fields`. No bodies and no keys are logged anywhere,
//! and queries at the level `debug` only.

use std::fmt::Debug;
use std::io::Write;
use std::panic::PanicHookInfo;

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};
use trawl_event::Timestamp;
use trawl_store::ports::Clock;

/// Which lines are written when `TRAWL_LOG` does not say otherwise.
const DEFAULT_FILTER: &str = "info";

/// Begins to log: `filter` as `info` or `info,trawl_store=debug`; one that cannot be read counts as `info`, and is named.
pub fn start<C: Clock + 'static>(function: &str, filter: Option<&str>, clock: C) {
    let parsed = filter.unwrap_or(DEFAULT_FILTER).parse::<Targets>();
    let unreadable = parsed.as_ref().err().map(ToString::to_string);
    let targets = parsed.unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO));
    let lines = Lines { function: function.to_owned(), clock, write: write_to_stdout };
    // A second start in one process keeps the first.
    if tracing::subscriber::set_global_default(Registry::default().with(lines.with_filter(targets))).is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
    if let Some(error) = unreadable {
        tracing::warn!(error, "TRAWL_LOG cannot be read: expected a level, or target=level with commas between");
    }
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, reason = info.payload_as_str().unwrap_or("not a text"), "panicked");
}

fn write_to_stdout(line: &str) {
    // A closed stdout is nothing that a function could do anything about.
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

/// The layer that writes lines.
struct Lines<C, W> {
    function: String,
    clock: C,
    write: W,
}

/// Fields by name, as JSON; `message` stands out.
#[derive(Default)]
struct Fields {
    message: Option<Value>,
    others: Map<String, Value>,
}

impl Fields {
    fn insert(&mut self, field: &Field, value: Value) {
        match field.name() {
            "message" => self.message = Some(value),
            // The names that the Lambda runtime's own span uses.
            "requestId" => drop(self.others.insert("request_id".to_owned(), value)),
            "xrayTraceId" => drop(self.others.insert("trace_id".to_owned(), value)),
            name => drop(self.others.insert(name.to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, json!(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, json!(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.insert(field, json!(format!("{value:?}")));
    }
}

impl<S, C, W> Layer<S> for Lines<C, W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    C: Clock + 'static,
    W: Fn(&str) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), json!(to_the_millisecond(self.clock.now())));
        line.insert("level".to_owned(), json!(event.metadata().level().as_str()));
        line.insert("target".to_owned(), json!(event.metadata().target()));
        line.insert("message".to_owned(), fields.message.unwrap_or_default());
        line.insert("function".to_owned(), json!(self.function));
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                line.extend(of_span.others.clone());
            }
        }
        if !fields.others.is_empty() {
            line.insert("fields".to_owned(), Value::Object(fields.others));
        }
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        (self.write)(&text);
    }
}

/// RFC 3339 as CloudWatch takes the time of a line from it.
fn to_the_millisecond(now: Timestamp) -> String {
    const NS_PER_MS: i64 = 1_000_000;
    Timestamp(now.0 - now.0.rem_euclid(NS_PER_MS)).to_string()
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::parse("2026-11-27T12:00:00.123456Z").unwrap()
        }

        fn sleep(&self, _: Duration) -> impl Future<Output = ()> + Send {
            std::future::ready(())
        }
    }

    fn logged(doing: impl FnOnce()) -> Vec<Value> {
        let written = Arc::new(Mutex::new(String::new()));
        let sink = written.clone();
        let write = move |line: &str| sink.lock().unwrap().push_str(line);
        let lines = Lines { function: "trawl-persister".to_owned(), clock: Noon, write };
        tracing::subscriber::with_default(Registry::default().with(lines), doing);
        let text = written.lock().unwrap().clone();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_names_the_invocation_and_keeps_types() {
        let lines = logged(|| {
            let runtime = tracing::info_span!("Lambda runtime invoke", requestId = "r-1", xrayTraceId = "1-2-3");
            let _outer = runtime.enter();
            let inner = tracing::info_span!("invocation", cold_start = true);
            let _inner = inner.enter();
            tracing::info!(events = 12_u64, shard = %"shardId-0", "persisted \"all\"\nof it");
        });
        assert_eq!(
            lines,
            [json!({
                "timestamp": "2026-11-27T12:00:00.123Z",
                "level": "INFO",
                "target": "trawl_lambda::log::tests",
                "message": "persisted \"all\"\nof it",
                "function": "trawl-persister",
                "request_id": "r-1",
                "trace_id": "1-2-3",
                "cold_start": true,
                "fields": {"events": 12, "shard": "shardId-0"},
            })]
        );
    }

    #[test]
    fn a_panic_is_a_line_of_json() {
        let lines = logged(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(log_panic));
            let caught = std::panic::catch_unwind(|| panic!("of no use"));
            std::panic::set_hook(before);
            assert!(caught.is_err());
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["message"], "panicked");
        assert_eq!(lines[0]["fields"]["reason"], "of no use");
        assert!(lines[0]["fields"]["place"].as_str().unwrap().contains("log.rs"));
    }
}
