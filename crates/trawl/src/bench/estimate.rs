//! From measured figures to more data and more workers: a pure function.
//!
//! ```text
//!   ratio    raw bytes asked for ÷ raw bytes measured
//!   growing  what every segment takes (Growth)   × ratio, over all workers
//!   fixed    what the matches take               as measured, on one worker after the other
//!
//!   time     planning + cold start + growing + fixed
//!   growing  the longest of: a worker's tasks one after the other, each
//!              invocation + round trips × first byte + CPU, and its bytes at the bandwidth of the network;
//!            GETs at the rate of the prefixes; tasks at the rate of the coordinator
//!   dollars  GETs + (workers' + coordinator's seconds) × memory + invocations + catalog reads
//! ```
//!
//! Tasks are not rounded to whole waves, so that time rises with the data and falls with the workers without steps.

use coordinator::plan::{TASK_BYTES, TASK_SEGMENTS};
use serde::Serialize;
use trawl_segment::WriteOptions;
use trawl_store::prices::{
    READ_UNIT_BYTES, USD_PER_GB_SECOND, USD_PER_GET, USD_PER_INVOCATION, USD_PER_READ_UNIT, WORKER_GB,
};

use super::assumptions::Assumptions;
use super::figures::{Class, Data, Figures, Growth};

/// Round trips that a segment takes before its row groups: directory, then chunks of the index.
const ROUND_TRIPS_TO_OPEN: f64 = 2.0;
/// Round trips of a row group: columns of the predicate, then those of the result.
const ROUND_TRIPS_PER_ROW_GROUP: f64 = 2.0;

/// How much data, and how many workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Scale {
    /// Bytes of the events as they were sent.
    pub raw_bytes: u64,
    /// Most workers at once.
    pub workers: u64,
}

/// What the growing part of a search waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The workers' own work.
    Workers,
    /// The rate at which S3 answers.
    Requests,
    /// The rate at which the coordinator hands out tasks.
    Dispatch,
}

/// What a search would take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// From the request to the last answer.
    pub seconds: f64,
    /// Of that, reading the catalog.
    pub planning_seconds: f64,
    /// What most of the rest is spent on, if it grows.
    pub bound: Bound,
    /// Object-store reads.
    pub gets: f64,
    /// Bytes read from the object store.
    pub bytes_read: f64,
    /// Tasks.
    pub tasks: f64,
    /// Seconds of all workers together.
    pub worker_seconds: f64,
    /// US dollars, all in all.
    pub usd: f64,
    /// Of that, for GETs.
    pub usd_gets: f64,
    /// Of that, for the time of functions and their invocations.
    pub usd_functions: f64,
    /// Of that, for reading the catalog.
    pub usd_catalog: f64,
}

/// Some work at the object store and on a core.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Work {
    bytes: f64,
    gets: f64,
    /// One after the other.
    round_trips: f64,
    cpu_seconds: f64,
}

impl Work {
    fn of(class: &Class, data: &Data, assumptions: &Assumptions) -> Self {
        let gets = class.gets as f64;
        let row_groups = data.raw_bytes as f64 / WriteOptions::default().row_group_bytes as f64;
        let most = ROUND_TRIPS_TO_OPEN * data.segments as f64 + ROUND_TRIPS_PER_ROW_GROUP * row_groups;
        let round_trips = class.round_trips.map_or(gets.min(most), |counted| counted as f64);
        Self {
            bytes: class.bytes_read as f64,
            gets,
            // A call with more ranges than connections waits again.
            round_trips: round_trips.max(gets / assumptions.connections),
            cpu_seconds: class.worker_seconds * assumptions.cpu_factor,
        }
    }

    fn times(self, factor: f64) -> Self {
        Self {
            bytes: self.bytes * factor,
            gets: self.gets * factor,
            round_trips: self.round_trips * factor,
            cpu_seconds: self.cpu_seconds * factor,
        }
    }

    /// What is more than `other`.
    fn beyond(self, other: Self) -> Self {
        let more = |own: f64, others: f64| (own - others).max(0.0);
        Self {
            bytes: more(self.bytes, other.bytes),
            gets: more(self.gets, other.gets),
            round_trips: more(self.round_trips, other.round_trips),
            cpu_seconds: more(self.cpu_seconds, other.cpu_seconds),
        }
    }

    /// Bytes per second when this work's requests go out over as many connections as they can.
    fn bandwidth(self, assumptions: &Assumptions) -> f64 {
        let at_once = if self.round_trips > 0.0 { self.gets / self.round_trips } else { 1.0 };
        let at_once = at_once.clamp(1.0, assumptions.connections);
        (at_once * assumptions.connection_bytes_per_second).min(assumptions.burst_bytes_per_second)
    }

    /// Seconds of one worker that does all of it, but for the invocations.
    fn seconds(self, assumptions: &Assumptions) -> f64 {
        let transfer = transfer_seconds(self.bytes, self.bandwidth(assumptions), assumptions);
        self.round_trips * assumptions.first_byte.as_secs_f64() + self.cpu_seconds + transfer
    }
}

/// Seconds in which one worker moves `bytes`: at `bandwidth` while the burst lasts, then no faster than the baseline.
fn transfer_seconds(bytes: f64, bandwidth: f64, assumptions: &Assumptions) -> f64 {
    let in_burst = bytes.min(assumptions.burst_bytes);
    let later = bandwidth.min(assumptions.baseline_bytes_per_second);
    in_burst / bandwidth + (bytes - in_burst) / later
}

/// The part of a class's work that grows with the data, and the part that does not.
fn split(figures: &Figures, class: &Class, assumptions: &Assumptions) -> (Work, Work) {
    let work = |class| Work::of(class, &figures.data, assumptions);
    match &class.growth {
        Growth::WithData => (work(class), Work::default()),
        Growth::Constant => (Work::default(), work(class)),
        Growth::LikeAbsent(name) => match figures.class(name) {
            Some(absent) => (work(absent), work(class).beyond(work(absent))),
            None => (work(class), Work::default()),
        },
    }
}

/// What a search of this class would take.
pub fn estimate(figures: &Figures, class: &Class, scale: Scale, assumptions: &Assumptions) -> Estimate {
    let data = &figures.data;
    let ratio = scale.raw_bytes as f64 / data.raw_bytes.max(1) as f64;
    let segments = data.segments as f64 * ratio;
    let (growing, fixed) = split(figures, class, assumptions);
    let growing = growing.times(ratio);
    let tasks = match class.growth {
        Growth::Constant => 1.0,
        _ => (segments / segments_per_task(data)).max(1.0),
    };
    let workers = tasks.min(scale.workers.max(1) as f64);

    let invocation = assumptions.invocation.as_secs_f64();
    let cold_start = assumptions.cold_start.as_secs_f64();
    let share = growing.times(1.0 / workers);
    let share_seconds = tasks / workers * invocation + share.seconds(assumptions);
    let at_request_rate = growing.gets / (assumptions.prefix_gets_per_second * assumptions.days.max(1.0));
    let at_dispatch_rate = tasks / assumptions.dispatch_per_second;
    let of_workers = ramped_seconds(share_seconds, workers, assumptions);
    let growing_seconds = of_workers.max(at_request_rate).max(at_dispatch_rate);
    let bound = match growing_seconds {
        longest if longest <= of_workers => Bound::Workers,
        longest if longest <= at_request_rate => Bound::Requests,
        _ => Bound::Dispatch,
    };

    let (planning_seconds, read_units) = planning(segments, assumptions);
    let seconds = planning_seconds + cold_start + growing_seconds + fixed.seconds(assumptions);
    // A worker that waits for the rate of requests is paid for as well.
    let busy_seconds = share_seconds.max(at_request_rate) * workers;
    let worker_seconds = busy_seconds + cold_start * workers + fixed.seconds(assumptions);
    let usd_gets = (growing.gets + fixed.gets) * USD_PER_GET;
    let usd_functions = (worker_seconds + seconds) * WORKER_GB * USD_PER_GB_SECOND + (tasks + 1.0) * USD_PER_INVOCATION;
    let usd_catalog = read_units * USD_PER_READ_UNIT;
    Estimate {
        seconds,
        planning_seconds,
        bound,
        gets: growing.gets + fixed.gets,
        bytes_read: growing.bytes + fixed.bytes,
        tasks,
        worker_seconds,
        usd: usd_gets + usd_functions + usd_catalog,
        usd_gets,
        usd_functions,
        usd_catalog,
    }
}

/// Whole segments of the measured size that fit into a task.
fn segments_per_task(data: &Data) -> f64 {
    let segment_bytes = (data.stored_bytes / data.segments.max(1)).max(1);
    (TASK_BYTES / segment_bytes).clamp(1, TASK_SEGMENTS as u64) as f64
}

/// Seconds to read the rows of so many segments, and the read units that takes. The rows of a day come page after page.
fn planning(segments: f64, assumptions: &Assumptions) -> (f64, f64) {
    let days = assumptions.days.max(1.0);
    let catalog_bytes = segments * assumptions.row_bytes;
    let pages_of_a_day = (catalog_bytes / days / assumptions.page_bytes).max(1.0);
    let rounds = (days / assumptions.parallel_days).max(1.0);
    let seconds = assumptions.overhead.as_secs_f64() + pages_of_a_day * rounds * assumptions.page.as_secs_f64();
    (seconds, (catalog_bytes / READ_UNIT_BYTES as f64).max(days))
}

/// Seconds until `workers` have each worked `share_seconds`, or fewer of them as much, while Lambda gives a step of
/// workers at once and another one after each interval.
fn ramped_seconds(share_seconds: f64, workers: f64, assumptions: &Assumptions) -> f64 {
    let interval = assumptions.scaling_interval.as_secs_f64();
    let mut left = share_seconds * workers;
    let mut running = assumptions.scaling_step.max(1.0).min(workers);
    let mut seconds = 0.0;
    while running < workers && left > running * interval {
        left -= running * interval;
        seconds += interval;
        running = (running + assumptions.scaling_step.max(1.0)).min(workers);
    }
    seconds + left / running
}

#[cfg(test)]
mod tests;
