//! The rows of a row group that match, with no more of their columns decoded than it takes to tell.
//!
//! The filter's stages go one after the other, cheapest first; each reads its own columns of the rows that are left.
//! What the result needs is read at the end, of the rows that match.

use trawl_event::block::Projection;
use trawl_event::merge::rows_between;
use trawl_event::{Block, RowSet};
use trawl_segment::{Fetched, SegmentReader};

use crate::Job;

/// What matches among some rows of a row group.
pub struct Matches {
    /// The matching rows, with the columns that the result needs.
    pub block: Block,
    /// The row of the row group that each row of the block is; `None` when all rows match.
    pub origins: Option<Vec<u32>>,
}

/// A row group of which some rows are asked for.
pub struct RowGroup<'g> {
    pub reader: &'g SegmentReader,
    pub number: usize,
    pub fetched: &'g Fetched,
    /// Whether all its events lie in the time range of the search.
    pub is_inside: bool,
}

impl RowGroup<'_> {
    /// Evaluates the filter over `rows`; over all for `None`.
    pub fn matches(&self, job: &Job<'_>, rows: Option<&RowSet>) -> trawl_segment::Result<Matches> {
        let mut left = rows.cloned();
        if !self.is_inside {
            let block = self.read(&Projection::timestamps(), left.as_ref())?;
            left = narrowed(left, rows_between(&block, job.task.from.0, job.task.to.0));
        }
        let evaluator = &job.evaluator;
        for stage in 0..evaluator.stages() {
            if left.as_ref().is_some_and(RowSet::is_empty) {
                break;
            }
            let block = self.read(evaluator.projection(stage), left.as_ref())?;
            left = narrowed(left, evaluator.matches_stage(stage, &block));
        }
        let block = self.read(&job.result_projection, left.as_ref())?;
        let origins = left.map(|left| left.iter().map(|row| row as u32).collect());
        Ok(Matches { block, origins })
    }

    fn read(&self, projection: &Projection, rows: Option<&RowSet>) -> trawl_segment::Result<Block> {
        self.reader.read(self.number, projection, rows, self.fetched)
    }
}

/// Of the rows that were left, those in `found`, which counts them in order.
fn narrowed(left: Option<RowSet>, found: RowSet) -> Option<RowSet> {
    let Some(left) = left else { return Some(found).filter(|found| !found.is_all()) };
    if found.is_all() {
        return Some(left);
    }
    let mut narrower = RowSet::none(left.rows());
    let kept = left.iter().enumerate().filter(|(place, _)| found.contains(*place));
    kept.for_each(|(_, row)| narrower.insert(row));
    Some(narrower)
}
