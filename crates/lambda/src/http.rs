//! Requests and answers of an API Gateway HTTP API, payload format 2.0:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.
//!
//! Of an event only what a stage needs is read. A body comes as text, or as base64 when API Gateway takes it for binary;
//! answers go as text where they are text, as JSON is.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, STRICT_TRANSPORT_SECURITY};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use serde::{Deserialize, Serialize};
use trawl_api::ApiError;

/// Most bytes of an answer: Lambda carries 6 MiB of it, as JSON
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>). What stands around the body takes less than 4 KiB.
pub const MAX_ANSWER_BYTES: usize = 6 * 1024 * 1024 - 4 * 1024;

/// A request as API Gateway hands it over.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiEvent {
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    request_context: RequestContext,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct RequestContext {
    #[serde(default)]
    stage: String,
    http: HttpContext,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct HttpContext {
    method: String,
}

/// A request as the stages take it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, without the stage of the API.
    pub path: String,
    /// What stands behind the `?`.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it was sent.
    pub body: Bytes,
}

impl TryFrom<ApiEvent> for Request {
    type Error = ApiError;

    fn try_from(event: ApiEvent) -> Result<Self, ApiError> {
        let method = Method::from_bytes(event.request_context.http.method.as_bytes())
            .map_err(|_| ApiError::bad_request("invalid_method", "the method of the request is not a token"))?;
        let is_compressed = event.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case(CONTENT_ENCODING.as_str()) && !value.eq_ignore_ascii_case("identity")
        });
        let body = match event.body {
            None => Bytes::new(),
            // What is no UTF-8 was lost on the way.
            Some(_) if is_compressed && !event.is_base64_encoded => {
                let message = "API Gateway takes this compressed body for text: send it with another Content-Type than text \
                               or JSON, as application/x-ndjson";
                return Err(ApiError::bad_request("invalid_compression", message));
            }
            Some(text) if event.is_base64_encoded => {
                let damaged = |error| ApiError::bad_request("invalid_body", format!("the body is not base64: {error}"));
                STANDARD.decode(text).map_err(damaged)?.into()
            }
            Some(text) => text.into_bytes().into(),
        };
        let mut headers = HeaderMap::with_capacity(event.headers.len());
        for (name, value) in event.headers {
            // A header that HTTP does not know the form of is none that a stage asks for.
            let Ok(name) = HeaderName::try_from(name) else { continue };
            let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value)) else { continue };
            headers.insert(name, value);
        }
        let path = without_stage(event.raw_path, &event.request_context.stage);
        Ok(Self { method, path, query: event.raw_query_string, headers, body })
    }
}

/// A named stage stands before the path; `$default` does not.
fn without_stage(path: String, stage: &str) -> String {
    let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(stage));
    match rest {
        Some(rest) if !stage.is_empty() && rest.starts_with('/') => rest.to_owned(),
        _ => path,
    }
}

/// An answer as API Gateway takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiAnswer {
    /// The HTTP status.
    pub status_code: u16,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body, as text or as base64.
    pub body: String,
    /// Whether `body` is base64.
    pub is_base64_encoded: bool,
}

impl From<Response<Bytes>> for ApiAnswer {
    fn from(response: Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        let (body, is_base64_encoded) = match String::from_utf8(body.into()) {
            Ok(text) => (text, false),
            Err(binary) => (STANDARD.encode(binary.as_bytes()), true),
        };
        let bytes = as_json_bytes(&body);
        if bytes > MAX_ANSWER_BYTES {
            let message = format!(
                "the answer has {bytes} bytes, and Lambda carries {MAX_ANSWER_BYTES}: ask for fewer groups, fields or events"
            );
            return ApiError::internal(message).into_response().into();
        }
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        Self { status_code: parts.status.as_u16(), headers, body, is_base64_encoded }
    }
}

/// Answers a request by what `route` gives.
pub async fn answer(event: ApiEvent, route: impl AsyncFnOnce(&Request) -> Response<Bytes>) -> ApiAnswer {
    let request = match Request::try_from(event) {
        Ok(request) => request,
        Err(error) => return error.into_response().into(),
    };
    let mut response = trawl_api::secured(route(&request).await);
    // API Gateway speaks TLS only.
    response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    log(&request, &response);
    response.into()
}

/// What went well is logged at the level `debug` only, since API Gateway logs every request.
fn log(request: &Request, response: &Response<Bytes>) {
    let path = trawl_access::credential::without_key(&request.path);
    let (method, status) = (request.method.as_str(), response.status().as_u16());
    match status {
        500.. => tracing::warn!(method, %path, status, "answered"),
        400.. => tracing::info!(method, %path, status, "answered"),
        _ => tracing::debug!(method, %path, status, "answered"),
    }
}

/// How many bytes a text takes within JSON.
fn as_json_bytes(text: &str) -> usize {
    let escapes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
        0..0x20 => 5,
        _ => 0,
    });
    text.len() + 2 + escapes.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(body: Value) -> ApiEvent {
        let mut event = json!({
            "version": "2.0",
            "routeKey": "POST /v1/events",
            "rawPath": "/v1/events",
            "rawQueryString": "a=1&b=%20",
            "cookies": ["x=y"],
            "headers": {"content-type": "application/json", "x-odd": "grün", "bad name": "?", "authorization": "Bearer k"},
            "requestContext": {"accountId": "1", "http": {"method": "POST", "path": "/v1/events"}, "stage": "$default"},
        });
        event.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_compressed_body_that_was_taken_for_text_is_refused() {
        let mut compressed = event(json!({"body": "\u{fffd}\u{fffd}", "isBase64Encoded": false}));
        compressed.headers.insert("Content-Encoding".into(), "zstd".into());
        let refused = Request::try_from(compressed.clone()).unwrap_err().into_response();
        assert_eq!(refused.status(), 400);
        assert!(String::from_utf8_lossy(refused.body()).contains("application/x-ndjson"));
        compressed.headers.insert("Content-Encoding".into(), "identity".into());
        assert!(Request::try_from(compressed).is_ok());
    }

    #[test]
    fn a_text_body_arrives_as_it_was_sent() {
        let request = Request::try_from(event(json!({"body": "{\"a\":\"ü\"}", "isBase64Encoded": false}))).unwrap();
        assert_eq!(request.method, Method::POST);
        assert_eq!((request.path.as_str(), request.query.as_str()), ("/v1/events", "a=1&b=%20"));
        assert_eq!(request.body, Bytes::from("{\"a\":\"ü\"}"));
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.headers["authorization"], "Bearer k");
        assert_eq!(request.headers.len(), 3);
    }

    #[test]
    fn a_binary_body_is_decoded_and_damage_is_named() {
        let request = Request::try_from(event(json!({"body": "H4sIAA==", "isBase64Encoded": true}))).unwrap();
        assert_eq!(request.body, Bytes::from_static(&[0x1f, 0x8b, 8, 0]));
        let error = Request::try_from(event(json!({"body": "H4s*", "isBase64Encoded": true}))).unwrap_err();
        assert_eq!((error.status.as_u16(), error.code), (400, "invalid_body"));
        assert!(error.message.contains("offset 3"), "{}", error.message);
        assert!(Request::try_from(event(json!({}))).unwrap().body.is_empty());
    }

    #[test]
    fn a_named_stage_is_no_part_of_the_path() {
        for (path, stage, expected) in [
            ("/v1/events", "$default", "/v1/events"),
            ("/prod/v1/events", "prod", "/v1/events"),
            ("/v1/events", "v1", "/events"),
            ("/production/v1", "prod", "/production/v1"),
            ("/v1/events", "", "/v1/events"),
        ] {
            assert_eq!(without_stage(path.to_owned(), stage), expected, "{path} in {stage}");
        }
    }

    #[test]
    fn an_answer_keeps_status_headers_and_text() {
        let answer = ApiAnswer::from(ApiError::unavailable("stream_throttled", "läuft über").into_response());
        assert_eq!(answer.status_code, 503);
        assert_eq!(answer.headers["retry-after"], "1");
        assert_eq!(answer.headers["content-type"], "application/json");
        assert!(answer.body.contains("läuft über"));
        assert!(!answer.is_base64_encoded);
    }

    #[tokio::test]
    async fn what_is_no_text_goes_as_base64() {
        let route = async |_: &Request| Response::new(Bytes::from_static(&[0x1f, 0x8b, 8, 0]));
        let answer = answer(event(json!({"rawPath": "/"})), route).await;
        assert_eq!((answer.status_code, answer.body.as_str(), answer.is_base64_encoded), (200, "H4sIAA==", true));
    }

    #[test]
    fn an_answer_that_lambda_would_not_carry_is_an_error_that_says_so() {
        let quotes = |count: usize| Response::new(Bytes::from("\"".repeat(count)));
        assert_eq!(ApiAnswer::from(quotes(MAX_ANSWER_BYTES / 2 - 1)).status_code, 200);
        let answer = ApiAnswer::from(quotes(MAX_ANSWER_BYTES / 2));
        assert_eq!(answer.status_code, 500);
        assert!(answer.body.contains("Lambda carries"), "{}", answer.body);
    }

    #[test]
    fn bytes_within_json_are_counted_as_serde_writes_them() {
        let text: String = (0..0x250_u32).filter_map(char::from_u32).collect();
        assert_eq!(as_json_bytes(&text), serde_json::to_string(&text).unwrap().len());
    }
}
