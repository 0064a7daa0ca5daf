//! Answers of Splunk's HTTP Event Collector
//! (<https://docs.splunk.com/Documentation/Splunk/latest/Data/TroubleshootHTTPEventCollector#Possible_error_codes>).
//!
//! An `X-Splunk-Request-Channel` is taken and does nothing: an answer comes when all events are durable.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use trawl_api::{ApiError, ApiResult};
use trawl_event::decode::Decoded;
use trawl_event::protocol::hec::{BLANK_EVENT, Defaults, MISSING_EVENT};

use super::{Asked, refusals};
use crate::counted;

/// A route of the collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// Objects.
    Events,
    /// Lines.
    Raw,
    /// Whether it takes events.
    Health,
    /// Acknowledgements, of which there are none.
    Ack,
}

impl Endpoint {
    /// The route at a path; each may end in the version of the interface.
    pub(super) fn of(path: &str) -> Option<Self> {
        let route = path.strip_prefix("/services/collector")?;
        let route = route.strip_suffix('/').unwrap_or(route);
        match route.strip_suffix("/1.0").unwrap_or(route) {
            "" | "/event" => Some(Self::Events),
            "/raw" => Some(Self::Raw),
            "/health" => Some(Self::Health),
            "/ack" => Some(Self::Ack),
            _ => None,
        }
    }
}

/// The metadata in the query of a request.
pub(super) fn defaults(asked: &Asked<'_>) -> Defaults {
    Defaults {
        host: asked.parameter("host"),
        source: asked.parameter("source"),
        sourcetype: asked.parameter("sourcetype"),
        index: asked.parameter("index"),
    }
}

/// Success, or the error of the first event that was refused. Splunk refuses all events behind that one; here
/// they are stored, and `accepted` and `rejected` say so.
pub(super) fn answer(decoded: &Decoded) -> ApiResult {
    let Some(first) = decoded.rejections.first() else {
        return Ok(counted(super::json(StatusCode::OK, &json!({"text": "Success", "code": 0})), decoded));
    };
    let (text, code) = match first.error.code() {
        MISSING_EVENT => ("Event field is required", 12),
        BLANK_EVENT => ("Event field cannot be blank", 13),
        _ => ("Invalid data format", 6),
    };
    let body = json!({
        "text": text, "code": code, "invalid-event-number": first.index, "detail": refusals(decoded),
        "accepted": decoded.accepted, "rejected": decoded.rejected,
    });
    Ok(counted(super::json(StatusCode::BAD_REQUEST, &body), decoded))
}

/// The answer of `/services/collector/health`.
pub(super) fn health() -> ApiResult {
    Ok(super::json(StatusCode::OK, &json!({"text": "HEC is healthy", "code": 17})))
}

/// The answer of `/services/collector/ack`.
pub(super) fn no_acknowledgements() -> ApiResult {
    Ok(super::json(StatusCode::BAD_REQUEST, &json!({"text": "ACK is disabled", "code": 14})))
}

pub(super) fn refuse(error: &ApiError) -> Response<Bytes> {
    let (status, text, code) = match (error.status, error.code) {
        (_, "missing_api_key") => (StatusCode::UNAUTHORIZED, "Token is required", 2),
        (_, "invalid_api_key") | (StatusCode::FORBIDDEN, _) => (StatusCode::FORBIDDEN, "Invalid token", 4),
        (StatusCode::UNAUTHORIZED, _) => (error.status, "Invalid authorization", 3),
        (_, "no_events") => (StatusCode::BAD_REQUEST, "No data", 5),
        (StatusCode::PAYLOAD_TOO_LARGE, _) => (error.status, "Request entity too large", 27),
        (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, _) => (error.status, "Server is busy", 9),
        (status, _) if status.is_server_error() => (status, "Internal server error", 8),
        (status, _) => (status, "Invalid data format", 6),
    };
    let mut body = json!({"text": text, "code": code});
    if let Value::Object(members) = &mut body {
        members.insert("detail".to_owned(), error.message.clone().into());
    }
    super::json(status, &body)
}
