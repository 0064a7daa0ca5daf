//! The scan worker over a model of S3: how many requests a needle takes, and how long they are waited for.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use scan_worker::ScanWorker;
use trawl_event::{TenantId, Timestamp};
use trawl_faults::calm::{Calm, run};
use trawl_faults::chance::Chance;
use trawl_faults::memory::MemoryObjects;
use trawl_faults::stages::Setup;
use trawl_segment::WriteOptions;
use trawl_store::model::{FIRST_BYTE, ModelledObjects, S3Timing, SkippingClock, Usage};
use trawl_store::ports::{Catalog, Objects, ScanResult, ScanTask, SegmentRow, Source, Want};

/// Days of events, one segment each.
const DAYS: u32 = 3;
/// Requests of a day, and events of each: enough that the day's segment is not read whole.
const REQUESTS_OF_A_DAY: u32 = 2;
const EVENTS_OF_A_REQUEST: u32 = 45_000;
/// A segment of this size or less may be fetched in one request.
const SMALL_SEGMENT_BYTES: u64 = 2 * 1024 * 1024;

/// Most requests for a segment in which the needle is not: directory, then what the index is asked.
const MOST_GETS_WHERE_ABSENT: u64 = 4;
/// Most of these that wait for one another.
const MOST_ROUND_TRIPS_WHERE_ABSENT: u64 = 3;
/// Most further requests where it is: the columns of a granule or two, for the predicate and for the result.
const MOST_GETS_WHERE_PRESENT: u64 = 40;
/// Most of these that wait for one another.
const MOST_ROUND_TRIPS_WHERE_PRESENT: u64 = 4;
/// Most of a segment that is read where the needle is not, as a part of 1.
const MOST_READ_WHERE_ABSENT: f64 = 0.2;

type Modelled = ModelledObjects<Arc<MemoryObjects>, Arc<SkippingClock>>;

/// Events of one day as NDJSON: plain texts, and numbers that nothing compresses. The event in the middle holds `needle`.
fn request(day: u32, number: u32, needle: Option<&str>) -> String {
    let mut chance = Chance::new(u64::from(day * REQUESTS_OF_A_DAY + number));
    let mut lines = String::new();
    for event in 0..EVENTS_OF_A_REQUEST {
        let (minute, second) = (event / 60 % 60, event % 60);
        let hour = event * 24 / EVENTS_OF_A_REQUEST;
        let day = day + 1;
        let message = match needle {
            Some(needle) if event == EVENTS_OF_A_REQUEST / 2 => format!("lost {needle}"),
            _ => format!("stored {} bytes", chance.below(5000)),
        };
        let mut number = || chance.bits() >> 1;
        writeln!(
            lines,
            r#"{{"timestamp":"2026-01-{day:02}T{hour:02}:{minute:02}:{second:02}Z","service":"s{}","message":"{message}","a":{},"b":{},"c":{},"d":{}}}"#,
            event % 7,
            number(),
            number(),
            number(),
            number()
        )
        .unwrap();
    }
    lines
}

/// Runs a query over some segments, through the model.
async fn scan(calm: &Calm, segments: &[SegmentRow], query: &str) -> (ScanResult, Usage) {
    let stores = &calm.stages.stores;
    let clock = Arc::new(SkippingClock::new(Timestamp(0)));
    let objects: Arc<Modelled> =
        Arc::new(ModelledObjects::new(stores.objects.clone(), clock.clone(), S3Timing::default()));
    let worker = ScanWorker::new(stores.stream.clone(), objects.clone(), stores.catalog.clone(), clock);
    let task = ScanTask {
        tenant: TenantId::default_tenant(),
        query: query.to_owned(),
        without: Vec::new(),
        from: Timestamp::MIN,
        to: Timestamp::MAX,
        newest_first: true,
        limit: 100,
        after: None,
        number: 0,
        want: Want::Matches,
        summary: None,
        source: Source::Segments(segments.to_vec()),
    };
    (worker.run(&task).await.unwrap(), objects.usage())
}

/// A deployment with a segment for each day, the first of which holds `needle`, and its segments.
async fn with_segments(calm: &Calm, needle: &str) -> Vec<SegmentRow> {
    let tenant = TenantId::default_tenant();
    for day in 0..DAYS {
        for number in 0..REQUESTS_OF_A_DAY {
            calm.push(&tenant, None, request(day, number, (day + number == 0).then_some(needle))).await;
        }
        calm.persist().await;
    }
    let snapshot = calm.stages.stores.catalog.snapshot(&tenant, Timestamp::MIN, Timestamp::MAX).await.unwrap();
    assert_eq!(snapshot.segments.len() as u32, DAYS);
    for segment in &snapshot.segments {
        assert!(segment.size_bytes > SMALL_SEGMENT_BYTES, "{segment:?}");
    }
    snapshot.segments
}

fn setup() -> Setup {
    let WriteOptions { row_group_rows, .. } = WriteOptions::default();
    Setup { shards: 1, row_group_rows, ..Setup::default() }
}

/// Time of so many round trips that move these bytes over one connection, at worst.
fn time_at_most(round_trips: u64, bytes: u64) -> Duration {
    FIRST_BYTE * round_trips as u32 + (S3Timing::default().request(bytes) - FIRST_BYTE)
}

#[test]
fn what_a_task_reports_is_what_the_store_counted() {
    run(setup(), async |calm: Calm| {
        let needle = "blk38865049064139660";
        let segments = with_segments(&calm, needle).await;
        for query in [needle, "*6504906413*", "service:s3 | stats count()", "absent38865049064139660"] {
            let (result, usage) = scan(&calm, &segments, query).await;
            assert_eq!((result.gets, result.bytes_read), (usage.gets, usage.get_bytes), "{query}");
            assert_eq!(usage.requests(), usage.gets, "a scan writes nothing");
            let milliseconds = usage.time.as_nanos().div_ceil(1_000_000);
            assert_eq!(u128::from(result.duration_ms), milliseconds, "nothing but requests takes time here");
            assert!((usage.usd() - usage.gets as f64 * 4e-7).abs() < 1e-12);
        }
    });
}

#[test]
fn an_absent_needle_costs_few_requests_a_segment() {
    run(setup(), async |calm: Calm| {
        let segments = with_segments(&calm, "blk38865049064139660").await;
        for query in ["absent38865049064139660", "*sent3886504906413*", r"/sent38865049\d+/"] {
            let (result, usage) = scan(&calm, &segments, query).await;
            assert!(result.events.is_empty());
            let count = segments.len() as u64;
            assert!(usage.gets <= MOST_GETS_WHERE_ABSENT * count, "{query}: {usage:?}");
            assert!(usage.round_trips <= MOST_ROUND_TRIPS_WHERE_ABSENT * count, "{query}: {usage:?}");
            assert!(usage.time <= time_at_most(MOST_ROUND_TRIPS_WHERE_ABSENT * count, usage.get_bytes), "{usage:?}");
            let stored: u64 = segments.iter().map(|segment| segment.size_bytes).sum();
            assert!(
                (usage.get_bytes as f64) < MOST_READ_WHERE_ABSENT * stored as f64,
                "{query}: {usage:?} of {stored}"
            );
        }
    });
}

#[test]
fn a_needle_costs_more_only_where_it_is() {
    run(setup(), async |calm: Calm| {
        let needle = "blk38865049064139660";
        let segments = with_segments(&calm, needle).await;
        let (result, present) = scan(&calm, &segments, needle).await;
        assert_eq!(result.events.len(), 1);
        let (_, absent) = scan(&calm, &segments, "absent38865049064139660").await;
        let more = present.since(&absent);
        assert!(more.gets <= MOST_GETS_WHERE_PRESENT, "{more:?}");
        assert!(more.round_trips <= MOST_ROUND_TRIPS_WHERE_PRESENT, "{more:?}");
    });
}

#[test]
fn a_store_that_only_accounts_gives_the_same_result_and_takes_no_time() {
    run(setup(), async |calm: Calm| {
        let segments = with_segments(&calm, "blk38865049064139660").await;
        let stores = &calm.stages.stores;
        let objects: Modelled = ModelledObjects::accounting_only(stores.objects.clone(), S3Timing::default());
        let before = calm.stages.world.true_now();
        let row = &segments[0];
        let tail = objects.get_ranges(row.key.as_str(), &[row.footer_offset..row.size_bytes]).await.unwrap().unwrap();
        assert_eq!(tail[0].len() as u64, objects.usage().get_bytes);
        assert!(objects.usage().time > FIRST_BYTE);
        assert_eq!(calm.stages.world.true_now(), before);
    });
}
