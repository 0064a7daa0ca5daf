//! The ingest stage: a request of events → batches in the stream → `202`.
//!
//! [`Ingest::answer`] takes the native route and those of the shippers that speak other protocols ([`protocol`]):
//! each body is decoded by the decoder of its protocol, all events go the same way, and the answer is the protocol's own.
//!
//! Nothing is acknowledged before the stream has all of it. When one part of a request
//! cannot be appended the whole request fails; the caller sends it again under the same
//! batch id, and the parts that were there already count once.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, Response, StatusCode};
use serde_json::json;
use trawl_api::events::{PushAnswer, RejectedEvent};
use trawl_api::{ApiError, ApiResult};
use trawl_event::decode::{self, BodyError, Decoded, Encoding};
use trawl_event::limits::{MAX_AHEAD_NS, MAX_BODY_BYTES};
use trawl_event::shred::TimeRule;
use trawl_event::{BatchId, TenantId, Timestamp, batch};
use trawl_store::ports::{Clock, Ids, NewRecord, StoreError, Stream};

pub mod protocol;

pub use protocol::{Asked, introduce, refuse, serves};

/// The header that names a request so that it may be repeated.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What a deployment chooses.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Events older than this are refused (`TRAWL_MAX_EVENT_AGE`); `None` takes any.
    pub max_event_age: Option<Duration>,
}

/// How many events of a request were taken and refused; the answer to it carries this as an extension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Events that are in the stream.
    pub accepted: u64,
    /// Events that were refused.
    pub rejected: u64,
}

/// Decides whether a tenant may send as much as it does.
pub trait Admission: Send + Sync {
    /// Counts events and their bytes, decompressed, before they are stored; the error is the answer to who sends too much.
    fn admit(&self, tenant: &TenantId, bytes: u64, events: u64) -> impl Future<Output = Result<(), ApiError>> + Send;
}

/// Everybody may send anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl Admission for Unlimited {
    async fn admit(&self, _: &TenantId, _: u64, _: u64) -> Result<(), ApiError> {
        Ok(())
    }
}

/// The stage, over its ports.
pub struct Ingest<S, C, A = Unlimited> {
    stream: S,
    clock: C,
    admission: A,
    settings: Settings,
}

impl<S: Stream, C: Clock + Ids> Ingest<S, C> {
    /// A stage that appends to `stream`.
    pub fn new(stream: S, clock: C, settings: Settings) -> Self {
        Self { stream, clock, admission: Unlimited, settings }
    }

    /// The same, for tenants that may send so much.
    pub fn within<A: Admission>(self, admission: A) -> Ingest<S, C, A> {
        let Self { stream, clock, settings, .. } = self;
        Ingest { stream, clock, admission, settings }
    }
}

impl<S: Stream, C: Clock + Ids, A: Admission> Ingest<S, C, A> {
    /// `POST /v1/events`.
    pub async fn handle(&self, tenant: &TenantId, headers: &HeaderMap, body: Bytes) -> Response<Bytes> {
        self.accept(tenant, headers, &body).await.unwrap_or_else(ApiError::into_response)
    }

    async fn accept(&self, tenant: &TenantId, headers: &HeaderMap, body: &[u8]) -> ApiResult {
        let encoding = encoding(headers)?;
        let key = idempotency_key(tenant, headers)?;
        let body = decode::decompress(body, encoding).map_err(body_error)?;
        let received = self.clock.now();
        let decoded = decode::decode(&body, &self.time_rule(received)).map_err(body_error)?;
        if decoded.accepted == 0 {
            return Ok(counted(nothing_acceptable(&decoded).into_response(), &decoded));
        }
        let id = match key {
            Some(id) => id,
            None if decoded.all_timestamped => BatchId::from_body(tenant, &body),
            None => BatchId(self.clock.fresh()),
        };
        drop(body);
        self.append(tenant, id, received, &decoded).await?;
        Ok(counted(trawl_api::json(StatusCode::ACCEPTED, &answer(&decoded, id))?, &decoded))
    }

    /// Appends all parts of a batch; when this returns `Ok` they are durable.
    async fn append(
        &self,
        tenant: &TenantId,
        id: BatchId,
        received: Timestamp,
        decoded: &Decoded,
    ) -> Result<(), ApiError> {
        if decoded.accepted > 0 {
            let bytes = decoded.parts.iter().map(|block| block.raw_bytes).sum();
            self.admission.admit(tenant, bytes, decoded.accepted).await?;
        }
        let filled = decoded.parts.iter().enumerate().filter(|(_, block)| !block.is_empty());
        let appends = filled.map(|(index, block)| {
            let part = id.part(index);
            let mut data = Vec::new();
            batch::encode(tenant, part, received, block, &mut data);
            self.stream.append(NewRecord { batch: part, data: Bytes::from(data) })
        });
        try_join_all(appends).await.map_err(stream_error)?;
        Ok(())
    }

    fn time_rule(&self, received: Timestamp) -> TimeRule {
        let age_ns = |age: Duration| i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
        let oldest = self.settings.max_event_age.map_or(Timestamp::MIN, |age| received.plus_ns(-age_ns(age)));
        TimeRule { received, oldest, latest: received.plus_ns(MAX_AHEAD_NS) }
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let Some(value) = headers.get(CONTENT_ENCODING) else { return Ok(Encoding::Identity) };
    value.to_str().ok().and_then(Encoding::from_header).ok_or_else(|| {
        let message =
            format!("content encoding {value:?} is not supported: expected gzip, zstd, deflate, snappy or none");
        ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content_encoding", message)
    })
}

fn idempotency_key(tenant: &TenantId, headers: &HeaderMap) -> Result<Option<BatchId>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let id = BatchId::from_key(tenant, value.to_str().unwrap_or_default());
    id.map(Some).map_err(|error| ApiError::bad_request("invalid_idempotency_key", error.to_string()))
}

fn body_error(error: BodyError) -> ApiError {
    let status = match error {
        BodyError::TooLarge { .. }
        | BodyError::DecodedTooLarge
        | BodyError::ExpandedTooLarge
        | BodyError::TooManyItems { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    ApiError::new(status, error.code(), error.to_string())
}

/// The error of a body that ended before the server's limit let it in whole.
pub fn body_too_large(bytes: usize) -> ApiError {
    debug_assert!(bytes > MAX_BODY_BYTES);
    body_error(BodyError::TooLarge { bytes })
}

/// An answer with the counts of what it is the answer to.
fn counted(mut response: Response<Bytes>, decoded: &Decoded) -> Response<Bytes> {
    response.extensions_mut().insert(Counted { accepted: decoded.accepted, rejected: decoded.rejected });
    response
}

fn nothing_acceptable(decoded: &Decoded) -> ApiError {
    let rejected = rejected(decoded);
    let first = rejected.first().map_or("", |event| event.message.as_str());
    let message = format!("none of the {} events is acceptable; the first: {first}", decoded.rejected);
    ApiError::bad_request("no_acceptable_event", message)
        .with_detail(json!({"accepted": 0, "rejected": rejected, "rejected_total": decoded.rejected}))
}

fn stream_error(error: StoreError) -> ApiError {
    tracing::warn!(%error, "append failed");
    match error {
        StoreError::Throttled(reason) => ApiError::unavailable("stream_throttled", reason),
        StoreError::Transient(reason) => ApiError::unavailable("stream_unavailable", reason),
        StoreError::Permanent(reason) => ApiError::internal(reason),
    }
}

fn answer(decoded: &Decoded, batch_id: BatchId) -> PushAnswer {
    PushAnswer { accepted: decoded.accepted, rejected: rejected(decoded), rejected_total: decoded.rejected, batch_id }
}

fn rejected(decoded: &Decoded) -> Vec<RejectedEvent> {
    decoded.rejections.iter().map(RejectedEvent::from).collect()
}
