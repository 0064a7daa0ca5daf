//! The index never hides a match: what it skips holds none, whatever the events and the query.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bytes::Bytes;
use common::generate;
use proptest::prelude::*;
use serde_json::{Value, json};
use trawl_event::block::Projection;
use trawl_event::{Block, RowSet};
use trawl_query::{Evaluator, Query};
use trawl_segment::{Fetched, IndexQuery, Segment, SegmentReader, WriteOptions, write};

/// A segment of row groups of so many rows, all of them large enough to be indexed.
fn segment(block: &Block, row_group_rows: usize) -> Segment {
    let mut block = block.clone();
    block.raw_bytes = block.rows() as u64 * 64 * 1024;
    // However large the index is beside so few events, it is kept: they stand beside one that takes much room.
    let options = WriteOptions { row_group_rows, row_group_bytes: u64::MAX, ..WriteOptions::default() };
    write(&block, &options).unwrap()
}

fn open(segment: &Segment) -> SegmentReader {
    let directory = &segment.bytes[segment.footer_offset as usize..][..segment.directory_bytes as usize];
    SegmentReader::open(directory, segment.footer_offset).unwrap()
}

/// The granules that the index leaves, by row group, from no more than the bytes it asked for.
fn candidates(segment: &Segment, query: &Query) -> Vec<RowSet> {
    let reader = open(segment);
    let index = IndexQuery::new(&query.evidence());
    let part = |range: std::ops::Range<u64>| -> (u64, Bytes) {
        (range.start, segment.bytes.slice(range.start as usize..range.end as usize))
    };
    let fetched: Fetched = reader.index_ranges(&index).into_iter().map(part).collect();
    reader.candidates(&index, &fetched).unwrap()
}

/// How many row groups there are, and how many the index skips. Panics if one of these holds a match.
fn skipped(segment: &Segment, query: &Query) -> (usize, usize) {
    let reader = open(segment);
    let evaluator = Evaluator::new(query).unwrap();
    let whole = Fetched::whole(segment.bytes.clone());
    let found = candidates(segment, query);
    assert_eq!(found.len(), reader.row_groups().len());
    let mut skipped = 0;
    for (row_group, granules) in found.iter().enumerate() {
        let block = reader.read(row_group, &Projection::All, None, &whole).unwrap();
        let mut matches = evaluator.matches(&block);
        let may_hold = segment.zones.may_hold(&query.evidence());
        assert!(may_hold || matches.is_empty(), "{query} matches and is ruled out by {:?}", segment.zones);
        skipped += usize::from(granules.is_empty());
        if let Some(rows) = reader.row_groups()[row_group].rows_of(granules) {
            matches.subtract(&rows);
            assert!(matches.is_empty(), "{query} skips a match in row group {row_group}");
        }
    }
    (found.len(), skipped)
}

/// A block of these events, as they are: what is known of all of them is known exactly.
fn bare_block(events: &[Value]) -> Block {
    common::block(&events.iter().map(Value::to_string).collect::<Vec<_>>())
}

/// An event whose texts are noise, so that the index stays within its share of the segment.
fn noise() -> Value {
    let words = (0..4000u64).map(|n| format!("{:x} ", (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    json!({"ts": 0, "message": words.collect::<String>()})
}

fn block_of(mut events: Vec<Value>) -> Block {
    events.push(noise());
    bare_block(&events)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_never_hides_a_match(
        filters in prop::collection::vec(generate::filter(), 1..12),
        events in prop::collection::vec(generate::event(), 1..12),
        row_group_rows in prop::sample::select(vec![1, 3]),
    ) {
        let segment = segment(&block_of(events), row_group_rows);
        prop_assert!(segment.index_bytes > 100, "the events are indexed");
        for filter in filters {
            skipped(&segment, &Query::parse(&filter.to_string()).unwrap());
        }
    }

    #[test]
    fn what_is_known_of_all_events_never_hides_a_match(
        filters in prop::collection::vec(generate::filter(), 1..12),
        ranges in prop::collection::vec(generate::range_filter(), 1..12),
        events in prop::collection::vec(generate::event(), 1..6),
        columns_max in prop::sample::select(vec![0, 2, 1000]),
        granule_rows in 1u64..4,
    ) {
        let mut block = bare_block(&events);
        block.raw_bytes = block.rows() as u64 * trawl_segment::GRANULE_RAW_BYTES / granule_rows;
        let options = WriteOptions { row_group_bytes: u64::MAX, columns_max, ..WriteOptions::default() };
        let segment = write(&block, &options).unwrap();
        for filter in filters.into_iter().chain(ranges) {
            skipped(&segment, &Query::parse(&filter.to_string()).unwrap());
        }
    }

    #[test]
    fn times_of_a_granule_bound_every_event_in_it(
        times in prop::collection::vec(
            prop_oneof![any::<i64>(), -3i64..3, (0i64..5_000_000).prop_map(|ns| ns + 1_700_000_000_000_000_000)],
            1..40,
        ),
        granule_rows in 1u64..5,
        row_group_rows in prop::sample::select(vec![1, 7, 1000]),
    ) {
        let mut block = bare_block(&vec![json!({"ts": 0}); times.len()]);
        block.timestamps = times;
        block.raw_bytes = block.rows() as u64 * trawl_segment::GRANULE_RAW_BYTES / granule_rows;
        let options = WriteOptions { row_group_rows, row_group_bytes: u64::MAX, ..WriteOptions::default() };
        let segment = write(&block, &options).unwrap();
        let reader = open(&segment);
        for (number, info) in reader.row_groups().iter().enumerate() {
            let times = reader.granule_times(number);
            prop_assert_eq!(times.len(), info.granules());
            let read = reader.read(number, &Projection::timestamps(), None, &Fetched::whole(segment.bytes.clone()));
            let read = read.unwrap().timestamps;
            for (granule, (first, last)) in times.iter().enumerate() {
                let is_inside = |time: &i64| (first..=last).contains(&time);
                prop_assert!(read[info.granule(granule)].iter().all(is_inside), "{first}..{last} of {read:?}");
            }
        }
        prop_assert!(reader.granule_times(reader.row_groups().len()).is_empty());
    }

    #[test]
    fn any_piece_of_any_text_is_found_again(
        text in any::<String>(),
        cut in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let characters: Vec<char> = text.chars().collect();
        let (from, to) = (cut.0.index(characters.len() + 1), cut.1.index(characters.len() + 1));
        let piece: String = characters[from.min(to)..from.max(to)].iter().collect();
        let events = vec![json!({"ts": 1, "message": text}), json!({"ts": 2, "a": [{"b": text}]}), json!({"ts": 3})];
        let segment = segment(&block_of(events), 1);
        let quoted = piece.replace('\\', "\\\\").replace('"', "\\\"");
        for query in [format!("\"{quoted}\""), format!("/{}/", regex::escape(&piece).replace('/', "\\/"))] {
            if let Ok(query) = Query::parse(&query) {
                skipped(&segment, &query);
            }
        }
    }
}

#[test]
fn every_form_skips_what_cannot_match() {
    let events = (0..40).map(|n| {
        json!({
            "ts": n, "service": format!("svc-{n}"), "status": 100 + n, "ok": n == 7, "lvl": if n % 8 == 3 { "SEVERE" } else { "info" }, "tags": [format!("tag{n}x")],
            "message": format!("Request {:08x} of user{n} took {n} ms", n * 0x1357_9bdf_u64),
            "path": format!("/api/v{n}/Größe{n}"),
        })
    });
    let segment = segment(&block_of(events.collect()), 1);
    for query in [
        "user17",
        "USER17",
        "\"of user17 took\"",
        "user17*",
        "*ser17 t*",
        "/user17 took/",
        "/USER17 [tT]ook/i",
        "/(user17|svc-17)\\b/",
        "service:svc-17",
        "service:=\"svc-17\"",
        "status:117",
        "status:=117",
        "ok:true",
        "tag17x",
        "größe17",
        "path:\"/api/v17/größe17\"",
        "message:user17",
        "user17 OR user18",
        "user17 took",
        "user17 -absent",
        "status:>=130",
        "status:[110 TO 112]",
        "status:<110",
        "lvl:>=error",
    ] {
        let (all, skipped) = skipped(&segment, &common::query(query));
        assert!(skipped >= all - 15, "{query} skips {skipped} of {all}");
    }
    for query in
        ["", "-user17", "ms", "/\\d+/", "status:>0", "tags:*", "service:>1", "lvl:<=error", "user17 OR -user17"]
    {
        skipped(&segment, &common::query(query));
    }
}

#[test]
fn a_needle_leaves_its_granule_only() {
    let event = |n: u64| {
        let id = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Numbers that take room, so that the index of so many ids stays within its share.
        let number = |shift: u64| (id.rotate_left(shift as u32 * 11) >> 11) as f64 / 1e16;
        let message = format!("blk_{id:016x} stored by worker {}", n % 5);
        json!({"ts": n, "service": "a", "message": message, "a": number(1), "b": number(2), "c": number(3), "d": number(4)})
            .to_string()
    };
    let events: Vec<String> = (0..4000).map(event).collect();
    let mut block = common::block(&events);
    block.raw_bytes = 4000 * 1024;
    let segment = write(&block, &WriteOptions::default()).unwrap();
    let reader = open(&segment);
    assert_eq!(reader.row_groups()[0].granules(), 16);
    let id = format!("{:016x}", 2345u64.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let query = common::query(&format!("*{}*", &id[1..15]));
    let found = candidates(&segment, &query);
    let rows = reader.row_groups()[0].rows_of(&found[0]).unwrap();
    assert_eq!((found[0].count(), rows.count(), rows.contains(2344)), (1, 256, true));
    let part = reader.ranges(0, &query.projection(), Some(&rows), &Fetched::new());
    let length = |ranges: &[std::ops::Range<u64>]| ranges.iter().map(|range| range.end - range.start).sum::<u64>();
    assert!(length(&part) <= length(&reader.ranges(0, &query.projection(), None, &Fetched::new())));
}
