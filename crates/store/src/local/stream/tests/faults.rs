//! What the log does when the disk fails under it.

use super::super::faults::{Fault, Faults};
use super::*;

async fn begin_log() -> (tempfile::TempDir, LocalStream, Faults) {
    let dir = tempfile::tempdir().unwrap();
    let options = options(1);
    let faults = options.faults.clone();
    let stream = open(dir.path(), options);
    append(&stream, 0, "before").await;
    (dir, stream, faults)
}

#[tokio::test]
async fn a_full_disk_fails_the_append_and_the_log_goes_on_when_there_is_room() {
    // Within the header of a frame, within its data, and after it.
    for written in [0, 10, 50, 52] {
        let (dir, stream, faults) = begin_log().await;
        faults.plan(Fault::FullAfter(written));
        let failed = stream.append(record(0, "lost".into())).await;
        assert!(matches!(failed, Err(StoreError::Transient(_))), "{failed:?}");
        assert_eq!(contents(&stream).await, ["before"]);
        let after_a_kill = copy_as_after_a_kill(dir.path());
        assert_eq!(contents(&open(after_a_kill.path(), options(1))).await, ["before"]);
        assert_eq!(append(&stream, 0, "after").await.1, Position::of(2));
        drop(stream);
        assert_eq!(contents(&open(dir.path(), options(1))).await, ["before", "after"]);
    }
}

#[tokio::test]
async fn a_full_disk_fails_everything_that_was_written_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let options = options(1);
    let faults = options.faults.clone();
    let stream = LocalStream::open(dir.path(), options.clone(), clock.clone()).unwrap();
    append(&stream, 0, "before").await;
    let mut outcomes = Vec::new();
    let shard = &stream.shards().await.unwrap()[0];
    {
        let gate = lock(&clock.gate);
        let held = begin([stream.append(record(0, "held".into()))]);
        // A large record is written by itself, so that the group takes several writes.
        let group = ["small".into(), "x".repeat(1_000_000), "last".into()];
        let group = begin(group.map(|data| stream.append(record(0, data))));
        let trim = begin([stream.trim(shard, Position::of(1))]);
        faults.plan(Fault::FullAfter(500_000));
        drop(gate);
        for append in held.into_iter().chain(group) {
            outcomes.push(append.await.map(|_| ()));
        }
        for trim in trim {
            outcomes.push(trim.await);
        }
    }
    // The first may have been on its own way already when the others were added.
    assert!(outcomes[1..].iter().all(|outcome| matches!(outcome, Err(StoreError::Transient(_)))), "{outcomes:?}");
    let kept = if outcomes[0].is_ok() { vec!["before", "held"] } else { vec!["before"] };
    assert_eq!(contents(&stream).await, kept);
    append(&stream, 0, "after").await;
    drop(stream);
    let expected: Vec<_> = kept.into_iter().chain(["after"]).collect();
    assert_eq!(contents(&open(dir.path(), options)).await, expected);
}

#[tokio::test]
async fn after_a_failed_fsync_nothing_is_acknowledged_until_the_log_is_opened_anew() {
    let (dir, stream, faults) = begin_log().await;
    faults.plan(Fault::Sync);
    let failed = stream.append(record(0, "unsure".into())).await;
    assert!(matches!(failed, Err(StoreError::Transient(_))), "it may be there or not: {failed:?}");
    for _ in 0..2 {
        let refused = stream.append(record(0, "refused".into())).await;
        assert!(matches!(refused, Err(StoreError::Permanent(_))), "{refused:?}");
        let refused = stream.trim(&stream.shards[0], Position::of(1)).await;
        assert!(matches!(refused, Err(StoreError::Permanent(_))), "{refused:?}");
    }
    assert_eq!(contents(&stream).await, ["before"], "reading goes on");
    drop(stream);
    let stream = open(dir.path(), options(1));
    assert_eq!(contents(&stream).await[0], "before");
    append(&stream, 0, "after").await;
}

#[tokio::test]
async fn a_write_that_cannot_be_undone_fails_the_log() {
    let (dir, stream, faults) = begin_log().await;
    faults.plan(Fault::FullAfter(20));
    faults.plan(Fault::Truncate);
    assert!(stream.append(record(0, "lost".into())).await.is_err());
    let refused = stream.append(record(0, "refused".into())).await;
    assert!(matches!(refused, Err(StoreError::Permanent(_))), "{refused:?}");
    drop(stream);
    let stream = open(dir.path(), options(1));
    assert_eq!(contents(&stream).await, ["before"]);
    append(&stream, 0, "after").await;
}

#[tokio::test]
async fn a_disk_too_full_for_the_next_file_fails_the_append_alone() {
    let dir = tempfile::tempdir().unwrap();
    let options = StreamOptions { file_bytes: 1, ..options(1) };
    let stream = open(dir.path(), options.clone());
    append(&stream, 0, "first").await;
    for fault in [Fault::FullAfter(3), Fault::Sync] {
        options.faults.plan(fault);
        let failed = stream.append(record(0, "lost".into())).await;
        assert!(matches!(failed, Err(StoreError::Transient(_))), "{failed:?}");
    }
    append(&stream, 0, "second").await;
    drop(stream);
    assert_eq!(contents(&open(dir.path(), options)).await, ["first", "second"]);
}

#[tokio::test]
async fn a_writer_that_panics_leaves_nobody_waiting() {
    #[derive(Debug)]
    struct BrokenClock;
    impl Clock for BrokenClock {
        fn now(&self) -> Timestamp {
            panic!("on purpose")
        }
        fn sleep(&self, _: Duration) -> impl Future<Output = ()> + Send {
            std::future::ready(())
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let stream = LocalStream::open(dir.path(), options(1), BrokenClock).unwrap();
    for _ in 0..2 {
        let failed = stream.append(record(0, "x".into())).await;
        assert!(matches!(failed, Err(StoreError::Permanent(_))), "{failed:?}");
    }
}
