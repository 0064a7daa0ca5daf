//! What could not be read, in words.

use trawl_store::ports::{ScanResult, Source, Unreadable};

/// The segments that a worker left out of its result, for people.
pub fn left_out(source: &Source, result: &ScanResult) -> Vec<String> {
    let Source::Segments(rows) = source else { return Vec::new() };
    let named = |Unreadable { place, reason }: &Unreadable| {
        let row = rows.get(*place as usize).cloned();
        format!("{}: {reason}", describe(&Source::Segments(row.into_iter().collect())))
    };
    result.unreadable.iter().map(named).collect()
}

/// What a task would have read, for people.
pub fn describe(source: &Source) -> String {
    match source {
        Source::Tail { shard, .. } => format!("events in flight on shard {shard}"),
        Source::Segments(rows) => {
            let first = rows.iter().map(|row| row.first).min();
            let last = rows.iter().map(|row| row.last).max();
            let events: u64 = rows.iter().map(|row| row.events).sum();
            let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
            match (first, last) {
                (Some(first), Some(last)) => {
                    format!("{events} events from {first} to {last} in {}", keys.join(", "))
                }
                _ => keys.join(", "),
            }
        }
    }
}
