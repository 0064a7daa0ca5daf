//! Hand-computed estimates, and what must hold of any.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const GB: u64 = 1_000_000_000;

/// One second of work and 90 MB in one request for each GB, which is one segment and one task.
fn class(name: &str, growth: Growth) -> Class {
    Class {
        name: name.to_owned(),
        query: name.to_owned(),
        growth,
        wall_ms: 1000.0,
        worker_seconds: 1.0,
        bytes_read: 90_000_000,
        gets: 1,
        round_trips: Some(1),
        s3_ms: None,
        granules_read: 1,
        granules_total: 1,
        events_matched: 1,
        usd: 0.0,
    }
}

fn figures(classes: Vec<Class>) -> Figures {
    let data = Data { raw_bytes: GB, stored_bytes: TASK_BYTES, index_bytes: 0, events: 1, segments: 1 };
    Figures { origin: "made up".to_owned(), data, classes }
}

/// Everything beside the work itself takes no time, and bandwidth does not fall.
fn plain() -> Assumptions {
    Assumptions {
        baseline_bytes_per_second: 1.2e9,
        cold_start: Duration::ZERO,
        invocation: Duration::ZERO,
        row_bytes: 500.0,
        overhead: Duration::ZERO,
        page: Duration::ZERO,
        ..Assumptions::default()
    }
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1e-9), "{found} is not {expected}");
}

fn estimate_one(class: Class, scale: Scale, assumptions: &Assumptions) -> Estimate {
    estimate(&figures(vec![class.clone()]), &class, scale, assumptions)
}

#[test]
fn a_task_takes_latency_bandwidth_and_cpu() {
    let one = Scale { raw_bytes: GB, workers: 1 };
    let found = estimate_one(class("scan", Growth::WithData), one, &plain());
    // 30 ms to the first byte, 90 MB at 90 MB/s, one second of CPU.
    close(found.seconds, 2.03);
    close(found.worker_seconds, 2.03);
    close(found.usd_gets, 0.000_000_4);
    // The worker and the coordinator, and an invocation of each.
    close(found.usd_functions, 2.0 * 2.03 * 1.769 * 0.000_013_333_4 + 2.0 * 0.000_000_2);
    close(found.usd_catalog, 30.0 * 0.000_000_125);
    close(found.usd, found.usd_gets + found.usd_functions + found.usd_catalog);
}

#[test]
fn a_thousand_tasks_on_two_hundred_workers_take_five_times_one() {
    let scale = Scale { raw_bytes: 1000 * GB, workers: 200 };
    let found = estimate_one(class("scan", Growth::WithData), scale, &plain());
    close(found.seconds, 5.0 * 2.03);
    close(found.tasks, 1000.0);
    close(found.gets, 1000.0);
    close(found.bytes_read, 90e9);
    close(found.worker_seconds, 1000.0 * 2.03);
}

#[test]
fn what_surrounds_the_work_is_added() {
    let assumptions = Assumptions {
        cold_start: Duration::from_millis(300),
        invocation: Duration::from_millis(10),
        overhead: Duration::from_millis(50),
        page: Duration::from_millis(20),
        ..plain()
    };
    let scale = Scale { raw_bytes: 1000 * GB, workers: 200 };
    let found = estimate_one(class("scan", Growth::WithData), scale, &assumptions);
    // 30 days in rounds of 16, a page each.
    close(found.planning_seconds, 0.05 + 30.0 / 16.0 * 0.02);
    close(found.seconds, found.planning_seconds + 0.3 + 5.0 * (2.03 + 0.01));
}

#[test]
fn bandwidth_falls_to_the_baseline_after_the_burst() {
    let assumptions = Assumptions { burst_bytes: 90e6, baseline_bytes_per_second: 45e6, ..plain() };
    let scale = Scale { raw_bytes: 2 * GB, workers: 1 };
    let found = estimate_one(class("scan", Growth::WithData), scale, &assumptions);
    close(found.seconds, 2.0 * (0.03 + 1.0) + 1.0 + 2.0);
}

#[test]
fn more_workers_than_lambda_gives_at_once_come_in_steps() {
    let assumptions = Assumptions { scaling_step: 1000.0, ..plain() };
    close(ramped_seconds(5.0, 1000.0, &assumptions), 5.0);
    close(ramped_seconds(10.0, 2000.0, &assumptions), 15.0);
    close(ramped_seconds(5.0, 3000.0, &assumptions), 10.0 + 5_000.0 / 2000.0);
}

#[test]
fn the_rate_of_requests_and_of_tasks_are_bounds() {
    let scale = Scale { raw_bytes: 1_000_000 * GB, workers: 1_000_000 };
    let scan = class("scan", Growth::WithData);
    let few_prefixes = Assumptions { days: 1.0, ..plain() };
    let found = estimate_one(scan.clone(), scale, &few_prefixes);
    close(found.seconds, 500.0 + found.planning_seconds);
    assert_eq!(found.bound, Bound::Dispatch);
    let many_gets = Class { gets: 11, ..scan };
    let found = estimate_one(many_gets, scale, &few_prefixes);
    close(found.seconds, 2000.0 + found.planning_seconds);
    assert_eq!(found.bound, Bound::Requests);
}

#[test]
fn a_search_of_the_newest_events_does_not_grow_but_in_planning() {
    let newest = class("newest", Growth::Constant);
    let found = estimate_one(newest, Scale { raw_bytes: 1_000_000 * GB, workers: 1000 }, &plain());
    // No sooner than its one task is handed out.
    close(found.seconds, 2.03 + 1.0 / 2000.0);
    close(found.gets, 1.0);
    // A million rows of 500 bytes, by 4 KiB.
    close(found.usd_catalog, 500e6 / 4096.0 * 0.000_000_125);
}

#[test]
fn a_needle_grows_as_an_absent_one() {
    let absent = Class { worker_seconds: 0.1, bytes_read: 9_000_000, ..class("absent", Growth::WithData) };
    let needle = Class { gets: 3, round_trips: Some(2), ..class("needle", Growth::LikeAbsent("absent".to_owned())) };
    let figures = figures(vec![absent, needle.clone()]);
    let found = estimate(&figures, &needle, Scale { raw_bytes: 1000 * GB, workers: 200 }, &plain());
    close(found.gets, 1000.0 + 2.0);
    close(found.bytes_read, 9e9 + 81e6);
    // Every segment: 30 ms, 0.1 s of CPU, 9 MB. Where it is: 30 ms and 0.9 s more, and 81 MB over two connections.
    close(found.seconds, 5.0 * (0.03 + 0.1 + 0.1) + (0.03 + 0.9 + 0.45));
}

#[test]
fn small_segments_share_a_task() {
    let data = |segments| Data { segments, ..figures(vec![]).data };
    close(segments_per_task(&data(1)), 1.0);
    close(segments_per_task(&data(4)), 4.0);
    close(segments_per_task(&data(1000)), TASK_SEGMENTS as f64);
    close(segments_per_task(&Data { stored_bytes: 10 * TASK_BYTES, ..data(1) }), 1.0);
}

proptest! {
    #[test]
    fn more_data_takes_no_less_and_more_workers_take_no_longer(
        worker_seconds in 0.0..10.0_f64,
        bytes_read in 0_u64..GB,
        gets in 1_u64..200,
        round_trips in proptest::option::of(1_u64..50),
        growth in 0..2_u8,
        raw_gb in 1_u64..10_000_000,
        more_gb in 0_u64..10_000_000,
        workers in 1_u64..20_000,
        more_workers in 0_u64..20_000,
    ) {
        let growth = if growth == 0 { Growth::WithData } else { Growth::Constant };
        let class = Class { worker_seconds, bytes_read, gets, round_trips, ..class("any", growth) };
        let figures = figures(vec![class.clone()]);
        let assumptions = Assumptions::default();
        let at = |gb: u64, workers| estimate(&figures, &class, Scale { raw_bytes: gb * GB, workers }, &assumptions);
        let base = at(raw_gb, workers);
        let larger = at(raw_gb + more_gb, workers);
        let wider = at(raw_gb, workers + more_workers);
        let tolerance = 1.0 + 1e-9;
        prop_assert!(larger.seconds * tolerance >= base.seconds, "{larger:?} {base:?}");
        prop_assert!(larger.gets >= base.gets && larger.usd * tolerance >= base.usd);
        prop_assert!(wider.seconds <= base.seconds * tolerance, "{wider:?} {base:?}");
        prop_assert!(base.seconds.is_finite() && base.usd.is_finite() && base.seconds > 0.0);
    }
}
