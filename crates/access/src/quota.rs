//! What was used of a limit, across all processes that take part.
//!
//! Time is cut into windows of ten seconds; a window's budget is ten times the limit a second, so that a short burst
//! passes. Each process counts for itself and adds what it counted to the one document of the window whenever that comes
//! to a twentieth of the budget, and with its first request: many processes go over by that share each at most, and a
//! request costs no round trip. A request is let in while there is any budget left, so that one that is larger than a
//! window still passes. While the document cannot be written, each process goes by what it knows.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::json;
use trawl_api::ApiError;
use trawl_event::{TenantId, Timestamp};
use trawl_store::ports::documents::add_to;
use trawl_store::ports::{Clock, DocumentKey, Documents, Kind, Result};

use crate::key::KeyId;

/// How long a window is, in seconds.
pub const WINDOW_S: i64 = 10;
/// The share of a window's budget after which a process tells the others.
const SHARE: u64 = 20;
/// How long a document stays after its window.
const KEPT: Duration = Duration::from_secs(300);
/// Windows that are remembered at most: those of the past are forgotten first.
const REMEMBERED: usize = 100_000;

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Meter {
    /// Bytes of events that were sent, decompressed.
    IngestBytes,
    /// Events that were sent.
    IngestEvents,
    /// Requests with a key.
    Requests(KeyId),
}

impl Meter {
    fn name(&self) -> String {
        match self {
            Self::IngestBytes => "ingest-bytes".into(),
            Self::IngestEvents => "ingest-events".into(),
            Self::Requests(id) => format!("requests-{id}"),
        }
    }

    fn unit(&self) -> &'static str {
        match self {
            Self::IngestBytes => "bytes of events a second",
            Self::IngestEvents => "events a second",
            Self::Requests(_) => "requests a second with this key",
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    number: i64,
    /// What all had used when it was last told.
    told: u64,
    /// What this process used since.
    pending: u64,
}

/// Counts what is used.
#[derive(Debug)]
pub struct Quota<D, C> {
    documents: D,
    clock: C,
    windows: Mutex<HashMap<(TenantId, Meter), Window>>,
}

impl<D: Documents, C: Clock> Quota<D, C> {
    /// Counts in `documents`.
    pub fn new(documents: D, clock: C) -> Self {
        Self { documents, clock, windows: Mutex::default() }
    }

    /// Lets a request in that uses `amount` of a limit of `per_second`, or says when there is budget again.
    pub async fn admit(
        &self,
        tenant: &TenantId,
        meter: &Meter,
        per_second: u64,
        amount: u64,
    ) -> std::result::Result<(), ApiError> {
        let now = self.clock.now();
        let number = now.0.div_euclid(WINDOW_S * 1_000_000_000);
        let budget = per_second.saturating_mul(WINDOW_S.unsigned_abs());
        let tell = {
            let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
            if windows.len() >= REMEMBERED {
                windows.retain(|_, window| window.number == number);
            }
            let window = windows.entry((tenant.clone(), meter.clone())).or_default();
            let is_new = window.number != number;
            if is_new {
                *window = Window { number, ..Window::default() };
            }
            if window.told.saturating_add(window.pending) >= budget {
                return Err(over(meter, per_second, number, now));
            }
            window.pending = window.pending.saturating_add(amount);
            let is_worth = window.pending >= (budget / SHARE).max(1);
            (is_new || is_worth).then(|| std::mem::take(&mut window.pending))
        };
        let Some(used) = tell else { return Ok(()) };
        let told = self.tell(tenant, meter, number, used).await;
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry((tenant.clone(), meter.clone())).or_default();
        if window.number == number {
            match told {
                Ok(all) => window.told = window.told.max(all),
                Err(error) => {
                    tracing::warn!(%error, %tenant, "what was used of a limit could not be written");
                    window.told = window.told.saturating_add(used);
                }
            }
            // Others may have used it up in the meantime; what came first has passed.
            if window.told.saturating_sub(used) >= budget {
                return Err(over(meter, per_second, number, now));
            }
        }
        Ok(())
    }

    /// Adds to the document of a window; what all used by then.
    async fn tell(&self, tenant: &TenantId, meter: &Meter, number: i64, used: u64) -> Result<u64> {
        let ends = Timestamp((number + 1).saturating_mul(WINDOW_S * 1_000_000_000));
        let expires = ends.plus_ns(KEPT.as_nanos() as i64);
        add_to(
            &self.documents,
            &DocumentKey::of(tenant, Kind::Usage, format!("{}/{number}", meter.name())),
            used,
            expires,
        )
        .await
    }
}

fn over(meter: &Meter, per_second: u64, number: i64, now: Timestamp) -> ApiError {
    let ends_ns = (number + 1).saturating_mul(WINDOW_S * 1_000_000_000);
    let seconds = u64::try_from(ends_ns.saturating_sub(now.0)).unwrap_or(0).div_ceil(1_000_000_000).max(1);
    let message = format!("the limit of {per_second} {} is used up: try again in {seconds} s", meter.unit());
    over_limit("rate_limited", message, seconds).with_detail(json!({
        "limit": per_second, "unit": meter.unit(), "retry_after_seconds": seconds,
    }))
}

/// 429, and when to come again.
pub fn over_limit(code: &'static str, message: String, seconds: u64) -> ApiError {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, code, message).with_header(RETRY_AFTER, seconds.to_string())
}
