//! Segments: directory, index, then the columns of the predicate, then the rest of the matching rows.
//!
//! What the index and the zones skip is never fetched. Granules are read in *steps*. For events in order of time a step
//! takes the granules that may hold the first of them; what was found bounds what is worth reading further, so that
//! the newest hundred matches take a few granules of each kind of event. Everything else goes through whole row groups.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use futures_util::future::{join, try_join_all};
use rayon::prelude::*;
use trawl_event::block::Projection;
use trawl_event::restore::Restorer;
use trawl_event::{Block, RowSet};
use trawl_segment::{Fetched, IndexQuery};
use trawl_store::ports::{Objects, ScanResult, SegmentRow};

use crate::evaluate::{Matches, RowGroup};
use crate::open::{Open, Placed, Store, damaged};
use crate::sink::{Candidate, Candidates, Origin, Writer};
use crate::{Job, ScanError, empty_result};

/// Granules of the first step of a search for the first events, per core; each step takes twice as many as the one
/// before. A step costs a round trip to the object store and decodes about 256 KiB of events a granule.
const FIRST_STEP_PER_CORE: usize = 4;
/// Most granules of a step: bounds what is decoded at once to 64 MiB of events, about that of a row group.
const MAX_STEP: usize = 256;
/// So few granules are one step, and the columns of the result are fetched with those of the filter: that takes a few
/// more bytes, and a round trip less.
const WHOLE_GRANULES: usize = 32;
/// Events of a result that are decoded together have about so many raw bytes: somewhat more than a result holds, so that
/// usually all are fetched in one go, and never all of many large events of which few fit.
const DECODED_RESULT_BYTES: u64 = 8 * 1024 * 1024;
/// Row groups that are decoded side by side, per core; bounds the memory of a worker.
const ROW_GROUPS_PER_CORE: usize = 1;

/// A granule that may hold matches.
#[derive(Clone, Copy)]
pub struct Granule {
    /// Which row group it is of, by its number among all of the task.
    unit: usize,
    granule: usize,
    /// No event is earlier,
    first: i64,
    /// and none later.
    last: i64,
}

/// A row group that may hold matches.
pub struct Unit {
    segment: usize,
    row_group: usize,
    /// The row of the segment where it begins.
    first_row: u32,
    /// Whether all its events lie in the time range.
    is_inside: bool,
}

/// Rows of a row group that are read together.
struct Read {
    unit: usize,
    /// `None` for all.
    rows: Option<RowSet>,
}

/// Bytes of a row group that are to be fetched.
struct Wanted {
    segment: usize,
    row_group: usize,
    ranges: Vec<Range<u64>>,
}

/// What was found among the rows of a read.
struct Found {
    unit: usize,
    matches: Matches,
}

/// Scans all segments that can be read, and names the others. What a segment gave before it turned out to be
/// damaged does not count: it is all there or left out.
pub async fn scan<O: Objects>(
    store: &Store<'_, O>,
    job: &Job<'_>,
    rows: &[SegmentRow],
    result: &mut ScanResult,
) -> Result<(), ScanError> {
    let mut rows: Vec<Placed<'_>> = rows.iter().enumerate().map(|(place, row)| (place as u32, row)).collect();
    loop {
        match scan_readable(store, job, &rows, result).await {
            Err(ScanError::Segment(unreadable)) => {
                rows.retain(|(place, _)| *place != unreadable.place);
                let mut known = std::mem::take(result).unreadable;
                known.push(unreadable);
                *result = ScanResult { unreadable: known, ..empty_result(job) };
            }
            outcome => return outcome,
        }
    }
}

async fn scan_readable<O: Objects>(
    store: &Store<'_, O>,
    job: &Job<'_>,
    rows: &[Placed<'_>],
    result: &mut ScanResult,
) -> Result<(), ScanError> {
    let query = IndexQuery::new(&job.query.evidence());
    let opened = rows.iter().map(|row| async {
        let open = store.open(*row).await?;
        let candidates = store.candidates(&open, &query).await?;
        Ok::<_, ScanError>((open, candidates))
    });
    let (mut segments, candidates): (Vec<Open<'_>>, Vec<_>) = try_join_all(opened).await?.into_iter().unzip();
    let (units, granules) = plan(job, &segments, &candidates, result);
    let mut scan = Scan { store, job, segments: &mut segments, units };
    let takes_all = result.partial.is_some() || job.is_sorted() || job.is_counting();
    if takes_all || granules.len() <= WHOLE_GRANULES {
        result.summary = job.begin_summary();
    }
    if takes_all {
        let mut candidates = Candidates::new(job);
        scan.all(&granules, &mut candidates, result).await?;
        return scan.write(candidates, result).await;
    }
    let candidates = scan.first(&granules, result).await?;
    scan.write(candidates, result).await
}

/// The row groups and granules that overlap the time range and may hold a match, in the order of the search.
pub fn plan(
    job: &Job<'_>,
    segments: &[Open<'_>],
    candidates: &[Vec<RowSet>],
    result: &mut ScanResult,
) -> (Vec<Unit>, Vec<Granule>) {
    let task = job.task;
    let (mut units, mut granules) = (Vec::new(), Vec::new());
    for (segment, (open, candidates)) in segments.iter().zip(candidates).enumerate() {
        let mut first_row = 0u32;
        for (row_group, (info, candidates)) in open.reader.row_groups().iter().zip(candidates).enumerate() {
            let unit = units.len();
            let is_inside = info.first >= task.from && info.last < task.to;
            units.push(Unit { segment, row_group, first_row, is_inside });
            first_row += info.rows as u32;
            result.granules_total += info.granules() as u64;
            if info.last < task.from || info.first >= task.to {
                continue;
            }
            let times = open.reader.granule_times(row_group);
            for granule in candidates.iter() {
                let (first, last) = times.get(granule).copied().unwrap_or((info.first.0, info.last.0));
                let overlaps = last >= task.from.0 && first < task.to.0;
                // What a search that goes on has delivered lies before `after`.
                let is_left = task.after.is_none_or(|after| match task.newest_first {
                    true => first <= after.timestamp.0,
                    false => last >= after.timestamp.0,
                });
                if overlaps && (job.is_sorted() || is_left) {
                    granules.push(Granule { unit, granule, first, last });
                }
            }
        }
    }
    if task.newest_first {
        granules.sort_by_key(|granule| Reverse(granule.last));
    } else {
        granules.sort_by_key(|granule| granule.first);
    }
    (units, granules)
}

/// A scan under way.
pub struct Scan<'s, 't, O> {
    pub store: &'s Store<'s, O>,
    pub job: &'s Job<'t>,
    pub segments: &'s mut [Open<'t>],
    pub units: Vec<Unit>,
}

impl<O: Objects> Scan<'_, '_, O> {
    /// Bytes of the columns that the filter and the result take of these granules.
    pub fn bytes_of(&self, granules: &[Granule]) -> u64 {
        let nothing = Fetched::default();
        let bytes = |Read { unit, rows }: &Read| -> u64 {
            let Unit { segment, row_group, is_inside, .. } = self.units[*unit];
            let times = if is_inside { Projection::nothing() } else { Projection::timestamps() };
            let projection = self.job.projection.clone().and(times);
            let ranges = self.segments[segment].reader.ranges(row_group, &projection, rows.as_ref(), &nothing);
            ranges.iter().map(|range| range.end - range.start).sum()
        };
        self.reads(granules, 1).iter().map(bytes).sum()
    }

    /// Reads granules in order until no further one can hold one of the first events.
    async fn first(&mut self, granules: &[Granule], result: &mut ScanResult) -> Result<Candidates, ScanError> {
        let job = self.job;
        let mut candidates = Candidates::new(job);
        let first_step = FIRST_STEP_PER_CORE * rayon::current_num_threads();
        let (mut at, mut step) = (0, if granules.len() <= WHOLE_GRANULES { WHOLE_GRANULES } else { first_step });
        while at < granules.len() {
            let next = &granules[at..granules.len().min(at + step)];
            let bound = candidates.bound(job);
            let is_wanted = |granule: &Granule| match (bound, job.task.newest_first) {
                (None, _) => true,
                (Some(bound), true) => granule.last >= bound.0,
                (Some(bound), false) => granule.first <= bound.0,
            };
            // Granules stand in order: behind the first that is not wanted none is.
            let next = &next[..next.partition_point(is_wanted)];
            if next.is_empty() {
                candidates.more = true;
                break;
            }
            let reads = self.reads(next, rayon::current_num_threads());
            let projection = if next.len() <= WHOLE_GRANULES { &Projection::All } else { &job.projection };
            self.fetch(&reads, projection).await?;
            for found in self.evaluate(&reads)? {
                let block = &found.matches.block;
                job.count(block, &RowSet::all(block.rows()), result);
                self.add(&found, &mut candidates, result);
            }
            result.granules_read += next.len() as u64;
            at += next.len();
            // Dictionaries are kept for the step to come, if it reads of the same row groups.
            let to_come = &granules[at..granules.len().min(at + step * 2)];
            for read in reads.iter().filter(|read| to_come.iter().all(|granule| granule.unit != read.unit)) {
                let Unit { segment, row_group, .. } = self.units[read.unit];
                self.segments[segment].release(row_group, false);
            }
            step = (step * 2).min(MAX_STEP);
        }
        Ok(candidates)
    }

    /// Reads all granules, row group by row group, while the bytes of the next are on their way.
    async fn all(
        &mut self,
        granules: &[Granule],
        candidates: &mut Candidates,
        result: &mut ScanResult,
    ) -> Result<(), ScanError> {
        let cores = rayon::current_num_threads();
        // Few granules are shared out among all cores; many fill whole row groups.
        let per_read = granules.len().div_ceil(cores * ROW_GROUPS_PER_CORE);
        let mut by_unit: BTreeMap<usize, Vec<Granule>> = BTreeMap::new();
        granules.iter().for_each(|granule| by_unit.entry(granule.unit).or_default().push(*granule));
        let mut steps: Vec<Vec<Read>> = Vec::new();
        for mut of_unit in by_unit.into_values() {
            of_unit.sort_by_key(|granule| granule.granule);
            for part in of_unit.chunks(per_read.max(1)) {
                let reads = self.reads(part, 1);
                match steps.last_mut() {
                    Some(step) if step.len() < cores * ROW_GROUPS_PER_CORE => step.extend(reads),
                    _ => steps.push(reads),
                }
            }
        }
        result.granules_read += granules.len() as u64;
        if let Some(step) = steps.first() {
            self.fetch(step, &self.job.projection).await?;
        }
        for (number, step) in steps.iter().enumerate() {
            let ahead = steps.get(number + 1).map_or(&[][..], Vec::as_slice);
            for found in self.evaluate_while_fetching(step, ahead).await? {
                let block = &found.matches.block;
                let all = RowSet::all(block.rows());
                self.job.count(block, &all, result);
                match &mut result.partial {
                    Some(partial) => {
                        result.events_matched += block.rows() as u64;
                        partial.add(&self.job.query, block, &all)?;
                    }
                    None if self.job.is_counting() => result.events_matched += block.rows() as u64,
                    None => self.add(&found, candidates, result),
                }
            }
            let is_done = result.partial.is_some() || self.job.is_counting();
            for read in step.iter().filter(|read| !ahead.iter().any(|next| next.unit == read.unit)) {
                let Unit { segment, row_group, .. } = self.units[read.unit];
                self.segments[segment].release(row_group, is_done);
            }
        }
        Ok(())
    }

    /// Granules by row group, cut so that there are about `parts` of them.
    fn reads(&self, granules: &[Granule], parts: usize) -> Vec<Read> {
        let mut by_unit: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        granules.iter().for_each(|granule| by_unit.entry(granule.unit).or_default().push(granule.granule));
        let per_read = granules.len().div_ceil(parts.max(1)).max(1);
        let mut reads = Vec::new();
        for (unit, mut of_unit) in by_unit {
            of_unit.sort_unstable();
            let Unit { segment, row_group, .. } = self.units[unit];
            let info = self.segments[segment].row_group(row_group);
            for part in of_unit.chunks(per_read) {
                let mut set = RowSet::none(info.granules());
                part.iter().for_each(|granule| set.insert(*granule));
                reads.push(Read { unit, rows: info.rows_of(&set) });
            }
        }
        reads
    }

    async fn fetch(&mut self, reads: &[Read], projection: &Projection) -> Result<(), ScanError> {
        let wanted = self.wanted(reads, projection);
        self.arrive(&wanted).await
    }

    /// Evaluates `reads`, whose bytes are there, once the requests for those of `ahead` are on their way.
    async fn evaluate_while_fetching(&mut self, reads: &[Read], ahead: &[Read]) -> Result<Vec<Found>, ScanError> {
        let wanted = self.wanted(ahead, &self.job.projection);
        let requests = wanted.iter().map(|wanted| self.store.get(self.segments[wanted.segment].row, &wanted.ranges));
        let (arrived, found) = join(try_join_all(requests), async { self.evaluate(reads) }).await;
        self.keep(&wanted, arrived?);
        found
    }

    /// What these reads need and is not there yet.
    fn wanted(&self, reads: &[Read], projection: &Projection) -> Vec<Wanted> {
        let wanted = |Read { unit, rows }: &Read| {
            let Unit { segment, row_group, is_inside, .. } = self.units[*unit];
            let times = if is_inside { Projection::nothing() } else { Projection::timestamps() };
            let projection = projection.clone().and(times);
            let open = &self.segments[segment];
            let ranges = open.reader.ranges(row_group, &projection, rows.as_ref(), open.fetched(row_group));
            Wanted { segment, row_group, ranges }
        };
        reads.iter().map(wanted).collect()
    }

    /// Gets what is wanted, all at once.
    async fn arrive(&mut self, wanted: &[Wanted]) -> Result<(), ScanError> {
        let requests = wanted.iter().map(|wanted| self.store.get(self.segments[wanted.segment].row, &wanted.ranges));
        let arrived = try_join_all(requests).await?;
        self.keep(wanted, arrived);
        Ok(())
    }

    fn keep(&mut self, wanted: &[Wanted], arrived: Vec<Vec<Bytes>>) {
        for (Wanted { segment, row_group, ranges }, bytes) in wanted.iter().zip(arrived) {
            self.segments[*segment].insert(*row_group, ranges, bytes);
        }
    }

    /// Decodes the columns of the predicate and filters, on all cores.
    fn evaluate(&self, reads: &[Read]) -> Result<Vec<Found>, ScanError> {
        self.job.go_on()?;
        reads.par_iter().map(|read| self.evaluate_one(read)).collect()
    }

    fn evaluate_one(&self, Read { unit, rows }: &Read) -> Result<Found, ScanError> {
        let Unit { segment, row_group, is_inside, .. } = self.units[*unit];
        let open = &self.segments[segment];
        let group = RowGroup { reader: &open.reader, number: row_group, fetched: open.fetched(row_group), is_inside };
        let matches = group.matches(self.job, rows.as_ref()).map_err(|error| damaged(open.row, error))?;
        Ok(Found { unit: *unit, matches })
    }

    fn add(&self, found: &Found, candidates: &mut Candidates, result: &mut ScanResult) {
        let Unit { segment, first_row, .. } = self.units[found.unit];
        let source = self.job.task.number << 16 | self.segments[segment].row.0;
        let Matches { block, origins } = &found.matches;
        let from = Origin { source, first_row, rows: origins.as_deref(), place: found.unit };
        result.events_matched += candidates.add(self.job, block, &RowSet::all(block.rows()), &from);
    }

    /// Reads all columns of the chosen rows and writes them in order, until the result is full.
    async fn write(&mut self, candidates: Candidates, result: &mut ScanResult) -> Result<(), ScanError> {
        if result.partial.is_some() {
            return Ok(());
        }
        let (candidates, more) = candidates.finish();
        result.more = more;
        let mut writer = Writer::new(self.job);
        let mut left = candidates.as_slice();
        while !left.is_empty() {
            let (part, rest) = left.split_at(self.decoded_at_once(left));
            if !self.write_part(part, &mut writer, result).await? {
                break;
            }
            left = rest;
        }
        Ok(())
    }

    /// How many of the first candidates are decoded together, by the average size of the events around each.
    fn decoded_at_once(&self, candidates: &[Candidate]) -> usize {
        let mut bytes = 0;
        let fitting = candidates.iter().take_while(|Candidate { place: (unit, _), .. }| {
            let Unit { segment, row_group, .. } = self.units[*unit];
            let info = self.segments[segment].row_group(row_group);
            bytes += info.raw_bytes / info.rows.max(1) as u64;
            bytes <= DECODED_RESULT_BYTES
        });
        fitting.count().max(1)
    }

    /// Whether there was room for all of them.
    async fn write_part(
        &mut self,
        candidates: &[Candidate],
        writer: &mut Writer<'_>,
        result: &mut ScanResult,
    ) -> Result<bool, ScanError> {
        let mut chosen: BTreeMap<usize, RowSet> = BTreeMap::new();
        for Candidate { place: (unit, row), .. } in candidates {
            let Unit { segment, row_group, .. } = self.units[*unit];
            let rows = self.segments[segment].row_group(row_group).rows;
            chosen.entry(*unit).or_insert_with(|| RowSet::none(rows)).insert(*row as usize);
        }
        let wanted = |(unit, rows): (&usize, &RowSet)| {
            let Unit { segment, row_group, .. } = self.units[*unit];
            let open = &self.segments[segment];
            let ranges = open.reader.ranges(row_group, &Projection::All, Some(rows), open.fetched(row_group));
            Wanted { segment, row_group, ranges }
        };
        let wanted: Vec<Wanted> = chosen.iter().map(wanted).collect();
        self.arrive(&wanted).await?;
        let blocks = chosen.par_iter().map(|(unit, rows)| {
            let Unit { segment, row_group, .. } = self.units[*unit];
            let open = &self.segments[segment];
            let block = open.reader.read(row_group, &Projection::All, Some(rows), open.fetched(row_group));
            Ok((*unit, block.map_err(|error| damaged(open.row, error))?))
        });
        let blocks = blocks.collect::<Result<BTreeMap<usize, Block>, ScanError>>()?;
        let with_rows = |(unit, block)| Some((unit, (Restorer::new(block), chosen.get(&unit)?.iter().collect())));
        let mut restorers: BTreeMap<usize, (Restorer<'_>, Vec<usize>)> =
            blocks.iter().filter_map(|(unit, block)| with_rows((*unit, block))).collect();
        for candidate in candidates {
            let (unit, row) = candidate.place;
            let Some((restorer, rows)) = restorers.get_mut(&unit) else { continue };
            // The block holds the chosen rows only, in order.
            let Ok(index) = rows.binary_search(&(row as usize)) else { continue };
            if !writer.push(candidate, restorer, index, result) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
