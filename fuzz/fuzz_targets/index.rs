//! The index never hides a match: granules that index and zones rule out hold none, whatever the events and the
//! query. A damaged index may say anything, without a panic.
//!
//! An input is a byte of choices, the query on the first line, events on the others, and behind a zero byte edits.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use trawl_event::block::Projection;
use trawl_event::{Block, RowSet};
use trawl_fuzz::block_of;
use trawl_query::{Evaluator, Query};
use trawl_segment::{Fetched, GRANULE_RAW_BYTES, IndexQuery, Segment, SegmentReader, WriteOptions, write};

/// Larger inputs only repeat what smaller ones show, slower.
const LARGEST_INPUT: usize = 4 * 1024;
/// Regexes larger than this compile for seconds under the sanitizer; they are bounded elsewhere.
const LONGEST_QUERY: usize = 512;
/// Rows of a row group, at most, and of a granule; the first byte chooses.
const ROW_GROUP_ROWS: [usize; 4] = [1, 3, 8, 1000];
const GRANULE_ROWS: [u64; 4] = [1, 2, 3, 5];
/// Bytes of an edit: where (3, little-endian), and what stands there then.
const EDIT_BYTES: usize = 4;

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first().filter(|_| data.len() <= LARGEST_INPUT) else { return };
    let mut parts = rest.splitn(2, |byte| *byte == 0);
    let text = parts.next().unwrap_or_default();
    let edits = parts.next().unwrap_or_default();
    let mut lines = text.split(|byte| *byte == b'\n');
    let query = lines.next().and_then(|line| std::str::from_utf8(line).ok()).filter(|line| line.len() <= LONGEST_QUERY);
    let Some(Ok(query)) = query.map(Query::parse) else { return };
    let noise = noise();
    let mut block = block_of(lines.chain([noise.as_bytes()]));
    let choice = usize::from(*choice);
    block.raw_bytes = block.rows() as u64 * GRANULE_RAW_BYTES / GRANULE_ROWS[choice >> 2 & 3];
    let columns_max = if choice & 16 == 0 { 1000 } else { 2 };
    let options = WriteOptions {
        row_group_rows: ROW_GROUP_ROWS[choice & 3],
        row_group_bytes: u64::MAX,
        columns_max,
        ..WriteOptions::default()
    };
    let segment = write(&block, &options).expect("a block of events can be written");
    nothing_is_hidden(&segment, &query);
    if !edits.is_empty() {
        damaged(&segment, &query, edits);
    }
});

/// An event that takes room and has neither words nor pieces of text: so few others would have no index beside it,
/// which would be too large for them.
fn noise() -> String {
    let number = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_string();
    format!(r#"{{"timestamp":0,"noise":[{}]}}"#, (1..500).map(number).collect::<Vec<_>>().join(","))
}

fn open(segment: &Segment, object: &Bytes) -> Option<SegmentReader> {
    SegmentReader::open(&object[segment.footer_offset as usize..], segment.footer_offset).ok()
}

/// The granules that are left, from no more than the bytes that are asked for.
fn candidates(reader: &SegmentReader, object: &Bytes, query: &Query) -> Option<Vec<RowSet>> {
    let index = IndexQuery::new(&query.evidence());
    let part = |range: std::ops::Range<u64>| {
        let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
        (start <= end && end <= object.len()).then(|| (range.start, object.slice(start..end)))
    };
    let fetched: Fetched = reader.index_ranges(&index).into_iter().filter_map(part).collect();
    reader.candidates(&index, &fetched).ok()
}

fn nothing_is_hidden(segment: &Segment, query: &Query) {
    let reader = open(segment, &segment.bytes).expect("a segment just written can be opened");
    let found = candidates(&reader, &segment.bytes, query).expect("an index just written can be asked");
    let Ok(evaluator) = Evaluator::new(query) else { return };
    let whole = Fetched::whole(segment.bytes.clone());
    assert_eq!(found.len(), reader.row_groups().len());
    for (number, (info, granules)) in reader.row_groups().iter().zip(&found).enumerate() {
        let block = reader.read(number, &Projection::All, None, &whole).expect("a segment just written can be read");
        times_are_bounded(&reader, number, &block);
        let mut matches = evaluator.matches(&block);
        let evidence = query.evidence();
        assert!(matches.is_empty() || segment.zones.may_hold(&evidence), "{query}: {:?}", segment.zones);
        if let Some(rows) = info.rows_of(granules) {
            matches.subtract(&rows);
            assert!(matches.is_empty(), "{query} hides a match: {evidence:?}");
        }
    }
}

fn times_are_bounded(reader: &SegmentReader, number: usize, block: &Block) {
    let info = reader.row_groups()[number];
    let times = reader.granule_times(number);
    assert_eq!(times.len(), info.granules());
    for (granule, (first, last)) in times.iter().enumerate() {
        let inside = |time: &i64| (first..=last).contains(&time);
        assert!(block.timestamps[info.granule(granule)].iter().all(inside), "times of granule {granule}");
    }
}

/// Overwrites bytes of the index and the directory.
fn damaged(segment: &Segment, query: &Query, edits: &[u8]) {
    let mut object = segment.bytes.to_vec();
    let end = (segment.footer_offset + segment.directory_bytes) as usize;
    let start = end - segment.index_bytes as usize;
    for edit in edits.chunks_exact(EDIT_BYTES) {
        let at = u32::from_le_bytes([edit[0], edit[1], edit[2], 0]) as usize;
        object[start + at % (end - start)] = edit[3];
    }
    let object = Bytes::from(object);
    let Some(reader) = open(segment, &object) else { return };
    let Some(found) = candidates(&reader, &object, query) else { return };
    for (info, granules) in reader.row_groups().iter().zip(&found) {
        assert_eq!(granules.rows(), info.granules());
    }
}
