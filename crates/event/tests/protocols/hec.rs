use serde_json::json;
use trawl_event::decode::BodyError;
use trawl_event::protocol::hec::{Defaults, decode_events, decode_raw};

use crate::{events, refused, rule};

fn decoded(body: &str) -> trawl_event::decode::Decoded {
    decode_events(body.as_bytes(), &Defaults::default(), &rule()).unwrap()
}

#[test]
fn the_documented_examples_are_taken() {
    let body = r#"{"time": 1772445600.5, "host": "localhost", "source": "random-data-generator", "sourcetype": "my_sample_data",
 "index": "main", "event": {"message": "Something happened", "severity": "INFO"}}{"event": "Hello, world!", "sourcetype": "manual"}
{"event":"with fields","fields":{"club":"glee","wins":["regionals","nationals"]},"time":"1772445600"}"#;
    assert_eq!(
        events(&decoded(body)),
        [
            json!({"timestamp": 1772445600.5, "host": "localhost", "source": "random-data-generator",
                "sourcetype": "my_sample_data", "index": "main", "message": "Something happened", "severity": "INFO"}),
            json!({"timestamp": "2026-03-02T10:00:00.000Z", "message": "Hello, world!", "sourcetype": "manual"}),
            json!({"timestamp": "1772445600", "message": "with fields", "fields": {"club": "glee", "wins": ["regionals", "nationals"]}}),
        ]
    );
}

#[test]
fn names_that_metadata_and_event_share_are_both_kept() {
    let body = r#"{"time":1772445600,"host":"a","odd":1,"event":{"timestamp":"2026-03-02T09:00:00Z","host":"b"}}"#;
    assert_eq!(
        events(&decoded(body)),
        [
            json!({"timestamp": "2026-03-02T09:00:00Z", "host": "b", "splunk": {"timestamp": 1772445600, "host": "a", "odd": 1}})
        ]
    );
}

#[test]
fn fields_of_the_collector_name_level_service_and_trace() {
    let body = r#"{"event":"a","fields":{"level":"x","otel.log.severity.text":"WARN","service.name":"shop","trace_id":"ab"}}
{"event":{"level":"error"},"fields":{"level":"x"}}"#;
    let events = events(&decoded(body));
    assert_eq!(
        (&events[0]["level"], &events[0]["service"], &events[0]["trace_id"]),
        (&json!("WARN"), &json!("shop"), &json!("ab"))
    );
    assert_eq!(events[1]["level"], "error");
}

#[test]
fn an_event_of_any_kind_is_kept() {
    let events = events(&decoded(r#"[{"event":5},{"event":[1,"a"]},{"event":{}}]"#));
    assert_eq!((&events[0]["event"], &events[1]["event"]), (&json!(5), &json!([1, "a"])));
    assert_eq!(events.len(), 3);
}

#[test]
fn a_bad_event_leaves_the_others_alone() {
    let body = r#"{"event":"good"}
{"time":1}
{"event":null}
{"event":""}
not json
{"event":"broken
{"event":{"a":tru}}
{"time":"never","event":"a"}
{"event":"good"}"#;
    let decoded = decoded(body);
    assert_eq!(decoded.accepted, 2);
    assert_eq!(
        refused(&decoded),
        [
            (1, "missing_event"),
            (2, "missing_event"),
            (3, "blank_event"),
            (4, "invalid_json"),
            (5, "invalid_json"),
            (6, "invalid_json"),
            (7, "timestamp_invalid"),
        ]
    );
}

#[test]
fn raw_lines_get_what_the_query_says() {
    let defaults = Defaults { host: Some("h\"1".into()), sourcetype: Some("nginx".into()), ..Defaults::default() };
    let decoded = decode_raw(b"one\r\n\n\xffwo\n", &defaults, &rule()).unwrap();
    let now = "2026-03-02T10:00:00.000Z";
    assert_eq!(
        events(&decoded),
        [
            json!({"timestamp": now, "message": "one", "host": "h\"1", "sourcetype": "nginx"}),
            json!({"timestamp": now, "message": "\u{fffd}wo", "host": "h\"1", "sourcetype": "nginx"}),
        ]
    );
    let decoded = decode_events(br#"{"event":"a","host":"own"}"#, &defaults, &rule()).unwrap();
    assert_eq!((&events(&decoded)[0]["host"], &events(&decoded)[0]["sourcetype"]), (&json!("own"), &json!("nginx")));
    assert_eq!(decode_raw(b" \n", &defaults, &rule()).unwrap_err(), BodyError::Empty);
    assert_eq!(decode_events(b" ", &defaults, &rule()).unwrap_err(), BodyError::Empty);
}

#[test]
fn a_long_broken_body_takes_time_in_proportion_to_its_size() {
    let lines = "{\n".repeat(1_000_000);
    assert_eq!(decoded(&lines).rejected, 1_000_000);
    let values = "{}".repeat(1_000_000);
    assert_eq!(decoded(&values).rejected, 1_000_000);
}
