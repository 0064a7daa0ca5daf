//! Several segments → one, with row groups disjoint in time, a bounded part of them in memory.
//!
//! Row groups of all inputs are taken in order of their first event. What is decoded waits
//! until no row group to come can hold anything earlier; then it is written as a row group.
//! Only when events overlap so much that too much would wait is a row group written early:
//! it then overlaps the next in time, which costs skipping but nothing else.

use trawl_event::block::Projection;
use trawl_event::merge::{Merger, rows_between};
use trawl_event::{Block, RowSet};
use trawl_query::Evaluator;
use trawl_segment::{Fetched, Schema, Segment, SegmentReader, SegmentWriter, WriteOptions};
use trawl_store::ports::{Objects, SegmentRow, StoreError};

use crate::CompactError;

/// Raw bytes of events that wait before a row group is written. A decoded event takes about as
/// much memory as its raw text, and writing takes that once more.
const WAITING_RAW_BYTES: u64 = 96 * 1024 * 1024;

struct Input<'r> {
    row: &'r SegmentRow,
    reader: SegmentReader,
}

/// Merges segments of one tenant and day. `attempt` makes the result differ from any other.
pub async fn merge<O: Objects>(
    objects: &O,
    rows: &[SegmentRow],
    attempt: u128,
    options: &WriteOptions,
) -> Result<Segment, CompactError> {
    let merged = merge_without(objects, rows, attempt, options, &[]).await?;
    merged.segment.ok_or_else(|| {
        let source = format!("merge {attempt:032x} of {} segments", rows.len());
        CompactError::Segment { key: source, error: trawl_segment::Error::Empty }
    })
}

/// What is left of segments without some of their events.
#[derive(Debug)]
pub struct Without {
    /// The segment of what is left; `None` when no event is.
    pub segment: Option<Segment>,
    /// How many events were left out.
    pub removed: u64,
    /// How many of them each filter matched.
    pub matched: Vec<u64>,
}

/// As [`merge`], without the events that any of `deleted` matches.
pub async fn merge_without<O: Objects>(
    objects: &O,
    rows: &[SegmentRow],
    attempt: u128,
    options: &WriteOptions,
    deleted: &[Evaluator],
) -> Result<Without, CompactError> {
    let mut inputs = Vec::with_capacity(rows.len());
    for row in rows {
        let directory = row.footer_offset..row.footer_offset + row.directory_bytes;
        let directory = get(objects, row, &[directory]).await?.pop().unwrap_or_default();
        let reader = SegmentReader::open(&directory, row.footer_offset).map_err(|e| failed(row, e))?;
        inputs.push(Input { row, reader });
    }
    let source = format!("merge {attempt:032x} of {} segments", rows.len());
    let schema = Schema::union(inputs.iter().map(|input| &input.reader));
    let named = |error| CompactError::Segment { key: source.clone(), error };
    let options = WriteOptions { source: source.clone(), ..options.clone() };
    let mut writer = SegmentWriter::new(&options, schema).map_err(named)?;

    let mut order: Vec<(usize, usize)> = Vec::new();
    for (input, Input { reader, .. }) in inputs.iter().enumerate() {
        order.extend((0..reader.row_groups().len()).map(|row_group| (input, row_group)));
    }
    let first_of = |(input, row_group): &(usize, usize)| inputs[*input].reader.row_groups()[*row_group].first;
    order.sort_by_key(first_of);

    let mut waiting = Merger::default();
    let (mut removed, mut matched) = (0, vec![0; deleted.len()]);
    for (index, (input, row_group)) in order.iter().enumerate() {
        let Input { row, reader } = &inputs[*input];
        let block = read(objects, row, reader, *row_group).await?;
        let mut gone = RowSet::none(block.rows());
        for (evaluator, matched) in deleted.iter().zip(&mut matched) {
            let matches = evaluator.matches(&block);
            *matched += matches.count() as u64;
            gone.union(&matches);
        }
        if gone.is_empty() {
            waiting.append(&block);
        } else {
            removed += gone.count() as u64;
            gone.invert();
            waiting.append_rows(&block, &gone);
        }
        drop(block);
        let is_last = index + 1 == order.len();
        if is_last || waiting.raw_bytes() < WAITING_RAW_BYTES {
            continue;
        }
        // Nothing to come is earlier than the next row group's first event.
        let border = first_of(&order[index + 1]).0;
        let block = std::mem::take(&mut waiting).finish();
        let mut ready = rows_between(&block, i64::MIN, border);
        if ready.count() * 2 < block.rows() {
            // Hardly anything is final: write all of it rather than hold ever more.
            ready = RowSet::all(block.rows());
        }
        let mut out = Merger::default();
        out.append_rows(&block, &ready);
        ready.invert();
        waiting.append_rows(&block, &ready);
        drop(block);
        writer.push(&out.finish()).map_err(named)?;
    }
    let rest = waiting.finish();
    if !rest.is_empty() {
        writer.push(&rest).map_err(named)?;
    }
    let segment = if writer.events() > 0 { Some(writer.finish().map_err(named)?) } else { None };
    Ok(Without { segment, removed, matched })
}

pub(crate) async fn read<O: Objects>(
    objects: &O,
    row: &SegmentRow,
    reader: &SegmentReader,
    row_group: usize,
) -> Result<Block, CompactError> {
    let ranges = reader.ranges(row_group, &Projection::All, None, &Fetched::new());
    let mut fetched = Fetched::new();
    for (range, bytes) in ranges.iter().zip(get(objects, row, &ranges).await?) {
        fetched.insert(range.start, bytes);
    }
    reader.read(row_group, &Projection::All, None, &fetched).map_err(|error| failed(row, error))
}

pub(crate) async fn get<O: Objects>(
    objects: &O,
    row: &SegmentRow,
    ranges: &[std::ops::Range<u64>],
) -> Result<Vec<bytes::Bytes>, StoreError> {
    let found = objects.get_ranges(row.key.as_str(), ranges).await?;
    found.ok_or_else(|| StoreError::Permanent(format!("object {} is gone", row.key)))
}

pub(crate) fn failed(row: &SegmentRow, error: trawl_segment::Error) -> CompactError {
    CompactError::Segment { key: row.key.to_string(), error }
}
