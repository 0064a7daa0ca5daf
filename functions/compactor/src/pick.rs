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
/// Most segments in a group: bounds the directories held in memory.
pub const MAX_GROUP: usize = 256;

/// Groups of live rows to merge, each of one tenant and day.
pub fn pick(mut live: Vec<SegmentRow>, now: Timestamp, settings: &Settings, force: bool) -> Vec<Vec<SegmentRow>> {
    let young = before(now, settings.min_age);
    live.retain(|row| row.created <= young && !is_large(row, settings));
    live.sort_by(|one, other| {
        (&one.tenant, one.day, one.first, &one.key).cmp(&(&other.tenant, other.day, other.first, &other.key))
    });
    let mut groups: Vec<Vec<SegmentRow>> = Vec::new();
    let (mut raw_bytes, mut stored_bytes) = (0, 0);
    for row in live {
        let fits = |group: &Vec<SegmentRow>| {
            group.last().is_some_and(|last| last.tenant == row.tenant && last.day == row.day)
                && group.len() < settings.max_group
                && raw_bytes + row.raw_bytes <= settings.target_raw_bytes
                && stored_bytes + row.size_bytes <= settings.target_stored_bytes
        };
        match groups.last_mut().filter(|group| fits(group)) {
            Some(group) => {
                raw_bytes += row.raw_bytes;
                stored_bytes += row.size_bytes;
                group.push(row);
            }
            None => {
                (raw_bytes, stored_bytes) = (row.raw_bytes, row.size_bytes);
                groups.push(vec![row]);
            }
        }
    }
    let fewest = if force { 2 } else { MIN_GROUP };
    groups.retain(|group| group.len() >= fewest);
    groups
}

/// Whether a segment is past half of a target.
fn is_large(row: &SegmentRow, settings: &Settings) -> bool {
    row.raw_bytes > settings.target_raw_bytes / 2 || row.size_bytes > settings.target_stored_bytes / 2
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use trawl_event::TenantId;
    use trawl_event::timestamp::Day;
    use trawl_store::ports::{Origin, SegmentKey};

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000_000);

    fn settings() -> Settings {
        Settings {
            target_raw_bytes: 100,
            target_stored_bytes: 100,
            min_age: Duration::from_secs(1),
            ..Settings::default()
        }
    }

    fn row(tenant: &str, day: i32, number: i64, bytes: u64) -> SegmentRow {
        let tenant: TenantId = tenant.parse().unwrap();
        let first = Timestamp(Day(day).start().0 + number);
        SegmentRow {
            key: SegmentKey::new(&tenant, Day(day), first, first, number as u128),
            tenant,
            day: Day(day),
            first,
            last: first,
            events: 1,
            raw_bytes: bytes,
            size_bytes: bytes / 2,
            footer_offset: 0,
            directory_bytes: 0,
            zones: trawl_event::Zones::default(),
            index_bytes: 0,
            created: Timestamp(0),
            origin: Origin::Compaction,
        }
    }

    fn sizes(rows: Vec<SegmentRow>, force: bool) -> Vec<usize> {
        pick(rows, NOW, &settings(), force).iter().map(Vec::len).collect()
    }

    #[test]
    fn neighbours_are_gathered_up_to_the_target() {
        let rows: Vec<_> = (0..25).map(|number| row("a", 1, number, 10)).collect();
        assert_eq!(sizes(rows.clone(), false), [10, 10]);
        assert_eq!(sizes(rows, true), [10, 10, 5]);
    }

    #[test]
    fn tenants_and_days_stay_apart() {
        let rows = vec![row("a", 1, 0, 1), row("a", 2, 0, 1), row("b", 1, 0, 1), row("b", 1, 1, 1), row("a", 1, 1, 1)];
        let groups = pick(rows, NOW, &settings(), true);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
        for group in groups {
            assert!(group.iter().all(|row| row.tenant == group[0].tenant && row.day == group[0].day));
        }
    }

    #[test]
    fn large_and_young_segments_are_left_alone() {
        let young = SegmentRow { created: NOW, ..row("a", 1, 3, 1) };
        assert_eq!(sizes(vec![row("a", 1, 0, 1), row("a", 1, 1, 60), young], true), [0; 0]);
    }
}
