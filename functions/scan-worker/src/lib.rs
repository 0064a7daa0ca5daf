//! The scan-worker stage: one task of a search → matching events or a partial aggregate.
//!
//! * [`segments`]: only the granules and columns that can matter; [`evaluate`]: the filter over them, in stages;
//!   [`open`]: their directories and bytes, [`readers`]: directories that are remembered
//! * [`tail`]: records that are in no segment yet, through the very same evaluator
//! * [`fields`]: which fields occur, from directories alone
//! * [`extent`]: how much a query would read
//! * [`sink`]: keeps the first `limit` matches in the order of the search
//!
//! A task reads what it names and nothing else, so running it again gives the same result.

mod evaluate;
mod extent;
mod fields;
mod open;
mod readers;
mod segments;
mod sink;
mod tail;

use open::{Meter, Store};
use readers::Readers;
use tail::Range;
use trawl_event::block::Projection;
use trawl_event::{Block, RowSet};
use trawl_query::{Evaluator, Output, Partial, Query, QueryError, Stop, Summary, SummarySpec};
use trawl_store::ports::{Catalog, Clock, Objects, ScanResult, ScanTask, Source, StoreError, Stream, Unreadable, Want};

/// Most bytes of events in one result: a Lambda response carries 6 MB of JSON, in which the quotes
/// of an event are escaped once more.
pub const RESULT_BYTES: usize = 3_500_000;
/// Bytes of stream records read at once.
const READ_BYTES: usize = 8 * 1024 * 1024;
/// Most values of one field in the counts of one result.
const SENT_VALUES: usize = 2000;
/// Most events in one result.
pub const RESULT_EVENTS: usize = 10_000;

/// The stage, over its ports.
pub struct ScanWorker<S, O, K, C> {
    stream: S,
    objects: O,
    catalog: K,
    clock: C,
    readers: Readers,
}

/// Why a task failed.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A port failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A segment is not what was written, or gone.
    #[error("{}", .0.reason)]
    Segment(Unreadable),
    /// The query cannot be answered.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl From<ScanError> for StoreError {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Store(error) => error,
            other => Self::Permanent(other.to_string()),
        }
    }
}

/// A task with its query compiled.
struct Job<'t> {
    task: &'t ScanTask,
    query: Query,
    evaluator: Evaluator,
    output: Output,
    /// The columns that the filter and the result need, where the time range takes none.
    projection: Projection,
    /// The columns that the result needs of the matches.
    result_projection: Projection,
    /// What to count beside the events.
    summary: Option<SummarySpec>,
    /// Set when nobody waits for the result any more.
    stop: Stop,
}

impl Job<'_> {
    /// Most events of the result.
    fn limit(&self) -> usize {
        self.task.limit.min(RESULT_EVENTS)
    }

    /// An error once nobody waits any more.
    fn go_on(&self) -> Result<(), StoreError> {
        if self.stop.is_set() { Err(StoreError::Transient("the search was given up".into())) } else { Ok(()) }
    }

    /// Whether all matches are only counted.
    fn is_counting(&self) -> bool {
        self.task.want == Want::Counts
    }

    /// Begins to count beside the events. A task that goes on behind an event does not see all matches.
    fn begin_summary(&self) -> Option<Summary> {
        self.summary.as_ref().filter(|_| self.task.after.is_none()).map(Summary::new)
    }

    /// Adds matches to what is counted, if anything is.
    fn count(&self, block: &Block, rows: &RowSet, result: &mut ScanResult) {
        if let (Some(spec), Some(summary)) = (&self.summary, &mut result.summary) {
            summary.add(spec, block, rows);
        }
    }

    /// Whether events are asked for in the order of a `sort` pipe.
    fn is_sorted(&self) -> bool {
        matches!(self.output, Output::Events { sort: Some(_), .. })
    }
}

impl<S: Stream, O: Objects, K: Catalog, C: Clock> ScanWorker<S, O, K, C> {
    /// A worker that reads from these.
    pub fn new(stream: S, objects: O, catalog: K, clock: C) -> Self {
        Self { stream, objects, catalog, clock, readers: Readers::new() }
    }

    /// Runs a task. A query that cannot be answered is a result too: no other try would do better.
    pub async fn run(&self, task: &ScanTask) -> Result<ScanResult, ScanError> {
        self.run_until(task, &Stop::never()).await
    }

    /// As [`Self::run`], giving up soon after `stop` is set.
    pub async fn run_until(&self, task: &ScanTask, stop: &Stop) -> Result<ScanResult, ScanError> {
        let outcome = match task.want {
            Want::Matches | Want::Counts => self.scan(task, stop).await,
            Want::Extent => self.extent(task).await,
            Want::Fields => self.fields(task).await,
        };
        match outcome {
            Err(ScanError::Query(error)) => Ok(ScanResult { query_error: Some(error), ..ScanResult::default() }),
            outcome => outcome,
        }
    }

    async fn fields(&self, task: &ScanTask) -> Result<ScanResult, ScanError> {
        let meter = Meter::default();
        let mut result = fields::list(&self.stream, &self.store(&meter), task).await?;
        (result.gets, result.bytes_read) = meter.read();
        Ok(result)
    }

    async fn extent(&self, task: &ScanTask) -> Result<ScanResult, ScanError> {
        let (job, meter) = (job(task)?, Meter::default());
        let mut result = ScanResult::default();
        if let Source::Segments(rows) = &task.source {
            extent::measure(&self.store(&meter), &job, rows, &mut result).await?;
        }
        (result.gets, result.bytes_read) = meter.read();
        Ok(result)
    }

    fn store<'s>(&'s self, meter: &'s Meter) -> Store<'s, O> {
        Store { objects: &self.objects, readers: &self.readers, meter }
    }

    async fn scan(&self, task: &ScanTask, stop: &Stop) -> Result<ScanResult, ScanError> {
        let started = self.clock.now();
        let mut job = job(task)?;
        job.evaluator = job.evaluator.until(stop.clone());
        job.stop = stop.clone();
        let mut result = empty_result(&job);
        match &task.source {
            Source::Segments(rows) => {
                let meter = Meter::default();
                segments::scan(&self.store(&meter), &job, rows, &mut result).await?;
                (result.gets, result.bytes_read) = meter.read();
            }
            Source::Tail { shard, after, upto, ends } => {
                let range = Range { shard, after: *after, upto: *upto, ends };
                tail::scan(&self.stream, &self.catalog, &job, range, &mut result).await?;
            }
        }
        // Nobody waits for it, and it may not be right.
        job.go_on()?;
        if let Some(summary) = &mut result.summary {
            summary.shrink(SENT_VALUES);
        }
        // Begun milliseconds count whole, as Lambda bills them.
        result.duration_ms = self.clock.now().0.saturating_sub(started.0).max(0).unsigned_abs().div_ceil(1_000_000);
        Ok(result)
    }
}

/// A task with its query compiled.
fn job(task: &ScanTask) -> Result<Job<'_>, ScanError> {
    let query = Query::parse(&task.query)?.without(&task.without)?;
    // Who wants the counts alone needs no times but for those.
    let result = if task.want == Want::Counts { Projection::nothing() } else { query.result_projection() };
    let counted = task.summary.as_ref().map_or_else(Projection::nothing, SummarySpec::projection);
    let result_projection = result.and(counted);
    Ok(Job {
        task,
        evaluator: Evaluator::new(&query)?,
        output: query.output(),
        projection: query.projection().and(result_projection.clone()),
        result_projection,
        summary: task.summary.clone(),
        stop: Stop::never(),
        query,
    })
}

/// The result before anything was found.
fn empty_result(job: &Job<'_>) -> ScanResult {
    let partial = if job.is_counting() { None } else { Partial::new(&job.query) };
    ScanResult { partial, ..ScanResult::default() }
}
