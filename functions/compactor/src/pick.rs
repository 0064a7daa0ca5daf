//! Which segments become one.
//!
//! Segments of one tenant and day are taken in order of time. Neighbours are gathered until
//! they reach the target; a group is merged when it has enough members that the work pays.
//! A segment that is past half the target stays as it is, so that no event is rewritten more
//! than a few times.

use trawl_event::Timestamp;
use trawl_store::ports::SegmentRow;

use crate::{Settings, before};

/// Fewest segments in a group without `force`.
pub const MIN_GROUP: usize = 8;
/// Most segments in a group: bounds the footers held in memory.
pub const MAX_GROUP: usize = 256;

/// Groups of live rows to merge, each of one tenant and day.
pub fn pick(mut live: Vec<SegmentRow>, now: Timestamp, settings: &Settings, force: bool) -> Vec<Vec<SegmentRow>> {
    let young = before(now, settings.min_age);
    live.retain(|row| row.created <= young && row.raw_bytes <= settings.target_raw_bytes / 2);
    live.sort_by(|one, other| {
        (&one.tenant, one.day, one.first, &one.key).cmp(&(&other.tenant, other.day, other.first, &other.key))
    });
    let mut groups: Vec<Vec<SegmentRow>> = Vec::new();
    let mut raw_bytes = 0;
    for row in live {
        let fits = groups.last().and_then(|group| group.last()).is_some_and(|last| {
            last.tenant == row.tenant && last.day == row.day && raw_bytes + row.raw_bytes <= settings.target_raw_bytes
        }) && groups.last().is_some_and(|group| group.len() < MAX_GROUP);
        match groups.last_mut() {
            Some(group) if fits => {
                raw_bytes += row.raw_bytes;
                group.push(row);
            }
            _ => {
                raw_bytes = row.raw_bytes;
                groups.push(vec![row]);
            }
        }
    }
    let fewest = if force { 2 } else { MIN_GROUP };
    groups.retain(|group| group.len() >= fewest);
    groups
}
