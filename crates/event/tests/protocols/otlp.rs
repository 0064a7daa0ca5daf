use proptest::prelude::*;
use serde_json::{Value, json};
use trawl_event::decode::BodyError;
use trawl_event::limits::MAX_DEPTH;
use trawl_event::protocol::otlp::{decode_json, decode_protobuf};
use trawl_event::protocol::wire::{put_bytes, put_fixed32, put_fixed64, put_varint};

use crate::{events, refused, rule};

/// `examples/logs.json` of <https://github.com/open-telemetry/opentelemetry-proto>.
const EXAMPLE: &str = r#"{
  "resourceLogs": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]},
    "scopeLogs": [{
      "scope": {
        "name": "my.library", "version": "1.0.0",
        "attributes": [{"key": "my.scope.attribute", "value": {"stringValue": "some scope attribute"}}]
      },
      "logRecords": [{
        "timeUnixNano": "1544712660300000000", "observedTimeUnixNano": "1544712660300000000",
        "severityNumber": 10, "severityText": "Information",
        "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174",
        "body": {"stringValue": "Example log record"},
        "attributes": [
          {"key": "string.attribute", "value": {"stringValue": "some string"}},
          {"key": "boolean.attribute", "value": {"boolValue": true}},
          {"key": "int.attribute", "value": {"intValue": "10"}},
          {"key": "double.attribute", "value": {"doubleValue": 637.704}},
          {"key": "array.attribute", "value": {"arrayValue": {"values": [{"stringValue": "many"}, {"stringValue": "values"}]}}},
          {"key": "map.attribute", "value": {"kvlistValue": {"values": [{"key": "some.map.key", "value": {"stringValue": "some value"}}]}}}
        ]
      }]
    }]
  }]
}"#;

fn bytes(parts: &[(u64, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, value) in parts {
        put_bytes(&mut out, *number, value);
    }
    out
}

fn attribute(key: &str, value: &[u8]) -> Vec<u8> {
    bytes(&[(1, key.as_bytes()), (2, value)])
}

fn text(value: &str) -> Vec<u8> {
    bytes(&[(1, value.as_bytes())])
}

/// A request of one resource and scope with these records.
fn request(records: &[Vec<u8>]) -> Vec<u8> {
    let resource = bytes(&[(1, &attribute("service.name", &text("my.service")))]);
    let scope_attribute = attribute("my.scope.attribute", &text("some scope attribute"));
    let scope = bytes(&[(1, b"my.library"), (2, b"1.0.0"), (3, &scope_attribute)]);
    let mut scope_logs = Vec::new();
    // Records before the scope: the order of fields in protobuf is free.
    records.iter().for_each(|record| put_bytes(&mut scope_logs, 2, record));
    put_bytes(&mut scope_logs, 1, &scope);
    bytes(&[(1, &bytes(&[(2, &scope_logs), (1, &resource)]))])
}

fn example_record() -> Vec<u8> {
    let mut number = Vec::new();
    put_varint(&mut number, 3, 10);
    let mut flag = Vec::new();
    put_varint(&mut flag, 2, 1);
    let mut double = Vec::new();
    put_fixed64(&mut double, 4, 637.704f64.to_bits());
    let array = bytes(&[(5, &bytes(&[(1, &text("many")), (1, &text("values"))]))]);
    let map = bytes(&[(6, &bytes(&[(1, &attribute("some.map.key", &text("some value")))]))]);
    let mut record = Vec::new();
    put_fixed64(&mut record, 1, 1_544_712_660_300_000_000);
    put_varint(&mut record, 2, 10);
    put_bytes(&mut record, 3, b"Information");
    put_bytes(&mut record, 5, &text("Example log record"));
    for (key, value) in [
        ("string.attribute", &text("some string")),
        ("boolean.attribute", &flag),
        ("int.attribute", &number),
        ("double.attribute", &double),
        ("array.attribute", &array),
        ("map.attribute", &map),
    ] {
        put_bytes(&mut record, 6, &attribute(key, value));
    }
    put_bytes(&mut record, 9, &0x5B8E_FFF7_9803_8103_D269_B633_813F_C60Cu128.to_be_bytes());
    put_bytes(&mut record, 10, &0xEEE1_9B7E_C3C1_B174u64.to_be_bytes());
    put_fixed64(&mut record, 11, 1_544_712_660_300_000_000);
    record
}

#[test]
fn the_published_example_keeps_everything_it_says() {
    let mut expected = json!({
        "timestamp": 1_544_712_660_300_000_000u64, "observed_timestamp": 1_544_712_660_300_000_000u64,
        "level": "Information", "severity_number": 10, "message": "Example log record", "service": "my.service",
        "trace_id": "5B8EFFF798038103D269B633813FC60C", "span_id": "EEE19B7EC3C1B174",
        "attributes": {
            "string.attribute": "some string", "boolean.attribute": true, "int.attribute": 10, "double.attribute": 637.704,
            "array.attribute": ["many", "values"], "map.attribute": {"some.map.key": "some value"},
        },
        "scope": {"name": "my.library", "version": "1.0.0", "attributes": {"my.scope.attribute": "some scope attribute"}},
    });
    let decoded = decode_json(EXAMPLE.as_bytes(), &rule()).unwrap();
    assert!(decoded.all_timestamped);
    assert_eq!(events(&decoded), [expected.clone()]);
    let decoded = decode_protobuf(&request(&[example_record()]), &rule()).unwrap();
    expected["trace_id"] = "5b8efff798038103d269b633813fc60c".into();
    expected["span_id"] = "eee19b7ec3c1b174".into();
    assert_eq!(events(&decoded), [expected]);
}

#[test]
fn a_record_without_parts_is_an_event_without_fields() {
    let decoded = decode_protobuf(&bytes(&[(1, &bytes(&[(2, &bytes(&[(2, b"")]))]))]), &rule()).unwrap();
    assert_eq!(events(&decoded), [json!({"timestamp": "2026-03-02T10:00:00.000Z"})]);
    assert!(!decoded.all_timestamped);
    let empty = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#;
    assert_eq!(events(&decode_json(empty.as_bytes(), &rule()).unwrap()).len(), 1);
    assert_eq!(decode_protobuf(b"", &rule()).unwrap().accepted, 0);
    assert_eq!(decode_json(b"{}", &rule()).unwrap().accepted, 0);
}

#[test]
fn times_and_levels_are_found_where_they_are() {
    let record = |members: &str| {
        let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{members}}}]}}]}}]}}"#);
        events(&decode_json(body.as_bytes(), &rule()).unwrap()).remove(0)
    };
    assert_eq!(
        record(r#""observedTimeUnixNano":1772445600000000001,"timeUnixNano":"0""#),
        json!({"timestamp": 1_772_445_600_000_000_001u64})
    );
    assert_eq!(record(r#""timeUnixNano":"5""#)["timestamp"], "1970-01-01T00:00:00.000000005Z");
    for (number, level) in [(1, "trace"), (8, "debug"), (9, "info"), (13, "warn"), (20, "error"), (24, "fatal")] {
        assert_eq!(record(&format!(r#""severityNumber":{number}"#))["level"], level);
    }
    assert_eq!(record(r#""severityNumber":0"#).get("level"), None);
    let odd = record(r#""severityNumber":17,"severityText":"E""#);
    assert_eq!((&odd["level"], &odd["severity_text"]), (&json!("error"), &json!("E")));
    assert_eq!(record(r#""severityText":"loud""#)["level"], "loud");
}

#[test]
fn a_body_of_any_kind_is_kept() {
    let body = |value: &str| {
        let body = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"timeUnixNano":"1772445600000000000","body":{value}}}]}}]}}]}}"#
        );
        events(&decode_json(body.as_bytes(), &rule()).unwrap()).remove(0)
    };
    assert_eq!(body(r#"{"stringValue":"a\nb"}"#)["message"], "a\nb");
    assert_eq!(body(r#"{"intValue":"-9223372036854775808"}"#)["body"], i64::MIN);
    assert_eq!(body(r#"{"bytesValue":"aGk="}"#)["message"], "aGk=");
    assert_eq!(body(r#"{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{}}}]}}"#)["body"], json!({"a": []}));
    assert_eq!(body("{}").as_object().unwrap().len(), 1);
    assert_eq!(body("null").as_object().unwrap().len(), 1);
}

#[test]
fn a_bad_record_leaves_the_others_alone() {
    let mut cut_off = example_record();
    cut_off.truncate(cut_off.len() - 3);
    let not_utf8 = bytes(&[(3, b"\xff")]);
    let mut late = Vec::new();
    put_fixed64(&mut late, 1, u64::MAX);
    let mut deep = text("deep");
    for _ in 0..=MAX_DEPTH {
        deep = bytes(&[(5, &bytes(&[(1, &deep)]))]);
    }
    let deep = bytes(&[(5, &deep)]);
    let decoded =
        decode_protobuf(&request(&[cut_off, example_record(), not_utf8, late, deep, example_record()]), &rule())
            .unwrap();
    assert_eq!(decoded.accepted, 2);
    let codes = [(0, "invalid_record"), (2, "invalid_record"), (3, "timestamp_invalid"), (4, "event_too_deep")];
    assert_eq!(refused(&decoded), codes);
    let records = r#"{"timeUnixNano":"x"},{"severityText":5},{"body":{"oddValue":1}},{"traceId":"xyz"},5,{"body":{"doubleValue":nope}},{"flags":3}"#;
    let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#);
    let decoded = decode_json(body.as_bytes(), &rule()).unwrap();
    assert_eq!((decoded.accepted, decoded.rejected), (1, 6));
    assert_eq!(events(&decoded)[0]["flags"], 3);
}

#[test]
fn a_bad_resource_refuses_its_own_records() {
    let records = bytes(&[(2, &bytes(&[(2, &example_record()), (2, &example_record())]))]);
    let bad = [bytes(&[(1, &bytes(&[(1, &attribute("a", b"\xff"))]))]), records.clone()].concat();
    let decoded = decode_protobuf(&bytes(&[(1, &bad), (1, &records)]), &rule()).unwrap();
    assert_eq!((decoded.accepted, decoded.rejected), (2, 2));
}

#[test]
fn a_body_that_is_no_request_is_refused() {
    let malformed = |error: BodyError| assert!(matches!(error, BodyError::Malformed { .. }), "{error}");
    malformed(decode_protobuf(&request(&[example_record()])[..40], &rule()).unwrap_err());
    malformed(decode_protobuf(b"{\"resourceLogs\":[]}", &rule()).unwrap_err());
    for body in ["", "[]", r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}"#, r#"{"resourceLogs":5}"#, "{} x"] {
        assert!(matches!(decode_json(body.as_bytes(), &rule()), Err(BodyError::InvalidJson { .. })), "{body}");
    }
}

#[test]
fn what_a_resource_says_once_for_many_records_is_bounded_in_all_of_them() {
    let resource = bytes(&[(1, &attribute("big", &text(&"x".repeat(900_000))))]);
    let records = vec![(2, &b""[..]); 1000];
    let body = bytes(&[(1, &bytes(&[(1, &resource), (2, &bytes(&records))]))]);
    assert!(matches!(decode_protobuf(&body, &rule()), Err(BodyError::ExpandedTooLarge)));
}

#[test]
fn flags_and_counts_are_kept() {
    let mut record = Vec::new();
    put_varint(&mut record, 7, 3);
    put_fixed32(&mut record, 8, 1);
    put_bytes(&mut record, 12, b"browser.click");
    let event = events(&decode_protobuf(&request(&[record]), &rule()).unwrap()).remove(0);
    assert_eq!(event["dropped_attributes_count"], 3);
    assert_eq!(event["flags"], 1);
    assert_eq!(event["event_name"], "browser.click");
}

/// A value in the JSON and in the protobuf of OTLP.
fn values() -> impl Strategy<Value = (Value, Vec<u8>)> {
    let put = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        out
    };
    let leaf = prop_oneof![
        any::<String>().prop_map(move |value| (json!({"stringValue": value}), text(&value))),
        any::<bool>()
            .prop_map(move |flag| (json!({"boolValue": flag}), put(&|out| put_varint(out, 2, u64::from(flag))))),
        any::<i64>().prop_map(move |number| {
            (json!({"intValue": number.to_string()}), put(&|out| put_varint(out, 3, number as u64)))
        }),
        (-1000i32..1000).prop_map(move |number| {
            let number = f64::from(number) / 8.0;
            (json!({"doubleValue": number}), put(&|out| put_fixed64(out, 4, number.to_bits())))
        }),
        Just((json!({"bytesValue": "aGk="}), bytes(&[(7, b"hi")]))),
        Just((json!({"doubleValue": "NaN"}), put(&|out| put_fixed64(out, 4, f64::NAN.to_bits())))),
        Just((json!({}), Vec::new())),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|values| {
                let (json, protobuf): (Vec<_>, Vec<_>) = values.into_iter().unzip();
                let protobuf = protobuf.iter().map(|value| (1, &value[..])).collect::<Vec<_>>();
                (json!({"arrayValue": {"values": json}}), bytes(&[(5, &bytes(&protobuf))]))
            }),
            prop::collection::vec(("[a-c.]{0,3}", inner), 0..4).prop_map(|pairs| {
                let (json, protobuf) = attributes(&pairs);
                let protobuf = protobuf.iter().map(|pair| (1, &pair[..])).collect::<Vec<_>>();
                (json!({"kvlistValue": {"values": json}}), bytes(&[(6, &bytes(&protobuf))]))
            }),
        ]
    })
}

fn attributes(pairs: &[(String, (Value, Vec<u8>))]) -> (Vec<Value>, Vec<Vec<u8>>) {
    let json = pairs.iter().map(|(key, (value, _))| json!({"key": key, "value": value})).collect();
    (json, pairs.iter().map(|(key, (_, value))| attribute(key, value)).collect())
}

proptest! {
    #[test]
    fn both_forms_say_the_same(
        time in prop_oneof![Just(0u64), 1u64..2_000_000_000, 1_700_000_000_000_000_000u64..1_800_000_000_000_000_000],
        observed in prop_oneof![Just(0u64), 1_700_000_000_000_000_000u64..1_800_000_000_000_000_000],
        severity in 0u8..26,
        severity_text in "|INFO|E|[a-z]{3}",
        body in values(),
        pairs in prop::collection::vec(("[a-d.]{0,3}", values()), 0..5),
    ) {
        let (json_pairs, protobuf_pairs) = attributes(&pairs);
        let record = json!({
            "timeUnixNano": time.to_string(), "observedTimeUnixNano": observed, "severityNumber": severity,
            "severityText": severity_text, "body": body.0, "attributes": json_pairs, "traceId": "00ff", "spanId": "",
        });
        let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]});
        let scope = json!({"name": "my.library", "version": "1.0.0",
            "attributes": [{"key": "my.scope.attribute", "value": {"stringValue": "some scope attribute"}}]});
        let json = json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": [record]}]}]});
        let mut record = Vec::new();
        put_fixed64(&mut record, 1, time);
        put_varint(&mut record, 2, u64::from(severity));
        put_bytes(&mut record, 3, severity_text.as_bytes());
        put_bytes(&mut record, 5, &body.1);
        protobuf_pairs.iter().for_each(|pair| put_bytes(&mut record, 6, pair));
        put_bytes(&mut record, 9, &[0, 255]);
        put_fixed64(&mut record, 11, observed);
        let by_json = decode_json(json.to_string().as_bytes(), &rule()).unwrap();
        let by_protobuf = decode_protobuf(&request(&[record]), &rule()).unwrap();
        prop_assert_eq!(events(&by_json), events(&by_protobuf));
        prop_assert_eq!(by_json.all_timestamped, by_protobuf.all_timestamped);
    }
}

#[test]
fn parts_are_cut_alike_whatever_the_clock_says() {
    let record = |number: u64| {
        let mut record = Vec::new();
        put_fixed64(&mut record, 1, 1_772_445_600_000_000_000 + number);
        put_bytes(&mut record, 5, &text(&"x".repeat(1000 + number as usize % 7)));
        record
    };
    let body = request(&(0..4000).map(record).collect::<Vec<_>>());
    let now = rule();
    let later = trawl_event::shred::TimeRule { oldest: trawl_event::Timestamp(1_772_445_600_000_001_500), ..now };
    let (first, second) = (decode_protobuf(&body, &now).unwrap(), decode_protobuf(&body, &later).unwrap());
    assert_eq!((first.accepted, second.accepted), (4000, 2500));
    assert_eq!(first.parts.len(), second.parts.len());
    assert!(first.parts.len() > 3);
    for (first, second) in first.parts.iter().zip(&second.parts) {
        assert!(first.raw_bytes <= 1_000_000);
        assert!(second.timestamps.iter().all(|time| first.timestamps.contains(time)));
    }
}
