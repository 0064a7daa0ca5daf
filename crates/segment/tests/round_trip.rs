//! Block → segment → block.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeSet;

use common::{Event, block_of, events, events_of, open, read, read_all, unordered};
use proptest::prelude::*;
use trawl_event::block::Projection;
use trawl_event::{Block, Column, Path, RowSet, Texts, Values};
use trawl_segment::{Error, Fetched, Schema, SegmentWriter, WriteOptions, write};

fn options(columns_max: usize, row_group_rows: usize) -> WriteOptions {
    WriteOptions { columns_max, row_group_rows, source: "test".into(), ..WriteOptions::default() }
}

proptest! {
    #[test]
    fn every_event_comes_back_as_it_was(
        events in events(1..40),
        columns_max in prop::sample::select(vec![0, 1, 3, 1000]),
        row_group_rows in prop::sample::select(vec![1, 7, 1000]),
    ) {
        let block = block_of(&events);
        let segment = write(&block, &options(columns_max, row_group_rows)).unwrap();
        let reader = open(&segment);
        prop_assert_eq!((reader.events(), reader.raw_bytes()), (events.len() as u64, block.raw_bytes));
        prop_assert_eq!((segment.events, segment.raw_bytes), (events.len() as u64, block.raw_bytes));
        prop_assert!(reader.row_groups().iter().all(|row_group| row_group.rows <= row_group_rows));
        prop_assert!(reader.row_groups().is_sorted_by(|one, other| one.last <= other.first));
        prop_assert_eq!(unordered(&read_all(&segment)), unordered(&events));
    }

    #[test]
    fn compaction_keeps_every_event(
        first in events(1..20),
        second in events(1..20),
        columns_max in prop::sample::select(vec![0, 2, 1000]),
    ) {
        let segments = [&first, &second].map(|events| write(&block_of(events), &options(columns_max, 8)).unwrap());
        let readers = segments.each_ref().map(open);
        let mut writer = SegmentWriter::new(&WriteOptions::compaction(), Schema::union(&readers)).unwrap();
        for (reader, segment) in readers.iter().zip(&segments) {
            for row_group in 0..reader.row_groups().len() {
                writer.push(&read(reader, segment, row_group, &Projection::All, None)).unwrap();
            }
        }
        let merged = writer.finish().unwrap();
        prop_assert_eq!(merged.raw_bytes, segments.iter().map(|segment| segment.raw_bytes).sum::<u64>());
        prop_assert_eq!(unordered(&read_all(&merged)), unordered(&[first, second].concat()));
    }

    #[test]
    fn selected_rows_are_those_of_the_whole(events in events(1..40), picks in prop::collection::vec(any::<bool>(), 40)) {
        let segment = write(&block_of(&events), &options(3, 1000)).unwrap();
        let reader = open(&segment);
        let whole = events_of(&read(&reader, &segment, 0, &Projection::All, None));
        let mut rows = RowSet::none(whole.len());
        (0..whole.len()).filter(|row| picks[*row]).for_each(|row| rows.insert(row));
        let some = events_of(&read(&reader, &segment, 0, &Projection::All, Some(&rows)));
        let expected: Vec<Event> = rows.iter().map(|row| whole[row].clone()).collect();
        prop_assert_eq!(some, expected);
    }

    #[test]
    fn a_projection_takes_what_it_wants(
        events in events(1..20),
        texts in any::<bool>(),
        names in prop::collection::btree_set("a|b|a\\.b|message|service|a\\.a|\\.|_rest", 0..3),
    ) {
        let projection = Projection::Some { texts, names, envelopes: false, times: true };
        let segment = write(&block_of(&events), &options(2, 1000)).unwrap();
        let reader = open(&segment);
        let whole = events_of(&read(&reader, &segment, 0, &Projection::All, None));
        let some = events_of(&read(&reader, &segment, 0, &projection, None));
        for (whole, some) in whole.into_iter().zip(some) {
            let mut fields = whole.fields;
            fields.retain(|(path, kind), _| projection.wants(&path.name(), *kind));
            prop_assert_eq!(some.fields, fields);
        }
    }

    #[test]
    fn fields_name_everything_that_occurs(events in events(1..20), columns_max in 0usize..5) {
        let segment = write(&block_of(&events), &options(columns_max, 7)).unwrap();
        let named: BTreeSet<_> = open(&segment).fields().map(|field| (field.path.clone(), field.kind)).collect();
        let occurring: BTreeSet<_> = events.iter().flat_map(|event| event.fields.keys().cloned()).collect();
        prop_assert_eq!(named, occurring);
    }

    #[test]
    fn equal_blocks_give_equal_bytes(events in events(1..20)) {
        let block = block_of(&events);
        let [one, other] = [0, 1].map(|_| write(&block, &options(3, 7)).unwrap());
        prop_assert_eq!(one.content_hash, other.content_hash);
        prop_assert_eq!(one.bytes, other.bytes);
    }
}

#[test]
fn the_source_makes_equal_events_different_objects() {
    let block =
        Block { timestamps: vec![1], envelope_codes: vec![0], envelopes: vec![Default::default()], ..Block::default() };
    let write_from = |source: &str| write(&block, &WriteOptions { source: source.into(), ..WriteOptions::default() });
    let (one, other) = (write_from("shard 1").unwrap(), write_from("shard 2").unwrap());
    assert_ne!(one.content_hash, other.content_hash);
    assert_eq!(open(&one).source(), "shard 1");
}

#[test]
fn a_segment_of_no_events_is_refused() {
    assert!(matches!(write(&Block::default(), &WriteOptions::default()), Err(Error::Empty)));
}

/// Many rows of a full text column, a number in every row, and a sparse column.
fn large_block(rows: u32) -> Block {
    let mut messages = Texts::default();
    for row in 0..rows {
        messages.push(&format!(
            "request {} took {} ms: {:x}",
            row,
            row % 977,
            u64::from(row).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ));
    }
    let all: Vec<u32> = (0..rows).collect();
    let sparse: Vec<u32> = (0..rows).step_by(1000).collect();
    let column =
        |name: &str, rows: &[u32], values: Values| Column { path: Path::of(name), rows: rows.to_vec(), values };
    let sizes: Vec<i64> = all.iter().map(|row| i64::from(*row) * 7919 % 100_003).collect();
    let ratios: Vec<f64> = sparse.iter().map(|row| f64::from(*row) / 3.0).collect();
    Block {
        timestamps: all.iter().map(|row| i64::from(*row) * 1_000_000).collect(),
        envelope_codes: vec![0; rows as usize],
        envelopes: vec![Default::default()],
        columns: vec![
            column("message", &all, Values::Text(messages)),
            column("size", &all, Values::Int(sizes)),
            column("ratio", &sparse, Values::Float(ratios)),
        ],
        raw_bytes: u64::from(rows) * 100,
    }
}

#[test]
fn columns_of_many_pages_come_back_whole_and_in_part() {
    let block = large_block(70_000);
    let segment = write(&block, &WriteOptions::default()).unwrap();
    let reader = open(&segment);
    let whole = read(&reader, &segment, 0, &Projection::All, None);
    assert_eq!(unordered(&events_of(&whole)), unordered(&events_of(&block)));
    let whole = events_of(&whole);
    for picks in [vec![0], vec![69_999], vec![1, 2, 30_000, 65_000], (0..70_000).step_by(501).collect()] {
        let mut rows = RowSet::none(whole.len());
        picks.iter().for_each(|row| rows.insert(*row));
        let some = read(&reader, &segment, 0, &Projection::All, Some(&rows));
        let expected: Vec<Event> = picks.iter().map(|row| whole[*row].clone()).collect();
        assert_eq!(events_of(&some), expected);
    }
}

#[test]
fn only_needed_columns_and_pages_are_fetched() {
    let segment = write(&large_block(200_000), &WriteOptions::default()).unwrap();
    let reader = open(&segment);
    let bytes = |projection: &Projection, rows: Option<&RowSet>| -> u64 {
        reader.ranges(0, projection, rows, &Fetched::new()).iter().map(|range| range.end - range.start).sum()
    };
    let message =
        Projection::Some { texts: false, names: ["message".to_owned()].into(), envelopes: false, times: true };
    let all = bytes(&Projection::All, None);
    assert!(bytes(&Projection::timestamps(), None) * 4 < all);
    assert!(bytes(&message, None) < all);
    let mut rows = RowSet::none(200_000);
    assert!(reader.ranges(0, &Projection::All, Some(&rows), &Fetched::new()).is_empty());
    rows.insert(100_000);
    assert!(bytes(&message, Some(&rows)) * 2 < bytes(&message, None));
    let absent = Projection::Some { texts: false, names: ["absent".to_owned()].into(), envelopes: true, times: true };
    assert_eq!(bytes(&absent, None), bytes(&Projection::timestamps(), None));
}

#[test]
fn bytes_that_were_not_fetched_are_an_error() {
    let segment = write(&large_block(10), &WriteOptions::default()).unwrap();
    let outcome = open(&segment).read(0, &Projection::All, None, &trawl_segment::Fetched::new());
    assert!(matches!(outcome, Err(Error::NotFetched { .. })));
    let outcome = open(&segment).read(1, &Projection::All, None, &trawl_segment::Fetched::new());
    assert!(matches!(outcome, Err(Error::NoSuchRowGroup { index: 1, .. })));
}
