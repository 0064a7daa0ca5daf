//! Errors as the API gives them.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

/// How long a throttled caller is asked to wait, in seconds.
pub const RETRY_AFTER_SECONDS: u16 = 1;

/// An error with its HTTP status.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// A stable name for programs.
    pub code: &'static str,
    /// What, where and what was expected, for people.
    pub message: String,
    /// More for programs, or null.
    pub detail: Value,
    /// Headers of the answer, beside the usual ones.
    pub headers: Vec<(HeaderName, String)>,
}

impl ApiError {
    /// An error without detail.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), detail: Value::Null, headers: Vec::new() }
    }

    /// 400.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 404: nothing is answered at this path.
    pub fn unknown_route(path: &str) -> Self {
        Self::not_found("unknown_route", format!("there is no route {path}"))
    }

    /// 405: this path answers `expected`.
    pub fn method_not_allowed(method: &http::Method, expected: &str) -> Self {
        let message = format!("{method} is not answered here: expected {expected}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    /// 500: a fault of the server's own.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// 503 with `Retry-After`: the same request may succeed a little later.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    /// The same error with detail.
    pub fn with_detail(self, detail: impl Serialize) -> Self {
        Self { detail: serde_json::to_value(detail).unwrap_or_default(), ..self }
    }

    /// The same error, answered with this header.
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// As an HTTP response.
    pub fn into_response(self) -> Response<Bytes> {
        let body = json!({"error": {"code": self.code, "message": self.message, "detail": self.detail}});
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE || self.status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        for (name, value) in self.headers {
            // What no header can hold is left out: nobody's text becomes a header of its own.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}
