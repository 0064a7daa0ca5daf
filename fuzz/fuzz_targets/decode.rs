//! A request body → events: nothing panics, nothing is refused or taken without being counted, and
//! every event comes back as it was sent.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::value::RawValue;
use trawl_event::decode::{Decoded, Encoding, decode, decompress};
use trawl_event::limits::MAX_LISTED_REJECTIONS;
use trawl_event::shred::TimeRule;
use trawl_fuzz::{ANY_TIME, Json, values_of};

/// Larger bodies only repeat what smaller ones show, slower.
const LARGEST_BODY: usize = 256 * 1024;
const WEEK_NS: i64 = 7 * 86_400_000_000_000;

/// `{"events":[…]}` with no other member.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped<'b> {
    #[serde(borrow)]
    events: Vec<&'b RawValue>,
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else { return };
    let encoding = match choice & 3 {
        0 => Encoding::Gzip,
        1 => Encoding::Zstd,
        _ => Encoding::Identity,
    };
    let rule = match choice & 4 {
        0 => ANY_TIME,
        _ => TimeRule { oldest: ANY_TIME.received.plus_ns(-WEEK_NS), latest: ANY_TIME.received, ..ANY_TIME },
    };
    let Ok(body) = decompress(body, encoding) else { return };
    if body.len() > LARGEST_BODY {
        return;
    }
    let Ok(decoded) = decode(&body, &rule) else { return };
    let rows: usize = decoded.parts.iter().map(|part| part.rows()).sum();
    assert_eq!(rows as u64, decoded.accepted);
    let restored: Vec<Json> = decoded.parts.iter().flat_map(values_of).collect();
    if decoded.rejected as usize <= MAX_LISTED_REJECTIONS {
        compare(&body, &decoded, &restored);
    }
});

/// Compares what was sent with what came back.
fn compare(body: &[u8], decoded: &Decoded, restored: &[Json]) {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let sent = events(body);
    assert_eq!(sent.len() as u64, decoded.accepted + decoded.rejected, "some events are not accounted for");
    let is_rejected = |index: &usize| decoded.rejections.iter().any(|rejection| rejection.index == *index as u64);
    let accepted = (0..sent.len()).filter(|index| !is_rejected(index));
    for (index, restored) in accepted.zip(restored) {
        let text = String::from_utf8_lossy(sent[index]);
        let Some(sent) = Json::parse(sent[index]) else { panic!("accepted {text:?}, which is no JSON") };
        if sent != *restored {
            assert_eq!(sent.without_timestamp(), restored.clone().without_timestamp(), "of {text}");
        }
    }
}

/// The events of a body, found in another way than the decoder's.
fn events(body: &[u8]) -> Vec<&[u8]> {
    // Bytes that are no text spoil the event they are in, not where it ends.
    let mut text = String::with_capacity(body.len());
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    let whole = serde_json::from_str::<&RawValue>(&text).map_or("", RawValue::get);
    let elements = match serde_json::from_str::<Vec<&RawValue>>(whole) {
        Ok(elements) => Some(elements),
        Err(_) if whole.starts_with('{') => {
            serde_json::from_str::<Wrapped<'_>>(whole).map(|wrapped| wrapped.events).ok()
        }
        Err(_) => None,
    };
    let place = |event: &str| {
        let start = event.as_ptr() as usize - text.as_ptr() as usize;
        &body[start..start + event.len()]
    };
    match elements {
        Some(elements) => elements.into_iter().map(|event| place(event.get())).collect(),
        None if whole.starts_with('{') => vec![place(whole)],
        None => text.split('\n').filter(|line| !is_blank(line)).map(place).collect(),
    }
}

fn is_blank(line: &str) -> bool {
    line.bytes().all(|byte| byte.is_ascii_whitespace())
}
