//! Other readers see a plain Parquet file: the events through the `parquet` crate's own reader.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;

use common::{block_of, events};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use parquet::record::Field;
use proptest::prelude::*;
use trawl_event::{Block, Values};
use trawl_segment::{Segment, WriteOptions, write};

fn open(segment: &Segment) -> SerializedFileReader<bytes::Bytes> {
    let options = ReadOptionsBuilder::new().with_page_index().build();
    SerializedFileReader::new_with_options(segment.bytes.clone(), options).unwrap()
}

/// The value of a column of one name in a row, as Parquet gives it.
fn value(values: &Values, index: usize) -> Field {
    match values {
        Values::Text(texts) | Values::Json(texts) => Field::Str(texts.get(index).to_owned()),
        Values::Int(values) => Field::Long(values[index]),
        Values::Float(values) => Field::Double(values[index]),
        Values::Bool(values) => Field::Bool(values[index]),
    }
}

/// The values of each row by column, those that are null left out; times in the column `timestamp`.
fn rows_of(block: &Block) -> Vec<BTreeMap<String, String>> {
    let time = |time: &i64| [("timestamp".to_owned(), format!("{time}"))].into();
    let mut rows: Vec<BTreeMap<String, String>> = block.timestamps.iter().map(time).collect();
    for column in &block.columns {
        for (index, row) in column.rows.iter().enumerate() {
            rows[*row as usize].insert(column.path.name(), format!("{:?}", value(&column.values, index)));
        }
    }
    rows
}

fn rows_in(reader: &SerializedFileReader<bytes::Bytes>) -> Vec<BTreeMap<String, String>> {
    let mut rows = Vec::new();
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let mut fields = BTreeMap::new();
        for (name, field) in row.get_column_iter() {
            match field {
                Field::Null => {}
                Field::Long(time) if name == "timestamp" => drop(fields.insert(name.clone(), format!("{time}"))),
                field => drop(fields.insert(name.clone(), format!("{field:?}"))),
            }
        }
        rows.push(fields);
    }
    rows
}

/// Every column of these events has one type and a name of its own, so that nothing goes into `_rest`.
fn block() -> Block {
    let lines = (0..6000i64).map(|n| {
        let level = ["INFO", "WARN", "ERROR"][n as usize % 3];
        let id = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let rare = if n % 700 == 5 { format!(r#","rare":[{n},"x"]"#) } else { String::new() };
        format!(
            r#"{{"timestamp":{},"service":"svc-{}","level":"{level}","message":"took {n} ms for {id:x} {id:b}","n":{n},"f":{}.5,"ok":{}{rare}}}"#,
            1_772_409_600_000_000_000 + n * 1_000_000,
            n % 7,
            n,
            n % 2 == 0,
        )
    });
    let rule = trawl_event::shred::TimeRule {
        received: trawl_event::Timestamp(0),
        oldest: trawl_event::Timestamp::MIN,
        latest: trawl_event::Timestamp::MAX,
    };
    let mut shredder = trawl_event::shred::Shredder::default();
    lines.for_each(|line| shredder.push(line.as_bytes(), &rule).unwrap());
    shredder.finish()
}

#[test]
fn every_value_stands_in_its_column() {
    let mut block = block();
    block.raw_bytes = 8 << 20;
    let segment = write(&block, &WriteOptions { row_group_rows: 2000, ..WriteOptions::compaction() }).unwrap();
    let reader = open(&segment);
    let (mut expected, mut found) = (rows_of(&block), rows_in(&reader));
    found.iter_mut().for_each(|row| drop(row.remove("_envelope")));
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let metadata = reader.metadata();
    assert!(metadata.num_row_groups() >= 3);
    for row_group in 0..metadata.num_row_groups() {
        let index = metadata.page_index_for_row_group(row_group);
        let message =
            metadata.row_group(row_group).columns().iter().position(|c| c.column_path().string() == "message");
        assert!(index.page_locations(message.unwrap()).unwrap().len() > 1, "messages of many granules take many pages");
    }
}

proptest! {
    #[test]
    fn any_events_make_a_file_that_reads(events in events(1..30), columns_max in prop::sample::select(vec![0, 2, 1000])) {
        let block = block_of(&events);
        let segment = write(&block, &WriteOptions { columns_max, row_group_rows: 7, ..WriteOptions::default() }).unwrap();
        let rows = rows_in(&open(&segment));
        let mut times: Vec<String> = rows.into_iter().map(|mut row| row.remove("timestamp").unwrap()).collect();
        let mut expected: Vec<String> = block.timestamps.iter().map(|time| time.to_string()).collect();
        times.sort();
        expected.sort();
        prop_assert_eq!(times, expected);
    }
}
