use serde_json::json;
use trawl_event::decode::BodyError;
use trawl_event::protocol::datadog::{Defaults, decode_json, decode_text};

use crate::{events, refused, rule};

#[test]
fn the_documented_example_is_taken() {
    let body = r#"[{"ddsource":"nginx","ddtags":"env:staging,version:5.1","hostname":"i-012345678",
"message":"2019-11-19T14:37:58,995 INFO [process.name][20081] Hello World","service":"payment","status":"info","timestamp":1772445600123}]"#;
    let decoded = decode_json(body.as_bytes(), &Defaults::default(), &rule()).unwrap();
    assert_eq!(
        events(&decoded),
        [json!({
            "timestamp": 1_772_445_600_123u64, "ddsource": "nginx", "tags": {"env": "staging", "version": "5.1"},
            "hostname": "i-012345678", "service": "payment", "level": "info",
            "message": "2019-11-19T14:37:58,995 INFO [process.name][20081] Hello World",
        })]
    );
}

#[test]
fn every_shape_of_body_is_read() {
    for (body, count) in [
        ("[]", 0),
        ("{}", 0),
        ("[{}]", 0),
        (r#"{"message":"a"}"#, 1),
        ("{\"message\":\"a\"}\n{\"message\":\"b\"}", 2),
        (r#"[{"message":"{\"a\":1}"},{"message":{"a":1}}]"#, 2),
    ] {
        let decoded = decode_json(body.as_bytes(), &Defaults::default(), &rule()).unwrap();
        assert_eq!((decoded.accepted, decoded.rejected), (count, 0), "{body}");
    }
    let decoded = decode_text(b"one\ntwo", &Defaults::default(), &rule()).unwrap();
    assert_eq!(events(&decoded)[1]["message"], "two");
}

#[test]
fn tags_keep_all_they_say() {
    let tags = |tags: &str| {
        let body = format!(r#"{{"ddtags":"{tags}","message":"a"}}"#);
        events(&decode_json(body.as_bytes(), &Defaults::default(), &rule()).unwrap()).remove(0)
    };
    assert_eq!(tags("a:1, b:x:y,alone,a:2")["tags"], json!({"a": ["1", "2"], "b": "x:y", "alone": ""}));
    let many = vec!["t"; 2000].join(",");
    assert_eq!(tags(&many)["ddtags"], many);
    let both = r#"{"ddtags":"a:1","tags":["b"],"status":"ok","level":"warn"}"#;
    let event = events(&decode_json(both.as_bytes(), &Defaults::default(), &rule()).unwrap()).remove(0);
    assert_eq!((&event["ddtags"], &event["tags"]), (&json!("a:1"), &json!(["b"])));
    assert_eq!((&event["status"], &event["level"]), (&json!("ok"), &json!("warn")));
}

#[test]
fn the_query_speaks_for_events_that_do_not() {
    let defaults = Defaults {
        ddsource: Some("nginx".into()),
        ddtags: Some("env:prod".into()),
        hostname: Some("h".into()),
        service: Some("web".into()),
    };
    let decoded =
        decode_json(br#"[{"message":"a","service":"own"},{"message":"b","ddtags":"c:d"}]"#, &defaults, &rule())
            .unwrap();
    let events = events(&decoded);
    assert_eq!((&events[0]["service"], &events[0]["tags"]), (&json!("own"), &json!({"env": "prod"})));
    assert_eq!((&events[1]["service"], &events[1]["tags"]), (&json!("web"), &json!({"c": "d"})));
}

#[test]
fn a_bad_event_leaves_the_others_alone() {
    let body = r#"[{"message":"a"},5,{"message":tru},{"timestamp":"never"},{"message":"b"}]"#;
    let decoded = decode_json(body.as_bytes(), &Defaults::default(), &rule()).unwrap();
    assert_eq!(refused(&decoded), [(1, "invalid_json"), (2, "invalid_json"), (3, "timestamp_invalid")]);
    let broken = decode_json(br#"[{"message":"a"} {"message":"b"}]"#, &Defaults::default(), &rule());
    assert!(matches!(broken, Err(BodyError::InvalidJson { .. })));
}
