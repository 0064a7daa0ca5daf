use serde_json::json;
use trawl_event::decode::BodyError;
use trawl_event::protocol::loki::{decode_json, decode_protobuf};
use trawl_event::protocol::wire::{put_bytes, put_varint};

use crate::{events, refused, rule};

fn message(parts: &[(u64, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, value) in parts {
        put_bytes(&mut out, *number, value);
    }
    out
}

fn entry(seconds: u64, nanos: u64, line: &str, metadata: &[(&str, &str)]) -> Vec<u8> {
    let mut time = Vec::new();
    put_varint(&mut time, 1, seconds);
    put_varint(&mut time, 2, nanos);
    let mut out = message(&[(1, &time), (2, line.as_bytes())]);
    for (name, value) in metadata {
        put_bytes(&mut out, 3, &message(&[(1, name.as_bytes()), (2, value.as_bytes())]));
    }
    out
}

fn push(streams: &[(&str, &[Vec<u8>])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (labels, entries) in streams {
        let mut stream = message(&[(1, labels.as_bytes())]);
        entries.iter().for_each(|entry| put_bytes(&mut stream, 2, entry));
        put_bytes(&mut body, 1, &stream);
    }
    snap::raw::Encoder::new().compress_vec(&body).unwrap()
}

#[test]
fn both_forms_say_the_same() {
    let expected = [
        json!({
            "timestamp": 1_772_445_600_000_000_001u64, "message": "fizz\"buzz", "service": "web",
            "labels": {"app": "web", "foo": "bar2", "quote": "a\"b\n"},
            "level": "warn", "trace_id": "0242ac120002",
            "structured_metadata": {"trace_id": "0242ac120002", "detected_level": "warn"},
        }),
        json!({
            "timestamp": 1_772_445_601_000_000_000u64, "message": "second", "service": "web",
            "labels": {"app": "web", "foo": "bar2", "quote": "a\"b\n"},
        }),
    ];
    let json = r#"{"streams":[{"stream":{"foo":"bar2","app":"web","quote":"a\"b\n"},"values":[
        ["1772445600000000001","fizz\"buzz",{"trace_id":"0242ac120002","detected_level":"warn"}],
        ["1772445601000000000","second"]]}]}"#;
    assert_eq!(events(&decode_json(json.as_bytes(), &rule()).unwrap()), expected);
    let entries = [
        entry(1_772_445_600, 1, "fizz\"buzz", &[("trace_id", "0242ac120002"), ("detected_level", "warn")]),
        entry(1_772_445_601, 0, "second", &[]),
    ];
    let body = push(&[(r#"{foo="bar2", app="web",quote="a\"b\n"}"#, &entries)]);
    assert_eq!(events(&decode_protobuf(&body, &rule()).unwrap()), expected);
}

#[test]
fn the_members_of_a_stream_come_in_any_order() {
    let in_order = r#"{"streams":[{"stream":{"app":"\u0061"},"values":[["1772445600000000000","x"]]}],"more":{}}"#;
    let turned = r#"{"streams":[{"values":[["1772445600000000000","x"]],"more":[[]],"stream":{"app":"a"}}]}"#;
    let without = r#"{"streams":[{"values":[["1772445600000000000","x"]]}]}"#;
    let labelled = json!({
        "timestamp": 1_772_445_600_000_000_000u64, "message": "x", "service": "a", "labels": {"app": "a"},
    });
    let bare = json!({"timestamp": 1_772_445_600_000_000_000u64, "message": "x"});
    for (body, expected) in [(in_order, &labelled), (turned, &labelled), (without, &bare)] {
        assert_eq!(events(&decode_json(body.as_bytes(), &rule()).unwrap()), std::slice::from_ref(expected), "{body}");
    }
}

#[test]
fn a_name_that_comes_twice_has_both_its_values() {
    let json = r#"{"streams":[{"stream":{},"values":[["1772445600000000000","a \"line\"",{"n":"1","\u006e":"2"}]]}]}"#;
    let event = events(&decode_json(json.as_bytes(), &rule()).unwrap()).remove(0);
    assert_eq!(event["message"], json!("a \"line\""));
    assert_eq!(event["structured_metadata"], json!({"n": ["1", "2"]}));
}

#[test]
fn what_json_does_not_allow_in_strings_is_refused() {
    let json = "{\"streams\":[{\"stream\":{},\"values\":[[\"1772445600000000000\",\"tab\there\"],\
        [\"1772445600000000000\",\"\\ud800\"],[\"1772445600000000000\",\"\\t\",{\"a\nb\":\"\"}],\
        [\"1772445600000000000\",\"\\t\"]]}]}";
    let decoded = decode_json(json.as_bytes(), &rule()).unwrap();
    assert_eq!((decoded.accepted, decoded.rejected), (1, 3));
    assert_eq!(events(&decoded)[0]["message"], json!("\t"));
}

#[test]
fn labels_are_read_as_go_quotes_them() {
    for (labels, expected) in [
        ("{}", json!(null)),
        (r#"{ a = "x" , }"#, json!({"a": "x"})),
        (r#"{a="\x41\101\u00fc\t",b=`raw\n`}"#, json!({"a": "AAü\t", "b": "raw\\n"})),
    ] {
        let body = push(&[(labels, &[entry(1_772_445_600, 0, "a", &[])])]);
        let event = events(&decode_protobuf(&body, &rule()).unwrap()).remove(0);
        assert_eq!(event.get("labels").cloned().unwrap_or_default(), expected, "{labels}");
    }
}

#[test]
fn a_bad_stream_or_entry_leaves_the_others_alone() {
    let good = [entry(1_772_445_600, 0, "a", &[]), entry(1_772_445_600, 0, "b", &[])];
    let body = push(&[
        ("{a=", &good),
        (r#"{a="b"}"#, &[entry(u64::MAX, 0, "before 1970", &[]), vec![0x0a, 0x7f], good[0].clone()]),
        (r#"{a b="c"}"#, &good),
    ]);
    let decoded = decode_protobuf(&body, &rule()).unwrap();
    assert_eq!(decoded.accepted, 1);
    let codes: Vec<_> = refused(&decoded).into_iter().map(|(_, code)| code).collect();
    let expected =
        ["invalid_labels", "invalid_labels", "timestamp_invalid", "invalid_record", "invalid_labels", "invalid_labels"];
    assert_eq!(codes, expected);
    let json = r#"{"streams":[{"stream":{"a":5},"values":[["1","a"]]},
        {"stream":{"a":"b"},"values":[["x","a"],[1772445600000000000,"number"],["1772445600000000000",5],["1772445600000000000"],"x"]}]}"#;
    let decoded = decode_json(json.as_bytes(), &rule()).unwrap();
    assert_eq!((decoded.accepted, decoded.rejected), (1, 5));
}

#[test]
fn what_is_no_push_is_refused() {
    for body in ["", "[]", r#"{"streams":[{"values":[["1","a"]"#, r#"{"streams":5}"#] {
        assert!(matches!(decode_json(body.as_bytes(), &rule()), Err(BodyError::InvalidJson { .. })), "{body}");
    }
    assert_eq!(decode_json(br#"{"streams":[]}"#, &rule()).unwrap_err(), BodyError::Empty);
    let old = r#"{"streams":[{"labels":"{}","entries":[]}]}"#;
    assert!(matches!(decode_json(old.as_bytes(), &rule()), Err(BodyError::Malformed { .. })));
    assert!(matches!(decode_protobuf(b"\xff\xff", &rule()), Err(BodyError::Compression { .. })));
    let not_protobuf = snap::raw::Encoder::new().compress_vec(b"{\"streams\":[]}").unwrap();
    assert!(matches!(decode_protobuf(&not_protobuf, &rule()), Err(BodyError::Malformed { .. })));
}

#[test]
fn a_block_that_announces_too_much_is_refused_before_it_is_read() {
    let announces_4_gb = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
    assert_eq!(decode_protobuf(&announces_4_gb, &rule()).unwrap_err(), BodyError::DecodedTooLarge);
    let long = format!("{{a=\"{}\"}}", "x".repeat(900_000));
    let entries = vec![Vec::new(); 1000];
    let body = push(&[(&long, &entries)]);
    assert!(matches!(decode_protobuf(&body, &rule()), Err(BodyError::ExpandedTooLarge)));
}

#[test]
fn more_labels_or_metadata_than_an_event_has_fields_are_refused() {
    let many: String = (0..2000).map(|number| format!("l{number}=\"x\",")).collect();
    let metadata: Vec<(&str, &str)> = vec![("name", "value"); 2000];
    let line = entry(1_772_445_600, 0, "a", &[]);
    let body = push(&[(&format!("{{{many}}}"), &[line]), ("{}", &[entry(1_772_445_600, 0, "a", &metadata)])]);
    let decoded = decode_protobuf(&body, &rule()).unwrap();
    assert_eq!(refused(&decoded), [(0, "invalid_labels"), (1, "too_many_fields")]);
    let twice = [entry(1_772_445_600, 0, "a", &[("name", "1"), ("name", "2")])];
    let decoded = decode_protobuf(&push(&[("{}", &twice)]), &rule()).unwrap();
    assert_eq!(events(&decoded)[0]["structured_metadata"], json!({"name": ["1", "2"]}));
}
