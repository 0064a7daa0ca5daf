//! Each kind of bad input gets its own precise error, and the events around it stay.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write;

use trawl_event::Timestamp;
use trawl_event::decode::{BodyError, Decoded, Encoding, decode, decompress};
use trawl_event::limits::{MAX_BODY_BYTES, MAX_DECODED_BYTES, MAX_DEPTH, MAX_EVENT_BYTES, MAX_FIELDS};
use trawl_event::shred::{EventError, TimeRule};
use trawl_event::timestamp::NS_PER_DAY;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);

fn rule() -> TimeRule {
    TimeRule { received: NOW, oldest: NOW.plus_ns(-7 * NS_PER_DAY), latest: NOW.plus_ns(600_000_000_000) }
}

fn decoded(body: &str) -> Decoded {
    decode(body.as_bytes(), &rule()).unwrap()
}

/// The only rejection of a body whose first and last lines are good.
fn rejection_between(bad: &[u8]) -> EventError {
    let body = [b"{\"message\":\"first\"}\n", bad, b"\n{\"message\":\"last\"}\n"].concat();
    let decoded = decode(&body, &rule()).unwrap();
    assert_eq!((decoded.accepted, decoded.rejected), (2, 1));
    assert_eq!(decoded.rejections[0].index, 1);
    decoded.rejections.into_iter().next().unwrap().error
}

#[test]
fn every_shape_of_body_is_read() {
    let event = r#"{"message":"a\nb","timestamp":1700000000}"#;
    for (body, events) in [
        (event.to_owned(), 1),
        (format!("  {event}\n\n"), 1),
        ("{\n  \"message\": \"pretty\"\n}\n".to_owned(), 1),
        (format!("{event}\n{event}"), 2),
        (format!("\u{feff}{event}\r\n\r\n{event}\r\n"), 2),
        (format!("[{event}, {event},\n{event}]"), 3),
        (format!("{{\"events\":[{event},{event}]}}"), 2),
        (format!("{{\"events\":[{event}],\"more\":1}}"), 1),
    ] {
        let decoded = decoded(&body);
        assert_eq!((decoded.accepted, decoded.rejected), (events, 0), "{body}");
    }
}

#[test]
fn broken_json_is_located() {
    let error = rejection_between(br#"{"a":1,"b":tru}"#);
    assert!(matches!(error, EventError::InvalidJson { offset: 14, .. }), "{error}");
    let error = rejection_between(br#"{"a":"unfinished"#);
    assert!(matches!(error, EventError::InvalidJson { .. }), "{error}");
    let error = rejection_between(br#"{"a":1} x"#);
    assert!(matches!(error, EventError::InvalidJson { offset: 8, .. }), "{error}");
    let error = rejection_between(b"{\"a\":\"\xff\"}");
    assert!(matches!(error, EventError::InvalidJson { .. }), "{error}");
    let error = rejection_between(b"{\"a\":[\"\xff\"]}");
    assert!(matches!(error, EventError::InvalidJson { offset: 7, .. }), "{error}");
    let error = rejection_between(br#"{"a":["\ud800"]}"#);
    assert!(matches!(error, EventError::InvalidJson { .. }), "{error}");
    let error = rejection_between(br#"{"a":NaN}"#);
    assert!(matches!(error, EventError::InvalidJson { offset: 5, .. }), "{error}");
    let error = rejection_between(b"{\"a\":1,\"a\":2}\0");
    assert!(matches!(error, EventError::InvalidJson { offset: 13, .. }), "{error}");
    let error = rejection_between(b"{\"a\":1,\"a\":\"\xff\",\"a\":2}");
    assert!(matches!(error, EventError::InvalidJson { offset: 12, .. }), "{error}");
    let Err(BodyError::InvalidJson { offset, .. }) = decode(br#"[{"a":1},{"b":2}"#, &rule()) else {
        panic!("an array that breaks off was read");
    };
    assert_eq!(offset, 16);
}

#[test]
fn wrong_types_are_named() {
    for (bad, found) in
        [("5", "a number"), ("\"x\"", "a string"), ("null", "null"), ("[1]", "an array"), ("true", "a boolean")]
    {
        if bad == "[1]" {
            continue; // at the start of a line it is an array of events only when it is the whole body
        }
        assert_eq!(rejection_between(bad.as_bytes()), EventError::NotAnObject { found });
    }
    let decoded = decoded(r#"[{"message":"a"},5,[{}],{"message":"b"}]"#);
    assert_eq!((decoded.accepted, decoded.rejected), (2, 2));
    assert_eq!(decoded.rejections[1].error, EventError::NotAnObject { found: "an array" });
}

#[test]
fn absurd_timestamps_are_refused() {
    for bad in [
        r#"{"timestamp":"yesterday"}"#,
        r#"{"timestamp":null}"#,
        r#"{"ts":true}"#,
        r#"{"time":1e300}"#,
        r#"{"@timestamp":["2023-01-01T00:00:00Z"]}"#,
        r#"{"timestamp":99999999999999999999}"#,
    ] {
        assert!(matches!(rejection_between(bad.as_bytes()), EventError::BadTimestamp { .. }), "{bad}");
    }
    assert!(matches!(rejection_between(br#"{"timestamp":0}"#), EventError::TooOld { .. }));
    assert!(matches!(rejection_between(br#"{"timestamp":"2023-11-15T00:00:00Z"}"#), EventError::TooNew { .. }));
}

#[test]
fn limits_of_an_event_hold() {
    let deep = format!("{}1{}", "{\"a\":".repeat(MAX_DEPTH + 1), "}".repeat(MAX_DEPTH + 1));
    assert!(matches!(rejection_between(deep.as_bytes()), EventError::TooDeep { .. }));
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert!(matches!(rejection_between(deep.as_bytes()), EventError::TooDeep { .. }));
    let very_deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(rejection_between(very_deep.as_bytes()), EventError::TooDeep { .. }));
    let array = format!("[{{\"message\":\"a\"}} , {very_deep} , {{\"message\":\"b\"}}]");
    let in_array = decoded(&array);
    assert_eq!((in_array.accepted, in_array.rejected), (2, 1));
    let fields: Vec<_> = (0..=MAX_FIELDS).map(|field| format!("\"f{field}\":1")).collect();
    assert_eq!(rejection_between(format!("{{{}}}", fields.join(",")).as_bytes()), EventError::TooManyFields);
    let name = format!("{{\"{}\":1}}", "n".repeat(600));
    assert!(matches!(rejection_between(name.as_bytes()), EventError::PathTooLong { .. }));
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_EVENT_BYTES));
    assert!(matches!(rejection_between(large.as_bytes()), EventError::TooLarge { .. }));
    let number = |digits: usize| format!("{{\"n\":{}}}", "9".repeat(digits));
    assert_eq!(decoded(&number(4000)).accepted, 1);
    assert!(matches!(rejection_between(number(5000).as_bytes()), EventError::InvalidJson { .. }));
}

#[test]
fn limits_of_a_body_hold() {
    assert_eq!(decode(b" \n ", &rule()).unwrap_err(), BodyError::Empty);
    assert_eq!(decode(b"[]", &rule()).unwrap_err(), BodyError::Empty);
    let large = vec![b' '; MAX_BODY_BYTES + 1];
    assert!(matches!(decompress(&large, Encoding::Identity), Err(BodyError::TooLarge { .. })));
    let bomb = vec![b' '; MAX_DECODED_BYTES + 1];
    let zstd = zstd::bulk::compress(&bomb, 3).unwrap();
    assert_eq!(decompress(&zstd, Encoding::Zstd), Err(BodyError::DecodedTooLarge));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&bomb).unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(decompress(&gzip, Encoding::Gzip), Err(BodyError::DecodedTooLarge));
    for (bytes, encoding) in [(&gzip[..gzip.len() / 2], Encoding::Gzip), (&zstd[..zstd.len() / 2], Encoding::Zstd)] {
        let Err(BodyError::Compression { .. } | BodyError::DecodedTooLarge) = decompress(bytes, encoding) else {
            panic!("a truncated body was read");
        };
    }
    assert!(matches!(decompress(b"plain", Encoding::Gzip), Err(BodyError::Compression { encoding: "gzip", .. })));
    assert!(matches!(decompress(b"plain", Encoding::Zstd), Err(BodyError::Compression { encoding: "zstd", .. })));
    // A frame that asks for a window of 2 GiB.
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
    assert!(matches!(decompress(&window, Encoding::Zstd), Err(BodyError::Compression { .. })));
}

#[test]
fn parts_do_not_depend_on_what_is_refused() {
    let good = format!("{{\"a\":\"{}\",\"timestamp\":1700000000}}\n", "x".repeat(99_000));
    let old = format!("{{\"a\":\"{}\",\"timestamp\":1600000000}}\n", "x".repeat(99_000));
    let parts = |body: String| -> Vec<usize> { decoded(&body).parts.iter().map(|part| part.rows()).collect() };
    assert_eq!(parts(good.repeat(25)), [10, 10, 5]);
    assert_eq!(parts(format!("{}{}{}", good.repeat(5), old.repeat(10), good.repeat(10))), [5, 5, 5]);
}

#[test]
fn deflate_and_snappy_are_read_in_both_their_forms_and_bounded() {
    let text = b"{\"message\":\"a\"}".repeat(100);
    let large = vec![b' '; MAX_DECODED_BYTES + 1];
    let zlib = |bytes: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let bare = |bytes: &[u8]| {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let block = |bytes: &[u8]| snap::raw::Encoder::new().compress_vec(bytes).unwrap();
    let frames = |bytes: &[u8]| {
        let mut encoder = snap::write::FrameEncoder::new(Vec::new());
        encoder.write_all(bytes).unwrap();
        encoder.into_inner().unwrap()
    };
    type Compress<'c> = &'c dyn Fn(&[u8]) -> Vec<u8>;
    let forms: [(Compress<'_>, Encoding); 4] = [
        (&zlib, Encoding::Deflate),
        (&bare, Encoding::Deflate),
        (&block, Encoding::Snappy),
        (&frames, Encoding::Snappy),
    ];
    for (compress, encoding) in forms {
        assert_eq!(decompress(&compress(&text), encoding).unwrap(), text);
        assert_eq!(decompress(&compress(&large), encoding), Err(BodyError::DecodedTooLarge));
        let whole = compress(&text);
        let cut_off = decompress(&whole[..whole.len() / 2], encoding);
        assert!(matches!(cut_off, Err(BodyError::Compression { .. })), "{encoding:?}");
    }
    for (header, encoding) in [("deflate", Encoding::Deflate), ("Snappy", Encoding::Snappy)] {
        assert_eq!(Encoding::from_header(header), Some(encoding));
    }
}
