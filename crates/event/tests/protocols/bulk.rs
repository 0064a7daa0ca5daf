use serde_json::json;
use trawl_event::decode::BodyError;
use trawl_event::protocol::bulk::{Action, MAX_ITEMS, decode};

use crate::{events, refused, rule};

#[test]
fn the_documented_example_is_answered_item_by_item() {
    let body = r#"{ "index" : { "_index" : "test", "_id" : "1" } }
{ "field1" : "value1" }
{ "delete" : { "_index" : "test", "_id" : "2" } }
{ "create" : { "_index" : "test", "_id" : "3" } }
{ "field1" : "value3" }
{ "update" : {"_id" : "1", "_index" : "test"} }
{ "doc" : {"field2" : "value2"} }
"#;
    let bulk = decode(body.as_bytes(), None, &rule()).unwrap();
    let items: Vec<_> = bulk.items.iter().map(|item| (item.action, item.id.as_deref(), item.refused)).collect();
    assert_eq!(
        items,
        [
            (Action::Index, Some("1"), None),
            (Action::Delete, Some("2"), Some("unsupported_action")),
            (Action::Create, Some("3"), None),
            (Action::Update, Some("1"), Some("unsupported_action")),
        ]
    );
    assert_eq!(bulk.indices, ["test".into()]);
    let now = "2026-03-02T10:00:00.000Z";
    assert_eq!(
        events(&bulk.decoded),
        [
            json!({"timestamp": now, "_index": "test", "_id": "1", "field1": "value1"}),
            json!({"timestamp": now, "_index": "test", "_id": "3", "field1": "value3"}),
        ]
    );
}

#[test]
fn the_index_of_the_path_counts_where_an_action_names_none() {
    let body = "{\"create\":{}}\r\n{\"@timestamp\":\"2026-03-02T10:00:00.5Z\",\"message\":\"a\"}\r\n\r\n{\"create\":{\"_index\":\"own\"}}\n{}";
    let bulk = decode(body.as_bytes(), Some("logs"), &rule()).unwrap();
    let decoded = events(&bulk.decoded);
    assert_eq!(decoded[0], json!({"@timestamp": "2026-03-02T10:00:00.5Z", "message": "a", "_index": "logs"}));
    assert_eq!(decoded[1]["_index"], "own");
    let bulk = decode(b"{\"create\":{}}\n{}\n", None, &rule()).unwrap();
    assert_eq!(refused(&bulk.decoded), [(0, "missing_index")]);
}

#[test]
fn a_bad_item_leaves_the_others_alone() {
    let body = r#"{"index":5}
{"a":1}
{"index":{"_index":7}}
{"a":2}
{"index":{}}
not json
{"index":{}}
[1]
{"index":{"_id":9}}
{"a":3}
{"index":{}}
{"@timestamp":"never"}
{"index":{}}"#;
    let bulk = decode(body.as_bytes(), Some("i"), &rule()).unwrap();
    assert_eq!(
        refused(&bulk.decoded),
        [
            (0, "invalid_action"),
            (1, "invalid_action"),
            (2, "invalid_json"),
            (3, "event_not_object"),
            (5, "timestamp_invalid"),
            (6, "missing_source"),
        ]
    );
    assert_eq!(bulk.items.len(), 7);
    assert_eq!(
        events(&bulk.decoded),
        [json!({"timestamp": "2026-03-02T10:00:00.000Z", "_index": "i", "_id": "9", "a": 3})]
    );
}

#[test]
fn an_action_that_cannot_be_told_apart_refuses_the_request() {
    for line in ["not json", "[]", "{}", r#"{"upsert":{}}"#, r#"{"index""#, "\"index\""] {
        let body = format!("{{\"index\":{{}}}}\n{{\"a\":1}}\n{line}\n{{\"a\":2}}\n");
        let error = decode(body.as_bytes(), Some("i"), &rule()).unwrap_err();
        assert!(matches!(error, BodyError::Malformed { .. }), "{line}: {error}");
        assert!(error.to_string().contains("line [3]"), "{error}");
    }
    assert_eq!(decode(b"\n\n", Some("i"), &rule()).unwrap_err(), BodyError::Empty);
}

#[test]
fn too_many_items_are_refused() {
    let body = "{\"index\":{}}\n{}\n".repeat(MAX_ITEMS + 1);
    let error = decode(body.as_bytes(), Some("i"), &rule()).unwrap_err();
    assert_eq!(error, BodyError::TooManyItems { limit: MAX_ITEMS });
}
