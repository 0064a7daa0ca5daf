//! How much a query would read of some segments, from their directories and indexes alone.

use futures_util::future::try_join_all;
use trawl_segment::IndexQuery;
use trawl_store::ports::{Objects, ScanResult, SegmentRow};

use crate::open::{Placed, Store};
use crate::segments::{Scan, plan};
use crate::{Job, ScanError};

/// Counts granules, and the bytes of the columns that the filter and the result take of those that may hold a match.
/// A segment that cannot be read is named, and the others are measured all the same.
pub async fn measure<O: Objects>(
    store: &Store<'_, O>,
    job: &Job<'_>,
    rows: &[SegmentRow],
    result: &mut ScanResult,
) -> Result<(), ScanError> {
    let query = IndexQuery::new(&job.query.evidence());
    let placed: Vec<Placed<'_>> = rows.iter().enumerate().map(|(place, row)| (place as u32, row)).collect();
    let opened = placed.iter().map(|row| async {
        let open = match store.open(*row).await {
            Ok(open) => open,
            Err(ScanError::Segment(unreadable)) => return Ok(Err(unreadable)),
            Err(error) => return Err(error),
        };
        match store.candidates(&open, &query).await {
            Ok(candidates) => Ok(Ok((open, candidates))),
            Err(ScanError::Segment(unreadable)) => Ok(Err(unreadable)),
            Err(error) => Err(error),
        }
    });
    let (mut segments, mut candidates) = (Vec::new(), Vec::new());
    for opened in try_join_all(opened).await? {
        match opened {
            Ok((open, of_segment)) => {
                segments.push(open);
                candidates.push(of_segment);
            }
            Err(unreadable) => result.unreadable.push(unreadable),
        }
    }
    let (units, granules) = plan(job, &segments, &candidates, result);
    result.granules_read = granules.len() as u64;
    result.bytes_to_read = Scan { store, job, segments: &mut segments, units }.bytes_of(&granules);
    Ok(())
}
