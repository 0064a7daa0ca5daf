//! Answers of Loki's push: 204, or an error as text.

use bytes::Bytes;
use http::{Response, StatusCode};
use trawl_api::ApiError;
use trawl_event::decode::Decoded;

use super::{Asked, refusals, with_body};
use crate::counted;

const TEXT: &str = "text/plain; charset=utf-8";

/// Whether a push is JSON; without that type it is protobuf, as in Loki.
pub(super) fn is_json(asked: &Asked<'_>) -> bool {
    asked.media_type() == "application/json"
}

/// 204; 400 when some entries were refused, which is how Loki says so. The others are stored all the same,
/// and clients do not repeat what was answered 400.
pub(super) fn answer(decoded: &Decoded) -> Response<Bytes> {
    let response = match refusals(decoded) {
        Some(message) => text(StatusCode::BAD_REQUEST, message),
        None => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
    };
    counted(response, decoded)
}

pub(super) fn refuse(error: &ApiError) -> Response<Bytes> {
    text(error.status, error.message.clone())
}

fn text(status: StatusCode, message: String) -> Response<Bytes> {
    with_body(status, TEXT, Bytes::from(message + "\n"))
}
