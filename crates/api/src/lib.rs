//! The HTTP API as types, shared by the stages that answer and the client that asks.
//!
//! * [`error`]: `{"error":{"code","message","detail"}}` and its status
//! * [`events`]: the route `POST /v1/events`
//! * [`search`]: the routes under `/v1/searches`; [`counts`]: what a search counts beside the events
//! * [`context`], [`live`], [`saved`]: events around one, new events, searches under a name
//! * [`deletions`]: events that are to be gone for good
//! * [`time`]: the times that a request may name

pub mod context;
pub mod counts;
pub mod deletions;
pub mod error;
pub mod events;
pub mod live;
pub mod saved;
pub mod search;
pub mod time;

pub use error::ApiError;

use bytes::Bytes;
use http::header::{self, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

/// What every route answers with.
pub type ApiResult = Result<Response<Bytes>, ApiError>;

/// The answer of `GET /v1/health`.
pub fn health() -> ApiResult {
    json(StatusCode::OK, &serde_json::json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// The description of the API, which `openapi.yaml` is the source of.
pub const OPENAPI: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

/// The answer of `GET /v1/openapi.json`.
pub fn openapi() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(OPENAPI.as_bytes()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer of JSON.
pub fn json(status: StatusCode, body: &impl Serialize) -> ApiResult {
    let body = serde_json::to_vec(body).map_err(|error| ApiError::internal(error.to_string()))?;
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// An answer with the headers that keep a browser from making more of it than it is: no guessing of types, no frames, no
/// referrers, no copies. What an answer says itself of these stands.
pub fn secured(mut response: Response<Bytes>) -> Response<Bytes> {
    const HEADERS: [(HeaderName, &str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}
