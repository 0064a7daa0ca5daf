//! Whatever comes, nothing panics and everything is accounted for.

use proptest::prelude::*;
use trawl_event::decode::{BodyError, Decoded, decode};
use trawl_event::limits::MAX_LISTED_REJECTIONS;
use trawl_event::protocol::{bulk, datadog, firehose, hec, loki, otlp, syslog};

use crate::rule;

fn check(decoded: Result<Decoded, BodyError>) {
    let Ok(decoded) = decoded else { return };
    let rows: usize = decoded.parts.iter().map(|part| part.rows()).sum();
    assert_eq!(rows as u64, decoded.accepted);
    assert_eq!(decoded.rejections.len(), (decoded.rejected as usize).min(MAX_LISTED_REJECTIONS));
}

fn check_all(body: &[u8]) {
    check(otlp::decode_protobuf(body, &rule()));
    check(otlp::decode_json(body, &rule()));
    check(loki::decode_protobuf(body, &rule()));
    check(loki::decode_protobuf(&snap::raw::Encoder::new().compress_vec(body).unwrap(), &rule()));
    check(loki::decode_json(body, &rule()));
    check(hec::decode_events(body, &hec::Defaults::default(), &rule()));
    check(hec::decode_raw(body, &hec::Defaults::default(), &rule()));
    check(datadog::decode_json(body, &datadog::Defaults::default(), &rule()));
    check(datadog::decode_text(body, &datadog::Defaults::default(), &rule()));
    check(firehose::decode(body, None, &rule()).map(|delivery| delivery.decoded));
    check(syslog::decode(body, &rule()));
    if let Ok(bulk) = bulk::decode(body, Some("i"), &rule()) {
        assert_eq!(bulk.items.len() as u64, bulk.decoded.accepted + bulk.decoded.rejected);
        check(Ok(bulk.decoded));
    }
}

/// Pieces that the protocols are made of.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\n",
        "\"",
        "\\",
        " ",
        "null",
        "5",
        "-1.5e9",
        "\"a\"",
        "\u{fc}",
        "\0",
        "<34>1 ",
        "<34>",
        "Oct 11 22:14:15 ",
        "- ",
        "[id a=\"b\"]",
        "12 <13>",
        "{\"index\":{}}\n",
        "{\"delete\":{}}\n",
        "{\"a\":1}\n",
        "{\"event\":\"x\"}",
        "{\"event\":",
        "\"fields\":{\"level\":\"a\"}",
        "\"time\":5",
        "{\"message\":\"x\",\"status\":\"y\"}",
        "{\"resourceLogs\":[",
        "{\"resource\":{\"attributes\":[",
        "{\"scopeLogs\":[",
        "{\"logRecords\":[",
        "{\"body\":",
        "{\"stringValue\":\"x\"}",
        "{\"arrayValue\":{\"values\":[",
        "{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":",
        "{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[",
        "[\"1772445600000000000\",\"line\"]",
        "{\"records\":[{\"data\":\"",
        "eyJhIjoxfQ==",
        "\"}]}",
        "]}",
        "}]}",
        "\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

/// Protobuf of a few small fields, nested.
fn messages() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop::collection::vec(any::<u8>(), 0..6);
    leaf.prop_recursive(5, 64, 4, |inner| {
        prop::collection::vec((1u64..12, 0u8..6, inner), 0..4).prop_map(|fields| {
            let mut out = Vec::new();
            for (number, wire, bytes) in fields {
                match wire {
                    0 => trawl_event::protocol::wire::put_varint(&mut out, number, bytes.len() as u64),
                    1 => trawl_event::protocol::wire::put_fixed64(&mut out, number, 1_772_445_600_000_000_000),
                    _ => trawl_event::protocol::wire::put_bytes(&mut out, number, &bytes),
                }
            }
            out
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        check_all(&body);
    }

    #[test]
    fn broken_bodies_never_panic(body in pieces()) {
        check_all(&body);
    }

    #[test]
    fn broken_messages_never_panic(body in messages()) {
        check_all(&body);
    }

    #[test]
    fn objects_sent_by_bulk_and_by_firehose_are_the_events_of_the_native_route(
        texts in prop::collection::vec((any::<String>(), any::<i64>()), 1..8),
    ) {
        let object = |(text, number): &(String, i64)| serde_json::json!({
            "@timestamp": "2026-03-02T10:00:00Z", "message": text, "nested": {"number": number},
        });
        let lines: Vec<String> = texts.iter().map(|event| object(event).to_string()).collect();
        let native = decode(lines.join("\n").as_bytes(), &rule()).unwrap();
        let bulk: String = lines.iter().map(|line| format!("{{\"create\":{{}}}}\n{line}\n")).collect();
        let mut by_bulk = crate::events(&bulk::decode(bulk.as_bytes(), Some("i"), &rule()).unwrap().decoded);
        for event in &mut by_bulk {
            assert_eq!(event.as_object_mut().unwrap().remove("_index"), Some("i".into()));
        }
        prop_assert_eq!(&by_bulk, &crate::events(&native));
        let hec: String = lines.iter().map(|line| format!("{{\"event\":{line}}}")).collect();
        let by_hec = hec::decode_events(hec.as_bytes(), &hec::Defaults::default(), &rule()).unwrap();
        prop_assert_eq!(&crate::events(&by_hec), &crate::events(&native));
        let by_datadog = format!("[{}]", lines.join(","));
        let by_datadog = datadog::decode_json(by_datadog.as_bytes(), &datadog::Defaults::default(), &rule()).unwrap();
        prop_assert_eq!(&crate::events(&by_datadog), &crate::events(&native));
    }
}
