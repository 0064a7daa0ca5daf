//! What the model takes for granted, each with its source.

use std::time::Duration;

use coordinator::plan::{TASK_BYTES, TASK_SEGMENTS};
use serde::Serialize;
use trawl_segment::WriteOptions;
use trawl_store::model::{CONNECTION_BYTES_PER_SECOND, CONNECTIONS, FIRST_BYTE};
use trawl_store::prices::{
    READ_UNIT_BYTES, USD_PER_GB_SECOND, USD_PER_GET, USD_PER_INVOCATION, USD_PER_READ_UNIT, WORKER_GB,
};

/// Where a measured value comes from, and where a value is a guess that no measurement on AWS stands behind yet.
const GUESS: &str = "guess, to be measured on AWS";
const FUNCTION_NETWORK: &str = "arXiv 2501.07771 (Lambda's network: a burst, then a baseline), rounded";

/// The numbers that an estimate rests on, beside the measured figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Assumptions {
    /// From an S3 request to its first byte.
    pub first_byte: Duration,
    /// Bandwidth of one S3 connection.
    pub connection_bytes_per_second: f64,
    /// Connections of a worker.
    pub connections: f64,
    /// Bandwidth of a worker until it has moved [`Self::burst_bytes`].
    pub burst_bytes_per_second: f64,
    /// Bytes at that bandwidth, for each worker and search.
    pub burst_bytes: f64,
    /// Bandwidth of a worker after that.
    pub baseline_bytes_per_second: f64,
    /// GETs per second of one prefix (a day).
    pub prefix_gets_per_second: f64,
    /// Days that the data spans.
    pub days: f64,
    /// Seconds on Lambda for each second that a worker was measured to take.
    pub cpu_factor: f64,
    /// Workers that Lambda gives at once, and again after each [`Self::scaling_interval`].
    pub scaling_step: f64,
    /// See [`Self::scaling_step`].
    pub scaling_interval: Duration,
    /// Start of a worker that is not there yet.
    pub cold_start: Duration,
    /// From handing out a task to its first instruction, and back.
    pub invocation: Duration,
    /// Tasks that the coordinator hands out per second.
    pub dispatch_per_second: f64,
    /// Bytes of a segment's row in the catalog.
    pub row_bytes: f64,
    /// Bytes of a page of rows.
    pub page_bytes: f64,
    /// Time of a page.
    pub page: Duration,
    /// Days whose rows are read side by side.
    pub parallel_days: f64,
    /// From the request to the beginning of the plan, and from the last result to the answer.
    pub overhead: Duration,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            first_byte: FIRST_BYTE,
            connection_bytes_per_second: CONNECTION_BYTES_PER_SECOND as f64,
            connections: CONNECTIONS as f64,
            burst_bytes_per_second: 1.2e9,
            burst_bytes: 300e6,
            baseline_bytes_per_second: 75e6,
            prefix_gets_per_second: 5500.0,
            days: 30.0,
            cpu_factor: 1.0,
            scaling_step: 1000.0,
            scaling_interval: Duration::from_secs(10),
            cold_start: Duration::from_millis(250),
            invocation: Duration::from_millis(15),
            dispatch_per_second: 2000.0,
            row_bytes: 2000.0,
            page_bytes: 1e6,
            page: Duration::from_millis(20),
            parallel_days: 16.0,
            overhead: Duration::from_millis(100),
        }
    }
}

/// One assumption, for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assumption {
    /// What it is about.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// In this unit.
    pub unit: &'static str,
    /// Who says so.
    pub source: &'static str,
}

impl Assumptions {
    /// All of them, prices and the planner's limits included.
    pub fn list(&self) -> Vec<Assumption> {
        let item = |name, value, unit, source| Assumption { name, value, unit, source };
        let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let row_group_bytes = WriteOptions::default().row_group_bytes as f64;
        vec![
            item(
                "S3: first byte of a request",
                ms(self.first_byte),
                "ms",
                "docs/design.md: planned median; AWS: 100–200 ms",
            ),
            item(
                "S3: bandwidth of a connection",
                self.connection_bytes_per_second / 1e6,
                "MB/s",
                "AWS, S3 performance design patterns: 85–90",
            ),
            item("S3: connections of a worker", self.connections, "", "limit of the model"),
            item(
                "S3: GETs per second and prefix",
                self.prefix_gets_per_second,
                "1/s",
                "AWS, S3 performance guidelines; a day is a prefix",
            ),
            item("data: days it spans", self.days, "d", "--days; evenly spread"),
            item(
                "data: bytes of a row group, raw",
                row_group_bytes / 1e6,
                "MB",
                "segment writer; at most 2 round trips each",
            ),
            item("task: stored bytes", TASK_BYTES as f64 / 1e6, "MB", "coordinator, TASK_BYTES"),
            item("task: segments", TASK_SEGMENTS as f64, "", "coordinator, TASK_SEGMENTS"),
            item("Lambda: memory of a worker", WORKER_GB, "GB", "AWS Lambda: 1 vCPU"),
            item(
                "Lambda: time of a worker per second measured",
                self.cpu_factor,
                "s/s",
                "--cpu-factor; measure on one core",
            ),
            item("Lambda: network in a burst", self.burst_bytes_per_second / 1e6, "MB/s", FUNCTION_NETWORK),
            item("Lambda: bytes of a burst", self.burst_bytes / 1e6, "MB", FUNCTION_NETWORK),
            item("Lambda: network after it", self.baseline_bytes_per_second / 1e6, "MB/s", FUNCTION_NETWORK),
            item("Lambda: workers at once, and more per 10 s", self.scaling_step, "", "AWS, Lambda scaling behavior"),
            item("Lambda: cold start", ms(self.cold_start), "ms", GUESS),
            item("Lambda: invocation", ms(self.invocation), "ms", GUESS),
            item("coordinator: tasks handed out per second", self.dispatch_per_second, "1/s", GUESS),
            item("coordinator: request and answer", ms(self.overhead), "ms", GUESS),
            item(
                "catalog: bytes of a row",
                self.row_bytes,
                "B",
                "size of a row's JSON, zones included (at most 1.5 KB of them)",
            ),
            item("catalog: bytes of a page", self.page_bytes / 1e6, "MB", "AWS, DynamoDB Query"),
            item("catalog: time of a page", ms(self.page), "ms", GUESS),
            item("catalog: days read side by side", self.parallel_days, "", GUESS),
            item("price: 1,000 GETs", USD_PER_GET * 1e3, "$", "AWS price list, us-east-1, 2026-11"),
            item(
                "price: 1,000 GB-seconds on arm64",
                USD_PER_GB_SECOND * 1e3,
                "$",
                "AWS price list, us-east-1, 2026-11",
            ),
            item("price: 1,000,000 invocations", USD_PER_INVOCATION * 1e6, "$", "AWS price list, us-east-1, 2026-11"),
            item("price: 1,000,000 read units", USD_PER_READ_UNIT * 1e6, "$", "AWS price list, us-east-1, 2026-11"),
            item("catalog: bytes of a read unit", READ_UNIT_BYTES as f64, "B", "AWS, DynamoDB: strongly consistent"),
        ]
    }
}
