//! Arbitrary blocks, and what a block says of each of its events.
#![allow(dead_code)]

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use trawl_event::block::{Envelope, Projection};
use trawl_event::timestamp::{Epoch, Rfc3339, Spelling, Zone};
use trawl_event::{Block, Column, Kind, Path, RowSet, Values};
use trawl_segment::{Fetched, Segment, SegmentReader};

/// A value with the kind of its column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    Text(String),
    Int(i64),
    /// The bits of an `f64`.
    Float(u64),
    Bool(bool),
    Json(String),
}

/// An event as a block has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub timestamp: i64,
    pub envelope: Envelope,
    pub fields: BTreeMap<(Path, Kind), Cell>,
}

/// An attribute or an object of them.
#[derive(Clone, Debug)]
enum Tree {
    Leaf(Kind, Cell),
    Object(BTreeMap<String, Tree>),
}

fn key() -> impl Strategy<Value = String> {
    let known = [
        "",
        ".",
        "a",
        "b",
        "A",
        "a.b",
        "b.",
        "x\u{0}y",
        "é\n",
        "message",
        "service",
        "level",
        "trace_id",
        "timestamp",
        "_rest",
        "_envelope",
    ];
    prop::sample::select(known.to_vec()).prop_map(str::to_owned)
}

fn cell() -> impl Strategy<Value = (Kind, Cell)> {
    let text = prop_oneof![Just(String::new()), "[a-z0-9 \u{0}\"\\\\é🦀]{0,12}", "[a-c]{30,80}"];
    let floats = prop_oneof![
        any::<f64>(),
        prop::sample::select(vec![0.0, -0.0, 5.0, 1e300, f64::MIN_POSITIVE, 5e-324, f64::MAX])
    ];
    let json =
        prop::sample::select(vec!["null", "{}", "[]", "[ 1,{\"a\":[]}]", "-0", "1.50", "12345678901234567890", "1E5"]);
    prop_oneof![
        text.prop_map(|text| (Kind::Text, Cell::Text(text))),
        prop_oneof![any::<i64>(), 0i64..5].prop_map(|value| (Kind::Int, Cell::Int(value))),
        floats
            .prop_filter("JSON has no other numbers", |value| value.is_finite())
            .prop_map(|value| (Kind::Float, Cell::Float(value.to_bits()))),
        any::<bool>().prop_map(|value| (Kind::Bool, Cell::Bool(value))),
        json.prop_map(|text| (Kind::Json, Cell::Json(text.to_owned()))),
    ]
}

fn tree() -> impl Strategy<Value = BTreeMap<String, Tree>> {
    let leaf = cell().prop_map(|(kind, cell)| Tree::Leaf(kind, cell));
    let value =
        leaf.prop_recursive(3, 12, 4, |inner| prop::collection::btree_map(key(), inner, 1..4).prop_map(Tree::Object));
    prop::collection::btree_map(key(), value, 0..6)
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let spelling = prop_oneof![
        Just(Spelling::default()),
        Just(Spelling::Absent),
        Just(Spelling::Epoch(Epoch { unit_ns: 1_000_000, fraction_digits: 3, quoted: true })),
        Just(Spelling::Rfc3339(Rfc3339 { separator: b' ', fraction_digits: 9, zone: Zone::Offset(-90) })),
        Just(Spelling::Literal("\"2016-12-31t23:59:60Z\"".into())),
    ];
    let alias = || prop::option::of(prop::collection::vec(key(), 1..3).prop_map(Path::new));
    let unusual = (prop::collection::vec(key(), 1..3), spelling, alias(), alias(), alias()).prop_map(
        |(path, timestamp_spelling, service_alias, level_alias, message_alias)| Envelope {
            timestamp_path: Path::new(path),
            timestamp_spelling,
            service_alias,
            level_alias,
            message_alias,
        },
    );
    prop_oneof![Just(Envelope::default()), unusual]
}

fn flatten(object: BTreeMap<String, Tree>, above: &[String], fields: &mut BTreeMap<(Path, Kind), Cell>) {
    for (key, tree) in object {
        let keys: Vec<String> = above.iter().cloned().chain([key]).collect();
        match tree {
            Tree::Leaf(kind, cell) => drop(fields.insert((Path::new(keys), kind), cell)),
            Tree::Object(object) => flatten(object, &keys, fields),
        }
    }
}

/// Any events.
pub fn events(count: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<Event>> {
    let time = prop_oneof![any::<i64>(), (0i64..50).prop_map(|ms| 1_700_000_000_000_000_000 + ms * 1_000_000)];
    let event = (time, envelope(), tree()).prop_map(|(timestamp, envelope, tree)| {
        let mut fields = BTreeMap::new();
        flatten(tree, &[], &mut fields);
        Event { timestamp, envelope, fields }
    });
    prop::collection::vec(event, count)
}

/// The block of these events.
pub fn block_of(events: &[Event]) -> Block {
    let mut block = Block { raw_bytes: events.len() as u64 * 100 + 7, ..Block::default() };
    let mut index: HashMap<(Path, Kind), usize> = HashMap::new();
    for (row, event) in events.iter().enumerate() {
        block.timestamps.push(event.timestamp);
        block.envelope_codes.push(row as u32);
        block.envelopes.push(event.envelope.clone());
        for ((path, kind), cell) in &event.fields {
            let at = *index.entry((path.clone(), *kind)).or_insert_with(|| {
                block.columns.push(Column::new(path.clone(), *kind));
                block.columns.len() - 1
            });
            let column = &mut block.columns[at];
            column.rows.push(row as u32);
            match (&mut column.values, cell) {
                (Values::Text(texts), Cell::Text(text)) | (Values::Json(texts), Cell::Json(text)) => texts.push(text),
                (Values::Int(values), Cell::Int(value)) => values.push(*value),
                (Values::Float(values), Cell::Float(bits)) => values.push(f64::from_bits(*bits)),
                (Values::Bool(values), Cell::Bool(value)) => values.push(*value),
                _ => unreachable!("a cell has its column's kind"),
            }
        }
    }
    block
}

/// The events of a block.
pub fn events_of(block: &Block) -> Vec<Event> {
    assert_eq!(block.envelope_codes.len(), block.rows());
    let mut events: Vec<Event> = (0..block.rows())
        .map(|row| Event {
            timestamp: block.timestamps[row],
            envelope: block.envelope(row).clone(),
            fields: BTreeMap::new(),
        })
        .collect();
    for column in &block.columns {
        assert_eq!(column.rows.len(), column.values.len());
        assert!(column.rows.is_sorted_by(|one, other| one < other));
        for (index, row) in column.rows.iter().enumerate() {
            let cell = match &column.values {
                Values::Text(texts) => Cell::Text(texts.get(index).to_owned()),
                Values::Int(values) => Cell::Int(values[index]),
                Values::Float(values) => Cell::Float(values[index].to_bits()),
                Values::Bool(values) => Cell::Bool(values[index]),
                Values::Json(texts) => Cell::Json(texts.get(index).to_owned()),
            };
            let key = (column.path.clone(), column.values.kind());
            assert!(events[*row as usize].fields.insert(key, cell).is_none());
        }
    }
    events
}

/// Events without their order.
pub fn unordered(events: &[Event]) -> Vec<String> {
    let mut events: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
    events.sort();
    events
}

/// Opens a segment as a reader far away does, with its tail alone.
pub fn open(segment: &Segment) -> SegmentReader {
    let directory = &segment.bytes[segment.footer_offset as usize..][..segment.directory_bytes as usize];
    SegmentReader::open(directory, segment.footer_offset).unwrap()
}

/// Reads with no more than the ranges that the reader asked for.
pub fn read(
    reader: &SegmentReader,
    segment: &Segment,
    row_group: usize,
    projection: &Projection,
    rows: Option<&RowSet>,
) -> Block {
    let ranges = reader.ranges(row_group, projection, rows, &Fetched::new());
    let slice = |range: std::ops::Range<u64>| segment.bytes.slice(range.start as usize..range.end as usize);
    let fetched: Fetched = ranges.into_iter().map(|range| (range.start, slice(range))).collect();
    reader.read(row_group, projection, rows, &fetched).unwrap()
}

/// The events of all row groups.
pub fn read_all(segment: &Segment) -> Vec<Event> {
    let reader = open(segment);
    (0..reader.row_groups().len())
        .flat_map(|row_group| events_of(&read(&reader, segment, row_group, &Projection::All, None)))
        .collect()
}
