//! How often what goes wrong, and what did.

use std::collections::BTreeMap;

use crate::chance::Chance;

/// Probabilities of faults. A seed draws its own, so that some runs are calm and some are storms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates {
    /// A call fails and does nothing.
    pub refuse: f64,
    /// A call takes effect and its answer is lost.
    pub lose: f64,
    /// A call or its answer is late.
    pub delay: f64,
    /// A run of a stage dies between two calls.
    pub crash: f64,
    /// A run is taken for dead, delivered again, and goes on all the same.
    pub zombie: f64,
    /// An append that failed for certain is sent to another shard, as a producer of Kinesis may.
    pub reroute: f64,
    /// A client repeats a request that was answered.
    pub repeat: f64,
    /// With each draw, the clock of the stages is set anew.
    pub clock_jump: f64,
    /// How far that clock may be off, in nanoseconds: less than the hour that the compactor grants
    /// between clocks, and than the time that a search's objects outlive it.
    pub clock_error_ns: i64,
}

/// 8 minutes: a stage takes events up to 10 minutes ahead of its clock, and a retired segment
/// stays for 20, which two such errors must not use up.
const CLOCK_ERROR_NS: i64 = 8 * 60 * 1_000_000_000;

impl Rates {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// What a seed draws.
    pub fn draw(chance: &mut Chance) -> Self {
        let mut up_to = |most: f64| most * chance.below(1001) as f64 / 1000.0;
        Self {
            refuse: up_to(0.06),
            lose: up_to(0.05),
            delay: up_to(0.06),
            crash: up_to(0.4),
            zombie: up_to(0.4),
            reroute: up_to(0.3),
            repeat: up_to(0.4),
            clock_jump: up_to(0.01),
            clock_error_ns: CLOCK_ERROR_NS,
        }
    }
}

/// How often each thing took place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(pub BTreeMap<String, u64>);

impl Coverage {
    /// Counts something.
    pub fn add(&mut self, what: String, times: u64) {
        *self.0.entry(what).or_default() += times;
    }

    /// Adds up two runs.
    pub fn merge(&mut self, other: Self) {
        for (what, times) in other.0 {
            self.add(what, times);
        }
    }

    /// How often something took place.
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }
}
