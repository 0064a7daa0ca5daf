//! The log on disk: the port's suite, and what it does when the process, the disk or a file fails.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::*;
use crate::conformance;
use crate::conformance::stream::{read_all, record};
use trawl_event::Timestamp;

mod faults;
mod recovery;

/// A clock that a test sets. While a gate is there, asking it waits: that holds the writer.
#[derive(Clone, Debug, Default)]
struct TestClock {
    now: Arc<AtomicI64>,
    gate: Arc<Mutex<()>>,
    asked: Arc<AtomicU64>,
}

impl TestClock {
    /// Waits until it was asked so often: the writer asks once for each group it took.
    fn wait_until_asked(&self, times: u64) {
        while self.asked.load(Ordering::SeqCst) < times {
            std::thread::yield_now();
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.asked.fetch_add(1, Ordering::SeqCst);
        drop(lock(&self.gate));
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn sleep(&self, _: Duration) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

fn options(shards: u16) -> StreamOptions {
    StreamOptions { shards, ..StreamOptions::default() }
}

fn open(dir: &Path, options: StreamOptions) -> LocalStream {
    LocalStream::open(dir, options, TestClock::default()).unwrap()
}

/// The error that opening gives.
fn open_error(dir: &Path, options: StreamOptions) -> String {
    let error = LocalStream::open(dir, options, TestClock::default()).unwrap_err();
    assert!(matches!(error, StoreError::Permanent(_)), "{error}");
    error.to_string()
}

async fn append(stream: &LocalStream, batch: u128, data: &str) -> (ShardId, Position) {
    stream.append(record(batch, data.into())).await.unwrap()
}

/// The data of every record of a log with one shard.
async fn contents(stream: &LocalStream) -> Vec<String> {
    let shards = read_all(stream, 1000).await;
    assert_eq!(shards.len(), 1);
    shards.into_values().flatten().map(|record| String::from_utf8(record.data.to_vec()).unwrap()).collect()
}

/// The log files in a directory, oldest first.
fn log_files(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths.filter(|path| file::number_of(path).is_some()).collect();
    files.sort();
    files
}

/// The directory as a process that dies now leaves it. Newest file first: an older one is complete
/// once there is a newer.
fn copy_as_after_a_kill(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for path in log_files(dir).iter().rev() {
        std::fs::copy(path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

/// Polls each future once, which makes an append or trim enter the queue.
fn begin<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<Pin<Box<F>>> {
    let mut begun: Vec<_> = futures.into_iter().map(Box::pin).collect();
    for future in &mut begun {
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    begun
}

async fn suite_with(shards: u16, file_bytes: u64) {
    let dir = tempfile::tempdir().unwrap();
    let number = AtomicU64::new(0);
    let make = async || {
        let dir = dir.path().join(number.fetch_add(1, Ordering::Relaxed).to_string());
        open(&dir, StreamOptions { file_bytes, ..options(shards) })
    };
    conformance::stream(&make).await;
    conformance::stream_trim(&make, async |stream: &LocalStream, shard: &ShardId, upto| {
        stream.trim(shard, upto).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_behaves_as_a_stream() {
    suite_with(1, DEFAULT_FILE_BYTES).await;
    suite_with(5, DEFAULT_FILE_BYTES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_behaves_as_a_stream_across_many_files() {
    suite_with(3, 200).await;
}

#[tokio::test]
async fn positions_count_from_one_without_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let stream = open(dir.path(), options(3));
    let mut last = BTreeMap::new();
    for batch in 0..60 {
        let (shard, position) = append(&stream, batch, "x").await;
        let expected = last.entry(shard).and_modify(|last| *last += 1).or_insert(1);
        assert_eq!(position, Position::of(*expected));
    }
    assert_eq!(last.len(), 3);
}

#[tokio::test]
async fn what_waits_is_written_with_one_fsync_whatever_its_shard() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let options = options(8);
    let faults = options.faults.clone();
    let stream = LocalStream::open(dir.path(), options, clock.clone()).unwrap();
    let before = faults.syncs();
    let gate = lock(&clock.gate);
    let appends = begin((0..100).map(|batch| stream.append(record(batch, "x".into()))));
    drop(gate);
    for append in appends {
        append.await.unwrap();
    }
    // The writer may have taken some before the gate closed behind it.
    let syncs = faults.syncs() - before;
    assert!(syncs <= 2, "{syncs} fsyncs for 100 appends");
}

#[tokio::test]
async fn appends_beyond_the_queue_are_throttled_and_nothing_else_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let options = StreamOptions { queue_bytes: 1000, ..options(1) };
    let stream = LocalStream::open(dir.path(), options, clock.clone()).unwrap();
    let large = "x".repeat(5000);
    let first = {
        let _gate = lock(&clock.gate);
        let first = begin([stream.append(record(0, large.clone()))]);
        let mut second = Box::pin(stream.append(record(1, "y".into())));
        let second = second.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(second, Poll::Ready(Err(StoreError::Throttled(_)))), "{second:?}");
        first
    };
    for append in first {
        append.await.unwrap();
    }
    while stream.append(record(2, "z".into())).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(contents(&stream).await, [large, "z".into()]);
    let too_large = NewRecord { batch: trawl_event::BatchId(0), data: Bytes::from(vec![0; MAX_RECORD_BYTES + 1]) };
    assert!(matches!(stream.append(too_large).await, Err(StoreError::Permanent(_))));
}

#[tokio::test]
async fn pending_counts_what_comes_after_a_position() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let stream = LocalStream::open(dir.path(), options(1), clock.clone()).unwrap();
    let shard = &stream.shards[0].clone();
    assert_eq!(stream.pending(shard, Position::START), Ok(Pending::default()));
    for (number, data) in (1..).zip(["a", "bb", "ccc", "dddd"]) {
        clock.now.store(number * 10, Ordering::SeqCst);
        append(&stream, 0, data).await;
    }
    let copy = copy_as_after_a_kill(dir.path());
    for stream in [stream, open(copy.path(), options(1))] {
        for (after, records, bytes, oldest) in
            [(0, 4, 10, Some(10)), (1, 3, 9, Some(20)), (3, 1, 4, Some(40)), (4, 0, 0, None)]
        {
            let expected = Pending { records, bytes, oldest_arrival: oldest.map(Timestamp) };
            assert_eq!(stream.pending(shard, Position::of(after)), Ok(expected));
        }
        assert!(stream.pending(shard, Position::of(5)).is_err());
        assert_eq!(stream.retained_bytes(shard), Ok(10));
        stream.trim(shard, Position::of(3)).await.unwrap();
        let expected = Pending { records: 1, bytes: 4, oldest_arrival: Some(Timestamp(40)) };
        assert_eq!(stream.pending(shard, Position::of(3)), Ok(expected));
        assert!(stream.pending(shard, Position::of(2)).is_err());
        assert_eq!(stream.retained_bytes(shard), Ok(4));
    }
}

#[tokio::test]
async fn a_reader_can_wait_for_the_next_record() {
    let dir = tempfile::tempdir().unwrap();
    let stream = open(dir.path(), options(2));
    let mut appended = stream.appended();
    assert!(!appended.has_changed().unwrap());
    let (shard, position) = append(&stream, 1, "x").await;
    appended.changed().await.unwrap();
    assert_eq!(*appended.borrow_and_update(), 1);
    stream.trim(&shard, position).await.unwrap();
    assert!(!appended.has_changed().unwrap(), "a trim is no news");
    drop(stream);
    assert!(appended.changed().await.is_err(), "nothing comes any more");
}

#[tokio::test]
async fn a_file_goes_when_every_record_in_it_is_trimmed_even_before_an_older_one() {
    let dir = tempfile::tempdir().unwrap();
    let stream = open(dir.path(), StreamOptions { file_bytes: 1, ..options(2) });
    // One file for each record: the first is of one shard, the others of the other one.
    let (kept, first) = append(&stream, 0, "kept").await;
    let other = (1..).find(|batch| *stream.ring.shard_of(trawl_event::BatchId(*batch)) != kept).unwrap();
    for _ in 0..3 {
        append(&stream, other, "x").await;
    }
    let shard = stream.ring.shard_of(trawl_event::BatchId(other)).clone();
    assert_eq!(log_files(dir.path()).len(), 4);
    stream.trim(&shard, Position::of(2)).await.unwrap();
    // The trim point is in a file of its own; the file of record 3 is still needed.
    assert_eq!(log_files(dir.path()).len(), 3);
    stream.trim(&shard, Position::of(3)).await.unwrap();
    assert_eq!(log_files(dir.path()).len(), 2);
    drop(stream);
    let stream = open(dir.path(), StreamOptions { file_bytes: 1, ..options(2) });
    assert_eq!(stream.read(&kept, Position::START, 100).await.unwrap()[0].data, "kept");
    assert_eq!(stream.end(&shard).await, Ok(Position::of(3)));
    stream.trim(&kept, first).await.unwrap();
    assert_eq!(log_files(dir.path()).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reading_goes_on_beside_writing_and_trimming() {
    const RECORDS: u64 = 400;
    let dir = tempfile::tempdir().unwrap();
    let stream = Arc::new(open(dir.path(), StreamOptions { file_bytes: 2000, ..options(1) }));
    let shard = stream.shards().await.unwrap().remove(0);
    let writer = tokio::spawn({
        let stream = stream.clone();
        async move {
            for number in 1..=RECORDS {
                append(&stream, 0, &number.to_string()).await;
            }
        }
    });
    let trimmer = tokio::spawn({
        let (stream, shard) = (stream.clone(), shard.clone());
        async move {
            let mut appended = stream.appended();
            while *appended.borrow_and_update() < RECORDS {
                appended.changed().await.unwrap();
                let end = stream.end(&shard).await.unwrap().0[2];
                stream.trim(&shard, Position::of(end.saturating_sub(20))).await.unwrap();
            }
        }
    });
    let (mut after, mut seen) = (0, 0);
    while after < RECORDS {
        match stream.read(&shard, Position::of(after), 40).await {
            Ok(records) => {
                for record in records {
                    after += 1;
                    seen += 1;
                    assert_eq!(record.position, Position::of(after));
                    assert_eq!(record.data, after.to_string());
                }
                tokio::task::yield_now().await;
            }
            Err(error) => {
                assert!(error.to_string().contains("are gone: trimmed"), "{error}");
                after = stream.end(&shard).await.unwrap().0[2].saturating_sub(10);
            }
        }
    }
    assert!(seen > 0);
    writer.await.unwrap();
    trimmer.await.unwrap();
    assert!(log_files(dir.path()).len() < 5, "files of trimmed records are gone");
}

#[tokio::test]
async fn trimming_beyond_the_end_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let stream = open(dir.path(), options(1));
    let shard = &stream.shards().await.unwrap()[0];
    append(&stream, 0, "x").await;
    assert!(matches!(stream.trim(shard, Position::of(2)).await, Err(StoreError::Permanent(_))));
    assert!(matches!(stream.trim(shard, Position([0, 1, 0])).await, Err(StoreError::Permanent(_))));
    assert_eq!(contents(&stream).await, ["x"]);
}

#[tokio::test]
async fn reading_beyond_the_end_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let stream = open(dir.path(), options(1));
    let shard = &stream.shards().await.unwrap()[0];
    let beyond = stream.read(shard, Position::of(1), 100).await.unwrap_err();
    assert!(beyond.to_string().contains("beyond the end of the shard"), "{beyond}");
}

#[tokio::test]
async fn a_directory_belongs_to_one_log_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let stream = open(dir.path(), options(1));
    let refused = open_error(dir.path(), options(1));
    assert!(refused.ends_with("is in use by another process"), "{refused}");
    append(&stream, 0, "x").await;
    drop(stream);
    assert_eq!(contents(&open(dir.path(), options(1))).await, ["x"]);
}
