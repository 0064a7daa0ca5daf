//! What a stream does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use trawl_event::BatchId;

use super::{all_at_once, assert_permanent};
use crate::ports::{NewRecord, Position, Record, ShardId, Stream};

/// Checks everything the port says, but trimming.
pub async fn suite<S: Stream + 'static>(make: impl AsyncFn() -> S) {
    a_new_stream_is_empty(make().await).await;
    records_come_back_in_order(make().await).await;
    a_read_takes_what_fits_and_at_least_one_record(make().await).await;
    a_batch_always_goes_to_one_shard_and_batches_to_all(make().await).await;
    concurrent_appends_get_places_of_their_own(make().await).await;
    what_was_acknowledged_is_seen_at_once(make().await).await;
    an_end_parts_what_was_appended_before_from_what_comes_after(make().await).await;
    an_unknown_shard_is_an_error(make().await).await;
}

/// Checks that records at or before a trim point are gone and nothing else changes. How to trim is
/// no part of the port, so the adapter says.
pub async fn trim_suite<S: Stream + 'static>(make: impl AsyncFn() -> S, trim: impl AsyncFn(&S, &ShardId, Position)) {
    let stream = make().await;
    let mut appended = Vec::new();
    let mut shard = None;
    for number in 0..5 {
        let (to, position) = stream.append(record(7, format!("record {number}"))).await.unwrap();
        shard = Some(to);
        appended.push(position);
    }
    let shard = shard.unwrap();
    trim(&stream, &shard, appended[2]).await;
    assert_permanent(stream.read(&shard, Position::START, 1000).await);
    assert_permanent(stream.read(&shard, appended[1], 1000).await);
    assert_eq!(positions(&stream.read(&shard, appended[2], 1000).await.unwrap()), appended[3..]);
    trim(&stream, &shard, appended[4]).await;
    trim(&stream, &shard, appended[1]).await;
    assert_eq!(stream.end(&shard).await, Ok(appended[4]), "trimming does not move the end");
    assert_eq!(stream.read(&shard, appended[4], 1000).await, Ok(vec![]));
    let (_, next) = stream.append(record(7, "one more".into())).await.unwrap();
    assert!(next > appended[4], "no position is given out twice");
    assert_eq!(positions(&stream.read(&shard, appended[4], 1000).await.unwrap()), [next]);
}

/// A record of the batch with this number.
pub fn record(batch: u128, data: String) -> NewRecord {
    NewRecord { batch: BatchId(batch), data: Bytes::from(data) }
}

/// Every record of every shard, read in pieces of `max_bytes`.
pub async fn read_all<S: Stream>(stream: &S, max_bytes: usize) -> BTreeMap<ShardId, Vec<Record>> {
    let mut all = BTreeMap::new();
    for shard in stream.shards().await.unwrap() {
        let mut records: Vec<Record> = Vec::new();
        loop {
            let after = records.last().map_or(Position::START, |record| record.position);
            let next = stream.read(&shard, after, max_bytes).await.unwrap();
            if next.is_empty() {
                break;
            }
            records.extend(next);
        }
        all.insert(shard, records);
    }
    all
}

fn positions(records: &[Record]) -> Vec<Position> {
    records.iter().map(|record| record.position).collect()
}

async fn a_new_stream_is_empty<S: Stream>(stream: S) {
    let shards = stream.shards().await.unwrap();
    assert!(!shards.is_empty());
    assert_eq!(shards, stream.shards().await.unwrap());
    assert_eq!(shards.len(), shards.iter().collect::<BTreeSet<_>>().len());
    for shard in &shards {
        assert_eq!(stream.read(shard, Position::START, 1000).await, Ok(vec![]));
        let end = stream.end(shard).await.unwrap();
        assert_eq!(stream.read_upto(shard, Position::START, end, 1000).await, Ok(vec![]), "the end is no record");
    }
}

async fn records_come_back_in_order<S: Stream>(stream: S) {
    let mut expected: BTreeMap<ShardId, Vec<(Position, String)>> = BTreeMap::new();
    for number in 0..100u128 {
        let data = format!("{number} {}", "x".repeat(number as usize * 7));
        let (shard, position) = stream.append(record(number, data.clone())).await.unwrap();
        assert!(stream.end(&shard).await.unwrap() >= position);
        expected.entry(shard).or_default().push((position, data));
    }
    for max_bytes in [1, 500, 1_000_000] {
        for (shard, records) in read_all(&stream, max_bytes).await {
            let found: Vec<_> = records
                .iter()
                .map(|record| (record.position, String::from_utf8(record.data.to_vec()).unwrap()))
                .collect();
            assert!(found.is_sorted_by(|left, right| left.0 < right.0));
            assert_eq!(found, expected.get(&shard).cloned().unwrap_or_default());
        }
    }
}

async fn a_read_takes_what_fits_and_at_least_one_record<S: Stream>(stream: S) {
    let mut shard = None;
    for _ in 0..4 {
        shard = Some(stream.append(record(1, "x".repeat(100))).await.unwrap().0);
    }
    let shard = shard.unwrap();
    for (max_bytes, expected) in [(0, 1), (99, 1), (100, 1), (199, 1), (200, 2), (399, 3), (400, 4), (10_000, 4)] {
        let read = stream.read(&shard, Position::START, max_bytes).await.unwrap();
        assert_eq!(read.len(), expected, "with {max_bytes} bytes");
    }
}

async fn a_batch_always_goes_to_one_shard_and_batches_to_all<S: Stream>(stream: S) {
    let shards = stream.shards().await.unwrap();
    let mut seen = BTreeSet::new();
    for batch in 0..shards.len() as u128 * 32 {
        let (first, _) = stream.append(record(batch, "x".into())).await.unwrap();
        let (second, _) = stream.append(record(batch, "y".into())).await.unwrap();
        assert_eq!(first, second);
        seen.insert(first);
    }
    assert_eq!(seen, shards.into_iter().collect());
}

async fn concurrent_appends_get_places_of_their_own<S: Stream + 'static>(stream: S) {
    const CALLERS: u128 = 8;
    const APPENDS: u128 = 25;
    let stream = Arc::new(stream);
    let callers = (0..CALLERS).map(|caller| {
        let stream = stream.clone();
        async move {
            let mut places = Vec::new();
            for number in 0..APPENDS {
                let data = format!("{caller}/{number}");
                let place = stream.append(record(caller * APPENDS + number, data.clone())).await.unwrap();
                places.push((place, data));
            }
            places
        }
    });
    let appended: BTreeMap<_, _> = all_at_once(callers).await.into_iter().flatten().collect();
    assert_eq!(appended.len(), (CALLERS * APPENDS) as usize, "two appends got one place");
    let mut found = BTreeMap::new();
    for (shard, records) in read_all(&*stream, 50).await {
        for record in records {
            let data = String::from_utf8(record.data.to_vec()).unwrap();
            found.insert((shard.clone(), record.position), data);
        }
    }
    assert_eq!(found, appended);
}

async fn what_was_acknowledged_is_seen_at_once<S: Stream + 'static>(stream: S) {
    let stream = Arc::new(stream);
    let callers = (0..4).map(|caller| {
        let stream = stream.clone();
        async move {
            let mut last = BTreeMap::new();
            for number in 0..25 {
                let data = format!("{caller}/{number}");
                let (shard, position) = stream.append(record(number, data.clone())).await.unwrap();
                assert!(stream.end(&shard).await.unwrap() >= position);
                let mut after = last.get(&shard).copied().unwrap_or(Position::START);
                let own = loop {
                    let read = stream.read(&shard, after, usize::MAX).await.unwrap();
                    after = read.last().expect("what was acknowledged can be read").position;
                    if let Some(own) = read.into_iter().find(|record| record.position == position) {
                        break own;
                    }
                };
                assert_eq!(own.data, data);
                last.insert(shard, position);
            }
        }
    });
    all_at_once(callers).await;
}

async fn an_end_parts_what_was_appended_before_from_what_comes_after<S: Stream>(stream: S) {
    let mut before: Vec<(ShardId, Position)> = Vec::new();
    for round in 0..8 {
        before.push(stream.append(record(7, format!("record {round}"))).await.unwrap());
        let (shard, last) = before.last().cloned().unwrap();
        let end = stream.end(&shard).await.unwrap();
        let (_, next) = stream.append(record(7, format!("behind {round}"))).await.unwrap();
        assert!(last <= end && end < next, "round {round}: {last} {end} {next}");
        let mut read = Vec::new();
        let mut after = Position::START;
        while after < end {
            let records = stream.read_upto(&shard, after, end, 20).await.unwrap();
            let Some(last) = records.last() else { break };
            after = last.position;
            read.extend(positions(&records));
        }
        read.retain(|position| *position <= end);
        let expected: Vec<Position> = before.iter().map(|(_, position)| *position).collect();
        assert_eq!(read, expected, "round {round}");
        before.push((shard, next));
    }
}

async fn an_unknown_shard_is_an_error<S: Stream>(stream: S) {
    let shard = ShardId("no such shard".into());
    assert_permanent(stream.end(&shard).await);
    assert_permanent(stream.read(&shard, Position::START, 1).await);
}
