//! Answers of OTLP/HTTP (<https://opentelemetry.io/docs/specs/otlp/#otlphttp-response>): in the form of the request.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;
use trawl_api::{ApiError, ApiResult};
use trawl_event::decode::Decoded;
use trawl_event::protocol::wire::{put_bytes, put_varint};

use super::{Asked, refusals, with_body};
use crate::counted;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// How requests and answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

/// The form of a request.
pub(super) fn form(asked: &Asked<'_>) -> Result<Form, ApiError> {
    match asked.media_type().as_str() {
        PROTOBUF | "application/protobuf" => Ok(Form::Protobuf),
        JSON => Ok(Form::Json),
        other => Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_content_type",
            format!("content type {other:?} is not supported: expected {PROTOBUF} or {JSON}"),
        )),
    }
}

/// An `ExportLogsServiceResponse`.
pub(super) fn answer(asked: &Asked<'_>, decoded: &Decoded) -> ApiResult {
    let message = refusals(decoded);
    let response = match form(asked)? {
        Form::Json => {
            let partial = |message| {
                // A 64-bit number is a string in protobuf's JSON.
                json!({"rejectedLogRecords": decoded.rejected.to_string(), "errorMessage": message})
            };
            let body = message.map_or(json!({}), |message| json!({"partialSuccess": partial(message)}));
            super::json(StatusCode::OK, &body)
        }
        Form::Protobuf => {
            let mut body = Vec::new();
            if let Some(message) = message {
                let mut partial = Vec::new();
                put_varint(&mut partial, 1, decoded.rejected);
                put_bytes(&mut partial, 2, message.as_bytes());
                put_bytes(&mut body, 1, &partial);
            }
            with_body(StatusCode::OK, PROTOBUF, Bytes::from(body))
        }
    };
    Ok(counted(response, decoded))
}

/// A `google.rpc.Status`.
pub(super) fn refuse(asked: &Asked<'_>, error: &ApiError) -> Response<Bytes> {
    let code = grpc_code(error.status);
    match form(asked) {
        Ok(Form::Protobuf) => {
            let mut body = Vec::new();
            put_varint(&mut body, 1, code);
            put_bytes(&mut body, 2, error.message.as_bytes());
            with_body(error.status, PROTOBUF, Bytes::from(body))
        }
        _ => super::json(error.status, &json!({"code": code, "message": error.message})),
    }
}

/// <https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto>
fn grpc_code(status: StatusCode) -> u64 {
    match status.as_u16() {
        401 => 16,
        403 => 7,
        404 => 5,
        405 => 12,
        413 | 429 => 8,
        503 => 14,
        400..500 => 3,
        _ => 13,
    }
}
