//! A made-up shop: what a request does, and what it logs.
//!
//! Most of it goes through `tracing`, as a service's own code would have it. The line of the access log is handed to
//! the logger itself, which says whether it was accepted.

use serde::Serialize;
use tracing::{debug, error, info_span, warn};
use trawl_client::Logger;
use trawl_client::logger::{Event, Level};

/// Paths and their typical latency in milliseconds.
const ROUTES: [(&str, f64); 5] =
    [("/api/cart", 4.0), ("/api/checkout", 35.0), ("/api/orders", 12.0), ("/api/search", 60.0), ("/health", 0.2)];

/// Handles requests as chance has it.
pub struct Shop {
    chance: Chance,
}

/// A line of the access log.
#[derive(Serialize)]
struct Access<'a> {
    n: u64,
    trace_id: &'a str,
    http: Http<'a>,
    latency_ms: f64,
}

#[derive(Serialize)]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    status: u16,
}

impl Shop {
    /// The requests of this seed.
    pub fn new(seed: u64) -> Self {
        Self { chance: Chance(seed) }
    }

    /// Handles a request. Whether the line of the access log was accepted.
    pub fn handle(&mut self, logger: &Logger, n: u64) -> bool {
        let trace_id = format!("{:016x}{:016x}", self.chance.bits(), self.chance.bits());
        let (path, typical_ms) = ROUTES[self.chance.below(ROUTES.len())];
        let latency_ms = self.chance.latency_ms(typical_ms);
        let _request = info_span!("request", n, trace_id = trace_id.as_str(), path).entered();
        debug!("request came in");
        if self.chance.below(4) == 0 {
            let _query = info_span!("query", table = "orders").entered();
            debug!(rows = self.chance.below(50), "rows were read");
        }
        let status = match self.chance.below(100) {
            0 => {
                error!(upstream = "payments", after_ms = 5000, "upstream timed out");
                504
            }
            1..4 => {
                warn!(reason = "insufficient funds", "card was declined");
                402
            }
            _ => 200,
        };
        let method = if path == "/api/checkout" { "POST" } else { "GET" };
        let access = Access { n, trace_id: &trace_id, http: Http { method, path, status }, latency_ms };
        let level = if status >= 500 { Level::Error } else { Level::Info };
        logger.send(&Event::new(level, "request was answered").target("access").fields(access)).is_ok()
    }
}

/// SplitMix64: <https://prng.di.unimi.it/splitmix64.c>.
struct Chance(u64);

impl Chance {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// A latency around a typical one, now and then ten times as long.
    fn latency_ms(&mut self, typical: f64) -> f64 {
        let spread = 0.5 + self.below(1000) as f64 / 1000.0;
        let tail = if self.below(50) == 0 { 10.0 } else { 1.0 };
        (typical * spread * tail * 100.0).round() / 100.0
    }
}
