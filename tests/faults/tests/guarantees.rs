//! G1–G8 under injected faults: `TRAWL_FAULT_SEEDS` seeds, or the one in `TRAWL_FAULT_SEED` with a
//! line for each port call.
#![allow(clippy::print_stdout)]

use std::env;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use trawl_faults::faults::Coverage;
use trawl_faults::scenario::{run_seed, trace_seed};

/// Seeds that `make test` runs.
const DEFAULT_SEEDS: u64 = 1000;
/// From this many seeds on, all that is listed in [`MUST_HAPPEN`] must have happened.
const SEEDS_FOR_COVERAGE: u64 = 500;
/// Failing seeds after which the others are not run.
const MOST_FAILURES: usize = 5;

/// Calls that must each have been refused, late, and answered in vain.
const OPERATIONS: [&str; 18] = [
    "stream.shards",
    "stream.append",
    "stream.read",
    "stream.end",
    "objects.put_if_absent",
    "objects.get_ranges",
    "objects.delete",
    "objects.list",
    "catalog.checkpoint",
    "catalog.claim",
    "catalog.commit",
    "catalog.snapshot",
    "catalog.live",
    "catalog.replace",
    "searches.put_state",
    "searches.state",
    "searches.put_page",
    "workers.run",
];

/// What else must have happened.
const MUST_HAPPEN: [&str; 44] = [
    "a day went by",
    "acknowledged request repeated",
    "another tenant asked for a search",
    "append sent to another shard",
    "client gave up",
    "clock jumped back",
    "clock jumped forward",
    "commit: Committed",
    "commit: Conflict",
    "confirmed records delivered again",
    "crash of compactor",
    "crash of coordinator",
    "crash of ingest",
    "crash of persister",
    "crash of scan worker",
    "crash of search run",
    "crash of second persister",
    "half-done objects.put_if_absent",
    "half-done searches.put_page",
    "most of an hour went by",
    "objects removed",
    "page followed by a cursor",
    "page read while the search ran",
    "persister run taken for dead goes on",
    "poisoned record",
    "records delivered again, cut anew",
    "repeated batch dropped",
    "replacement: Committed",
    "replacement: Conflict",
    "request repeated most of an hour later",
    "request tried again",
    "search ended: Cancelled",
    "search ended: Complete",
    "search ended: Partial",
    "search launched twice",
    "search run handed over",
    "search run left out tasks of another",
    "search run went on behind pages of another",
    "search run went on past a limit",
    "search run went on where another was",
    "segments merged",
    "two persisters at once",
    "went on past the limit of a search: Complete",
    "went on past the limit of a search: Running",
];

#[test]
fn guarantees_hold_under_injected_faults() {
    if let Some(seed) = number("TRAWL_FAULT_SEED") {
        return trace(seed);
    }
    let seeds = number("TRAWL_FAULT_SEEDS").unwrap_or(DEFAULT_SEEDS);
    let next = AtomicU64::new(0);
    let coverage = Mutex::new(Coverage::default());
    let failures: Mutex<Vec<(u64, String)>> = Mutex::default();
    let run_seeds = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds || lock(&failures).len() >= MOST_FAILURES {
                return;
            }
            match catch_unwind(|| run_seed(seed, None)) {
                Ok(outcome) => {
                    lock(&coverage).merge(outcome.coverage);
                    lock(&failures).extend(outcome.violations.into_iter().next().map(|first| (seed, first)));
                }
                Err(_) => lock(&failures).push((seed, "a stage panicked".to_owned())),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(run_seeds);
        }
    });
    for (seed, violation) in lock(&failures).iter() {
        println!("seed {seed}: {violation}");
        println!("  to see each port call: TRAWL_FAULT_SEED={seed} cargo test -p trawl-faults --test guarantees");
    }
    assert!(lock(&failures).is_empty(), "{} seeds failed: see above", lock(&failures).len());
    let coverage = lock(&coverage);
    if seeds >= SEEDS_FOR_COVERAGE {
        let calls = OPERATIONS
            .iter()
            .flat_map(|operation| ["refused", "late", "lost answer of"].map(|fault| format!("{fault} {operation}")));
        let expected = calls.chain(MUST_HAPPEN.map(str::to_owned));
        let absent: Vec<String> = expected.filter(|what| coverage.of(what) == 0).collect();
        assert!(absent.is_empty(), "in {seeds} seeds these never happened: {absent:?}");
    }
    println!("{seeds} seeds: {coverage:#?}");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn trace(seed: u64) {
    let outcome = trace_seed(seed);
    for line in outcome.trace {
        println!("{line}");
    }
    assert!(outcome.violations.is_empty(), "seed {seed}: {:#?}", outcome.violations);
}

#[test]
fn a_seed_gives_the_same_run_each_time() {
    for seed in [3, 14, 15] {
        let (one, other) = (run_seed(seed, None), run_seed(seed, None));
        assert_eq!(one.coverage, other.coverage, "seed {seed}");
    }
}
