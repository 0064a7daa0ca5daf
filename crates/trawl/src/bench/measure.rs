//! Runs queries and notes what they took.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::Value;
use trawl_client::{SearchPage, SearchRequest, SearchStatus};
use trawl_store::prices::WORKER_GB;

use super::figures::{Class, Data, Figures};
use super::queries::{Case, standard};
use super::target::{Target, Tracked};
use crate::search::{ending, explain};
use crate::units;

/// Events from which the terms of the standard queries are taken: the newest.
const SAMPLE_EVENTS: u64 = 1000;

/// How to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Queries to run instead of the standard ones.
    pub queries: Vec<String>,
    /// How often each is run.
    pub runs: u32,
    /// Events that a search asks for.
    pub limit: u64,
}

/// Runs the queries of a plan one after the other. `progress` is told what comes next.
pub fn measure(target: Target<'_>, plan: &Plan, mut progress: impl FnMut(&str)) -> anyhow::Result<Figures> {
    let status = target.status()?;
    let data = Data {
        raw_bytes: status.raw_bytes,
        stored_bytes: status.stored_bytes,
        index_bytes: status.index_bytes,
        events: status.events,
        segments: status.segments,
    };
    data.check()?;
    if status.tail_events > 0 {
        progress(&format!(
            "{} in flight will be read by each search: `trawl compact` first gives figures of segments alone",
            units::counted(status.tail_events, "event")
        ));
    }
    let cases = if plan.queries.is_empty() {
        progress("taking terms from the newest events");
        standard(&sample(target)?)
    } else {
        plan.queries.iter().map(|query| Case::of(query)).collect()
    };
    let mut classes = Vec::with_capacity(cases.len());
    for case in &cases {
        progress(&format!("{}: {}", case.name, case.query));
        classes.push(run_case(target, plan, case)?);
    }
    Ok(Figures { origin: format!("measured on {}", target.name()), data, classes })
}

fn sample(target: Target<'_>) -> anyhow::Result<Vec<Value>> {
    let mut events = Vec::new();
    let request = SearchRequest { query: "*".to_owned(), limit: Some(SAMPLE_EVENTS), ..SearchRequest::default() };
    target.search(&request, |page| {
        events.extend(page.events.iter().filter_map(|event| serde_json::from_str(event.get()).ok()));
        Ok(())
    })?;
    Ok(events)
}

fn run_case(target: Target<'_>, plan: &Plan, case: &Case) -> anyhow::Result<Class> {
    let mut runs = Vec::new();
    for _ in 0..plan.runs.max(1) {
        runs.push(run_once(target, plan, case)?);
    }
    runs.sort_by(|one, other| one.wall_ms.total_cmp(&other.wall_ms));
    // There is at least one run.
    Ok(runs.swap_remove((runs.len() - 1) / 2))
}

fn run_once(target: Target<'_>, plan: &Plan, case: &Case) -> anyhow::Result<Class> {
    let request = SearchRequest { query: case.query.clone(), limit: Some(plan.limit), ..SearchRequest::default() };
    let began = Instant::now();
    let mut found = 0;
    let Tracked { last, usage } = target
        .search(&request, |page: &mut SearchPage| {
            found += page.events.len() as u64;
            Ok(())
        })
        .map_err(|error| match error.downcast() {
            Ok(refusal) => explain(refusal, &case.query),
            Err(error) => error,
        })?;
    let wall_ms = milliseconds(began.elapsed());
    ensure!(last.status == SearchStatus::Complete, "{}: {}", case.query, ending(&last));
    let (progress, cost) = (last.progress, last.cost);
    Ok(Class {
        name: case.name.clone(),
        query: case.query.clone(),
        growth: case.growth(last.aggregates.is_none() && found >= plan.limit),
        wall_ms,
        // Tasks report whole milliseconds.
        worker_seconds: (cost.gb_seconds / WORKER_GB * 1000.0).round() / 1000.0,
        bytes_read: progress.bytes_read,
        gets: cost.gets,
        round_trips: usage.map(|usage| usage.round_trips),
        s3_ms: usage.map(|usage| milliseconds(usage.time)),
        granules_read: progress.granules_read,
        granules_total: progress.granules_total,
        events_matched: progress.events_matched,
        usd: cost.usd,
    })
}

/// In milliseconds, to the microsecond.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
