//! The body of another shipper → events: nothing panics, and nothing is taken or refused without being counted.
//! The first byte chooses the protocol.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trawl_event::decode::{BodyError, Decoded, Encoding, decompress};
use trawl_event::limits::MAX_LISTED_REJECTIONS;
use trawl_event::protocol::{bulk, datadog, firehose, hec, loki, otlp, syslog};
use trawl_fuzz::{ANY_TIME, values_of};

fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else { return };
    let rule = ANY_TIME;
    let splunk = hec::Defaults { host: Some("h".into()), ..hec::Defaults::default() };
    let dog = datadog::Defaults { ddtags: Some("a:b".into()), ..datadog::Defaults::default() };
    check(match choice % 13 {
        0 => otlp::decode_protobuf(body, &rule),
        1 => otlp::decode_json(body, &rule),
        2 => loki::decode_protobuf(body, &rule),
        3 => loki::decode_json(body, &rule),
        4 => bulk::decode(body, Some("i"), &rule).map(|bulk| {
            assert_eq!(bulk.items.len() as u64, bulk.decoded.accepted + bulk.decoded.rejected);
            bulk.decoded
        }),
        5 => hec::decode_events(body, &splunk, &rule),
        6 => hec::decode_raw(body, &splunk, &rule),
        7 => datadog::decode_json(body, &dog, &rule),
        8 => datadog::decode_text(body, &dog, &rule),
        9 => firehose::decode(body, None, &rule).map(|delivery| delivery.decoded),
        10 => firehose::decode(body, Some(br#"{"a":1}"#), &rule).map(|delivery| delivery.decoded),
        11 => syslog::decode(body, &rule),
        _ => {
            let _ = decompress(body, Encoding::Deflate);
            let _ = decompress(body, Encoding::Snappy);
            // A block of Snappy seldom comes about by chance; what is in one is tried without it.
            let block = snap_block(body);
            loki::decode_protobuf(&block, &rule)
        }
    });
});

fn check(decoded: Result<Decoded, BodyError>) {
    let Ok(decoded) = decoded else { return };
    let rows: usize = decoded.parts.iter().map(|part| part.rows()).sum();
    assert_eq!(rows as u64, decoded.accepted);
    assert_eq!(decoded.rejections.len(), (decoded.rejected as usize).min(MAX_LISTED_REJECTIONS));
    if rows < 1000 {
        let restored: usize = decoded.parts.iter().map(|part| values_of(part).len()).sum();
        assert_eq!(restored, rows);
    }
}

/// The bytes as literals of one block (<https://github.com/google/snappy/blob/main/format_description.txt>).
fn snap_block(bytes: &[u8]) -> Vec<u8> {
    let mut block = Vec::with_capacity(bytes.len() + 16);
    let mut length = bytes.len();
    while length >= 0x80 {
        block.push(length as u8 | 0x80);
        length >>= 7;
    }
    block.push(length as u8);
    for literal in bytes.chunks(60) {
        block.push((literal.len() as u8 - 1) << 2);
        block.extend_from_slice(literal);
    }
    block
}
