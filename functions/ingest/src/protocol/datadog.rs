//! Answers of Datadog's log intake.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;
use trawl_api::{ApiError, ApiResult};
use trawl_event::decode::Decoded;
use trawl_event::protocol::datadog::Defaults;

use super::{Asked, refusals};
use crate::counted;

/// A route of the intake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// `/v1/input`, with the key in the path or not.
    V1,
    /// `/api/v2/logs`
    V2,
    /// `/api/v1/validate`: whether the key is valid.
    Validate,
}

impl Endpoint {
    /// The route at a path.
    pub(super) fn of(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        match path {
            "/v1/input" => Some(Self::V1),
            "/api/v2/logs" => Some(Self::V2),
            "/api/v1/validate" => Some(Self::Validate),
            _ => path.strip_prefix("/v1/input/").filter(|key| !key.contains('/')).map(|_| Self::V1),
        }
    }
}

/// Whether a body is lines of text.
pub(super) fn is_text(asked: &Asked<'_>, body: &[u8]) -> bool {
    match asked.media_type().as_str() {
        "text/plain" => true,
        media_type if media_type.contains("json") => false,
        _ => !matches!(body.trim_ascii_start().first(), None | Some(b'{' | b'[')),
    }
}

/// What the query of a request says of its events.
pub(super) fn defaults(asked: &Asked<'_>) -> Defaults {
    Defaults {
        ddsource: asked.parameter("ddsource"),
        ddtags: asked.parameter("ddtags"),
        hostname: asked.parameter("hostname").or_else(|| asked.parameter("host")),
        service: asked.parameter("service"),
    }
}

/// 202, or 200 on the older route. What was refused is told in `errors`: an error in the status would have some
/// senders repeat the events that are stored.
pub(super) fn answer(endpoint: Endpoint, decoded: &Decoded) -> ApiResult {
    let status = if endpoint == Endpoint::V2 { StatusCode::ACCEPTED } else { StatusCode::OK };
    let body = refusals(decoded).map_or(json!({}), |detail| errors(StatusCode::BAD_REQUEST, &detail));
    Ok(counted(super::json(status, &body), decoded))
}

/// The answer of `/api/v1/validate`, once the key was found valid.
pub(super) fn valid() -> ApiResult {
    Ok(super::json(StatusCode::OK, &json!({"valid": true})))
}

pub(super) fn refuse(error: &ApiError) -> Response<Bytes> {
    super::json(error.status, &errors(error.status, &error.message))
}

fn errors(status: StatusCode, detail: &str) -> serde_json::Value {
    let title = status.canonical_reason().unwrap_or_default();
    json!({"errors": [{"status": status.as_str(), "title": title, "detail": detail}]})
}
