//! Segments: footer, index, pruning, the columns of the predicate, then the rest of the matching rows.
//!
//! What the index skips is never fetched; of a row group that is left, only the pages that hold rows of
//! candidate granules are.

use std::fmt::Display;
use std::ops::Range;

use bytes::Bytes;
use rayon::prelude::*;
use trawl_event::block::Projection;
use trawl_event::merge::rows_between;
use trawl_event::restore::Restorer;
use trawl_event::{Block, RowSet, Timestamp};
use trawl_query::Partial;
use trawl_segment::{Candidates as Granules, Fetched, IndexQuery, SegmentReader};
use trawl_store::ports::{Objects, ScanResult, SegmentRow, StoreError, Unreadable};

use crate::sink::{Candidate, Candidates, Origin, Writer};
use crate::{Job, ScanError};

/// Objects up to this size are read whole in one request: at 90 MB/s per connection and 30 ms to
/// the first byte, a second request costs as much as 2.7 MB.
const WHOLE_OBJECT_BYTES: u64 = 2 * 1024 * 1024;
/// Row groups decoded side by side; bounds the memory of a worker.
const ROW_GROUPS_AT_ONCE: usize = 2;

/// A segment and its place among those of the task.
type Placed<'t> = (u32, &'t SegmentRow);

/// A segment whose footer has been read.
struct Open<'t> {
    row: Placed<'t>,
    reader: SegmentReader,
    /// The object, if it was small enough to be read at once.
    whole: Option<Bytes>,
    /// By row group, what may hold a match.
    candidates: Vec<Granules>,
    source: u32,
}

/// A row group that may hold matches.
struct Unit {
    segment: usize,
    row_group: usize,
    first: Timestamp,
    last: Timestamp,
    /// The row of the segment where the row group begins.
    first_row: u32,
}

/// Scans all segments that can be read, and names the others. What a segment gave before it turned out to be
/// damaged does not count: it is all there or left out.
pub async fn scan<O: Objects>(
    objects: &O,
    job: &Job<'_>,
    rows: &[SegmentRow],
    result: &mut ScanResult,
) -> Result<(), ScanError> {
    let mut rows: Vec<Placed<'_>> = rows.iter().enumerate().map(|(place, row)| (place as u32, row)).collect();
    loop {
        match scan_readable(objects, job, &rows, result).await {
            Err(ScanError::Segment(unreadable)) => {
                rows.retain(|(place, _)| *place != unreadable.place);
                let ScanResult { gets, bytes_read, unreadable: mut known, .. } = std::mem::take(result);
                known.push(unreadable);
                let partial = Partial::new(&job.query);
                *result = ScanResult { partial, gets, bytes_read, unreadable: known, ..ScanResult::default() };
            }
            outcome => return outcome,
        }
    }
}

async fn scan_readable<O: Objects>(
    objects: &O,
    job: &Job<'_>,
    rows: &[Placed<'_>],
    result: &mut ScanResult,
) -> Result<(), ScanError> {
    let query = IndexQuery::new(&job.query.evidence());
    let mut segments = Vec::with_capacity(rows.len());
    for row in rows {
        segments.push(open(objects, job, *row, &query, result).await?);
    }
    let units = plan(job, &segments, result);
    let mut candidates = Candidates::new(job);
    for chunk in units.chunks(ROW_GROUPS_AT_ONCE) {
        let chunk: Vec<&Unit> = match candidates.bound(job) {
            Some(bound) => chunk.iter().filter(|unit| begins_by(job, unit, bound)).collect(),
            None => chunk.iter().collect(),
        };
        if chunk.is_empty() {
            // Units come in order of time: what is left lies beyond the bound as well.
            candidates.more = true;
            break;
        }
        for Found { unit, block, rows, origins } in evaluate(objects, job, &segments, &chunk, result).await? {
            match &mut result.partial {
                Some(partial) => {
                    result.events_matched += rows.count() as u64;
                    partial.add(&job.query, &block, &rows)?;
                }
                None => {
                    let place = units.iter().position(|other| std::ptr::eq(other, unit)).unwrap_or_default();
                    let from = Origin {
                        source: segments[unit.segment].source,
                        first_row: unit.first_row,
                        rows: origins.as_deref(),
                        place,
                    };
                    result.events_matched += candidates.add(job, &block, &rows, &from);
                }
            }
        }
    }
    if result.partial.is_none() {
        let (candidates, more) = candidates.finish();
        result.more = more;
        write(objects, job, &segments, &units, &candidates, result).await?;
    }
    Ok(())
}

/// Reads the footer of a segment.
pub async fn footer<O: Objects>(
    objects: &O,
    row: Placed<'_>,
    result: &mut ScanResult,
) -> Result<SegmentReader, ScanError> {
    let SegmentRow { footer_offset, size_bytes, .. } = *row.1;
    let bytes = get(objects, row, &[footer_offset..size_bytes], result).await?.pop().unwrap_or_default();
    SegmentReader::open(bytes, footer_offset, size_bytes).map_err(|error| damaged(row, error))
}

async fn open<'t, O: Objects>(
    objects: &O,
    job: &Job<'_>,
    row: Placed<'t>,
    query: &IndexQuery,
    result: &mut ScanResult,
) -> Result<Open<'t>, ScanError> {
    let SegmentRow { footer_offset, size_bytes, .. } = *row.1;
    let is_small = size_bytes <= WHOLE_OBJECT_BYTES;
    let start = if is_small { 0 } else { footer_offset };
    let end = start..size_bytes;
    let bytes = get(objects, row, std::slice::from_ref(&end), result).await?.pop().unwrap_or_default();
    let footer = if is_small { bytes.slice(footer_offset as usize..) } else { bytes.clone() };
    let reader = SegmentReader::open(footer, footer_offset, size_bytes).map_err(|error| damaged(row, error))?;
    let whole = is_small.then_some(bytes);
    let fetched = fetch(objects, row, whole.as_ref(), reader.index_ranges(query), result).await?;
    let candidates = reader.candidates(query, &fetched).map_err(|error| damaged(row, error))?;
    let source = job.task.number << 16 | row.0;
    Ok(Open { row, reader, whole, candidates, source })
}

fn damaged((place, row): Placed<'_>, error: impl Display) -> ScanError {
    ScanError::Segment(Unreadable { place, reason: format!("segment {} cannot be read: {error}", row.key) })
}

async fn get<O: Objects>(
    objects: &O,
    row: Placed<'_>,
    ranges: &[Range<u64>],
    result: &mut ScanResult,
) -> Result<Vec<Bytes>, ScanError> {
    result.gets += ranges.len() as u64;
    result.bytes_read += ranges.iter().map(|range| range.end - range.start).sum::<u64>();
    match objects.get_ranges(row.1.key.as_str(), ranges).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(damaged(row, "the object is gone")),
        Err(StoreError::Permanent(reason)) => Err(damaged(row, reason)),
        Err(error) => Err(error.into()),
    }
}

/// The row groups that overlap the time range, in the order of the search.
fn plan(job: &Job<'_>, segments: &[Open<'_>], result: &mut ScanResult) -> Vec<Unit> {
    let task = job.task;
    let mut units = Vec::new();
    for (segment, open) in segments.iter().enumerate() {
        let mut first_row = 0u32;
        for (row_group, group) in open.reader.row_groups().iter().enumerate() {
            let unit = Unit { segment, row_group, first: group.first, last: group.last, first_row };
            first_row += group.rows as u32;
            result.granules_total += open.reader.granules(row_group);
            let overlaps = unit.last >= task.from && unit.first < task.to;
            let may_match = open.candidates.get(row_group).is_some_and(|found| found.granules > 0);
            let is_left = task.after.is_none_or(|after| goes_on_behind(job, &unit, after.timestamp));
            if overlaps && may_match && (job.is_sorted() || is_left) {
                units.push(unit);
            }
        }
    }
    if task.newest_first {
        units.sort_by_key(|unit| std::cmp::Reverse(unit.last));
    } else {
        units.sort_by_key(|unit| unit.first);
    }
    units
}

/// Whether a unit may hold events that come no later than `bound` in the order of the search.
fn begins_by(job: &Job<'_>, unit: &Unit, bound: Timestamp) -> bool {
    if job.task.newest_first { unit.last >= bound } else { unit.first <= bound }
}

/// Whether a unit may hold events that come no earlier than `after` in the order of the search.
fn goes_on_behind(job: &Job<'_>, unit: &Unit, after: Timestamp) -> bool {
    if job.task.newest_first { unit.first <= after } else { unit.last >= after }
}

/// What was found in a row group.
struct Found<'u> {
    unit: &'u Unit,
    /// The rows of candidate granules.
    block: Block,
    /// Those that match.
    rows: RowSet,
    /// The row of the row group that each row of the block is; `None` when it is the same.
    origins: Option<Vec<u32>>,
}

/// Decodes the predicate's columns of the candidate granules of some row groups and filters them, on all cores.
async fn evaluate<'u, O: Objects>(
    objects: &O,
    job: &Job<'_>,
    segments: &[Open<'_>],
    units: &[&'u Unit],
    result: &mut ScanResult,
) -> Result<Vec<Found<'u>>, ScanError> {
    let projection = job.query.projection();
    let mut inputs = Vec::with_capacity(units.len());
    for unit in units {
        let open = &segments[unit.segment];
        let granules = &open.candidates[unit.row_group];
        let ranges = open.reader.ranges(unit.row_group, &projection, granules.rows.as_ref());
        let fetched = fetch(objects, open.row, open.whole.as_ref(), ranges, result).await?;
        result.granules_read += granules.granules;
        inputs.push((*unit, open, granules.rows.as_ref(), fetched));
    }
    let read = inputs.into_par_iter().map(|(unit, open, granules, fetched)| {
        let block = open.reader.read(unit.row_group, &projection, granules, &fetched);
        let block = block.map_err(|error| damaged(open.row, error))?;
        let mut rows = rows_between(&block, job.task.from.0, job.task.to.0);
        if !rows.is_empty() {
            rows.intersect(&job.evaluator.matches(&block));
        }
        let origins = granules.map(|granules| granules.iter().map(|row| row as u32).collect());
        Ok(Found { unit, block, rows, origins })
    });
    read.collect()
}

/// Gets these ranges of an object, unless all of it is there.
async fn fetch<O: Objects>(
    objects: &O,
    row: Placed<'_>,
    whole: Option<&Bytes>,
    ranges: Vec<Range<u64>>,
    result: &mut ScanResult,
) -> Result<Fetched, ScanError> {
    if let Some(whole) = whole {
        return Ok(Fetched::whole(whole.clone()));
    }
    if ranges.is_empty() {
        return Ok(Fetched::new());
    }
    let found = get(objects, row, &ranges, result).await?;
    Ok(ranges.iter().map(|range| range.start).zip(found).collect())
}

/// Reads all columns of the chosen rows, row group by row group, and writes them in order.
async fn write<O: Objects>(
    objects: &O,
    job: &Job<'_>,
    segments: &[Open<'_>],
    units: &[Unit],
    candidates: &[Candidate],
    result: &mut ScanResult,
) -> Result<(), ScanError> {
    let mut blocks: Vec<Option<(Block, RowSet)>> = Vec::with_capacity(units.len());
    for (place, unit) in units.iter().enumerate() {
        let open = &segments[unit.segment];
        let mut rows = RowSet::none(open.reader.row_groups()[unit.row_group].rows);
        candidates.iter().filter(|c| c.place.0 == place).for_each(|c| rows.insert(c.place.1 as usize));
        if rows.is_empty() {
            blocks.push(None);
            continue;
        }
        let ranges = open.reader.ranges(unit.row_group, &Projection::All, Some(&rows));
        let fetched = fetch(objects, open.row, open.whole.as_ref(), ranges, result).await?;
        let block = open.reader.read(unit.row_group, &Projection::All, Some(&rows), &fetched);
        blocks.push(Some((block.map_err(|error| damaged(open.row, error))?, rows)));
    }
    let mut restorers: Vec<Option<(Restorer<'_>, Vec<usize>)>> = blocks
        .iter()
        .map(|block| block.as_ref().map(|(block, rows)| (Restorer::new(block), rows.iter().collect())))
        .collect();
    let mut writer = Writer::new(job);
    for candidate in candidates {
        let (place, row) = candidate.place;
        let Some((restorer, rows)) = &mut restorers[place] else { continue };
        // The block holds the chosen rows only, in order.
        let Ok(index) = rows.binary_search(&(row as usize)) else { continue };
        if !writer.push(candidate, restorer, index, result) {
            break;
        }
    }
    Ok(())
}
