//! An object store that takes the time of S3 and counts what S3 would charge for.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use super::timing::{LIST_KEYS, S3Timing};
use super::usage::{Meter, Usage, add};
use crate::ports::{Clock, ObjectMeta, Objects, Put, Result};

/// Any object store, as slow and as dear as S3.
///
/// A write takes effect after its time, a read sees what is there before it. Failed calls take time and are
/// counted as well.
#[derive(Debug)]
pub struct ModelledObjects<O, C> {
    objects: O,
    /// Who waits; nobody where time is only added up.
    clock: Option<C>,
    timing: S3Timing,
    meter: Meter,
}

impl<O: Objects, C: Clock> ModelledObjects<O, C> {
    /// `objects` with this timing, waited for through `clock`.
    pub fn new(objects: O, clock: C, timing: S3Timing) -> Self {
        Self { objects, clock: Some(clock), timing, meter: Meter::default() }
    }

    /// `objects` at their own speed: what requests would take is only added up, in [`Usage::time`].
    pub fn accounting_only(objects: O, timing: S3Timing) -> Self {
        Self { objects, clock: None, timing, meter: Meter::default() }
    }

    /// What was asked for so far.
    pub fn usage(&self) -> Usage {
        self.meter.usage()
    }

    /// Takes the time of one call.
    async fn take(&self, time: Duration) {
        add(&self.meter.round_trips, 1);
        add(&self.meter.time_ns, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        if let Some(clock) = &self.clock {
            clock.sleep(time).await;
        }
    }

    async fn take_put(&self, body: &Bytes) {
        let size_bytes = body.len() as u64;
        add(&self.meter.puts, 1);
        add(&self.meter.put_bytes, size_bytes);
        self.take(self.timing.request(size_bytes)).await;
    }
}

impl<O: Objects, C: Clock> Objects for ModelledObjects<O, C> {
    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<Put> {
        self.take_put(&body).await;
        self.objects.put_if_absent(key, body).await
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        self.take_put(&body).await;
        self.objects.put(key, body).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        let outcome = self.objects.get(key).await;
        let size_bytes = outcome.as_ref().ok().and_then(Option::as_ref).map_or(0, |body| body.len() as u64);
        add(&self.meter.gets, 1);
        add(&self.meter.get_bytes, size_bytes);
        self.take(self.timing.request(size_bytes)).await;
        outcome
    }

    async fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        let outcome = self.objects.get_ranges(key, ranges).await;
        // Without a range, whether there is such an object takes a HEAD, which costs what a GET does.
        let requests = ranges.len().max(1);
        let found = outcome.as_ref().ok().and_then(Option::as_ref);
        let size = |place: usize| found.and_then(|parts| parts.get(place)).map_or(0, |part| part.len() as u64);
        add(&self.meter.gets, requests as u64);
        add(&self.meter.get_bytes, (0..requests).map(size).sum());
        self.take(self.timing.together((0..requests).map(size))).await;
        outcome
    }

    async fn delete(&self, key: &str) -> Result<()> {
        add(&self.meter.deletes, 1);
        self.take(self.timing.request(0)).await;
        self.objects.delete(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        let outcome = self.objects.list(prefix).await;
        // Each page is asked for with the last key of the one before, so they come one after the other.
        let pages = outcome.as_ref().map_or(1, |found| found.len().div_ceil(LIST_KEYS).max(1));
        add(&self.meter.lists, pages as u64);
        self.take(self.timing.request(0).saturating_mul(u32::try_from(pages).unwrap_or(u32::MAX))).await;
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tempfile::TempDir;
    use trawl_event::Timestamp;

    use super::*;
    use crate::conformance;
    use crate::local::objects::LocalObjects;
    use crate::model::SkippingClock;

    type Files = ModelledObjects<LocalObjects, Arc<SkippingClock>>;

    const MILLISECOND: Duration = Duration::from_millis(1);
    /// Bytes that take a millisecond.
    const MILLISECOND_BYTES: usize = 90_000;

    fn files(dir: &TempDir) -> (Files, Arc<SkippingClock>) {
        let clock = Arc::new(SkippingClock::default());
        let objects = LocalObjects::open(dir.path()).unwrap();
        (ModelledObjects::new(objects, clock.clone(), S3Timing::default()), clock)
    }

    fn passed(clock: &SkippingClock) -> Duration {
        Duration::from_nanos(u64::try_from(clock.now().0).unwrap())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_model_behaves_as_objects() {
        let dir = tempfile::tempdir().unwrap();
        let number = AtomicU64::new(0);
        conformance::objects(async || {
            let root = dir.path().join(number.fetch_add(1, Ordering::Relaxed).to_string());
            let clock = SkippingClock::new(Timestamp(0));
            ModelledObjects::new(LocalObjects::open(&root).unwrap(), clock, S3Timing::default())
        })
        .await;
    }

    #[tokio::test]
    async fn ranges_of_one_call_are_one_round_trip_and_a_request_each() {
        let dir = tempfile::tempdir().unwrap();
        let (objects, clock) = files(&dir);
        objects.put("k", Bytes::from(vec![0; 4 * MILLISECOND_BYTES])).await.unwrap();
        let before = objects.usage();
        assert_eq!((before.puts, before.put_bytes, before.time), (1, 360_000, 34 * MILLISECOND));
        let part = MILLISECOND_BYTES as u64;
        objects.get_ranges("k", &[0..part, part..3 * part]).await.unwrap();
        let used = objects.usage().since(&before);
        let expected =
            Usage { gets: 2, get_bytes: 270_000, round_trips: 1, time: 32 * MILLISECOND, ..Usage::default() };
        assert_eq!(used, expected);
        assert_eq!(passed(&clock), (34 + 32) * MILLISECOND);
    }

    #[tokio::test]
    async fn every_kind_of_request_is_counted_by_itself() {
        let dir = tempfile::tempdir().unwrap();
        let (objects, clock) = files(&dir);
        assert_eq!(objects.put_if_absent("a/b", Bytes::from_static(b"12")).await, Ok(Put::Created));
        assert_eq!(objects.put_if_absent("a/b", Bytes::from_static(b"123")).await, Ok(Put::Existed));
        objects.get("a/b").await.unwrap();
        objects.list("a/").await.unwrap();
        objects.delete("a/b").await.unwrap();
        let Usage { gets, get_bytes, puts, put_bytes, lists, deletes, round_trips, time } = objects.usage();
        assert_eq!((gets, get_bytes, puts, put_bytes, lists, deletes, round_trips), (1, 2, 2, 5, 1, 1, 5));
        assert!(time >= 150 * MILLISECOND && time < 151 * MILLISECOND, "{time:?}");
        assert_eq!(passed(&clock), time);
    }

    #[tokio::test]
    async fn a_listing_of_many_keys_takes_several_pages() {
        let dir = tempfile::tempdir().unwrap();
        let objects: Files =
            ModelledObjects::accounting_only(LocalObjects::open(dir.path()).unwrap(), S3Timing::default());
        for number in 0..=LIST_KEYS {
            std::fs::write(dir.path().join(number.to_string()), b"").unwrap();
        }
        assert_eq!(objects.list("").await.unwrap().len(), LIST_KEYS + 1);
        assert_eq!((objects.usage().lists, objects.usage().time), (2, 60 * MILLISECOND));
    }

    #[tokio::test]
    async fn what_is_not_there_takes_its_time_too() {
        let dir = tempfile::tempdir().unwrap();
        let (objects, clock) = files(&dir);
        assert_eq!(objects.get("nothing").await, Ok(None));
        assert_eq!(objects.get_ranges("nothing", &[]).await, Ok(None));
        assert!(objects.get_ranges("k/", &[0..1, 1..2]).await.is_err());
        assert_eq!((objects.usage().gets, objects.usage().get_bytes), (4, 0));
        assert_eq!(passed(&clock), 90 * MILLISECOND);
    }

    #[tokio::test]
    async fn accounting_waits_for_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let objects: Files =
            ModelledObjects::accounting_only(LocalObjects::open(dir.path()).unwrap(), S3Timing::default());
        objects.put("k", Bytes::from_static(b"x")).await.unwrap();
        objects.get("k").await.unwrap();
        assert_eq!((objects.usage().round_trips, objects.usage().time.as_millis()), (2, 60));
    }
}
