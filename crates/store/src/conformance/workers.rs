//! What a pool of scan workers does.

use std::sync::Arc;

use trawl_event::{TenantId, Timestamp};

use super::{all_at_once, assert_permanent};
use crate::ports::{ScanTask, Source, StoreError, Want, Workers};

/// The number of the task that the worker under test must answer with [`StoreError::Throttled`].
pub const NUMBER_THAT_FAILS: u32 = 13;
/// The number of the task that the worker under test must panic at.
pub const NUMBER_THAT_PANICS: u32 = 666;

/// Checks everything the port says. The pool must run a worker that answers each other task with
/// `events_matched` set to the task's number.
pub async fn suite<W: Workers + 'static>(make: impl AsyncFn() -> W) {
    let workers = Arc::new(make().await);
    assert!(workers.parallelism() >= 1);
    let run = |number| {
        let workers = workers.clone();
        async move { workers.run(task(number)).await }
    };
    for (number, result) in (1000..1050).zip(all_at_once((1000..1050).map(run)).await) {
        assert_eq!(result.unwrap().events_matched, number, "each caller gets its own result");
    }
    // As often as there can be workers, so that none is lost to a failure.
    for _ in 0..=workers.parallelism() {
        let failed = run(NUMBER_THAT_FAILS).await;
        assert!(matches!(failed, Err(StoreError::Throttled(_))), "the worker's error comes through: {failed:?}");
        assert_permanent(run(NUMBER_THAT_PANICS).await);
        assert_eq!(run(1).await.unwrap().events_matched, 1);
    }
}

/// A task with a number and nothing to read.
pub fn task(number: u32) -> ScanTask {
    ScanTask {
        tenant: TenantId::default_tenant(),
        query: "*".into(),
        without: Vec::new(),
        from: Timestamp::MIN,
        to: Timestamp::MAX,
        newest_first: true,
        limit: 1,
        after: None,
        number,
        want: Want::Matches,
        summary: None,
        source: Source::Segments(vec![]),
    }
}
