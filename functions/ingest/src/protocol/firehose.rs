//! Answers to Amazon Data Firehose, in its format: another answer is a failed delivery to it, which it repeats.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;
use trawl_api::{ApiError, ApiResult};
use trawl_event::Timestamp;
use trawl_event::decode::Decoded;

use super::{Asked, refusals};
use crate::counted;

const REQUEST_ID: &str = "x-amz-firehose-request-id";
const COMMON_ATTRIBUTES: &str = "x-amz-firehose-common-attributes";

/// The id in the header of a request.
pub(super) fn request_id<'r>(asked: &Asked<'r>) -> Option<&'r str> {
    asked.headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| !id.is_empty())
}

/// The object of attributes in the header `{"commonAttributes":{…}}`, if there is one with anything in it.
pub(super) fn common_attributes<'r>(asked: &Asked<'r>) -> Result<Option<&'r [u8]>, ApiError> {
    let Some(header) = asked.headers.get(COMMON_ATTRIBUTES) else { return Ok(None) };
    trawl_event::protocol::firehose::common_attributes(header.as_bytes())
        .map_err(|error| ApiError::bad_request("invalid_common_attributes", format!("{COMMON_ATTRIBUTES}: {error}")))
}

/// 200, also when some events were refused: to send them again would not help.
pub(super) fn answer(request_id: &str, now: Timestamp, decoded: &Decoded) -> ApiResult {
    let mut body = json!({"requestId": request_id, "timestamp": now.millis()});
    if let (Some(message), Some(members)) = (refusals(decoded), body.as_object_mut()) {
        members.insert("errorMessage".to_owned(), message.into());
    }
    Ok(counted(super::json(StatusCode::OK, &body), decoded))
}

pub(super) fn refuse(asked: &Asked<'_>, error: &ApiError, now: Option<Timestamp>) -> Response<Bytes> {
    let mut body = json!({"requestId": request_id(asked).unwrap_or_default(), "errorMessage": error.message});
    if let (Some(now), Some(members)) = (now, body.as_object_mut()) {
        members.insert("timestamp".to_owned(), now.millis().into());
    }
    super::json(error.status, &body)
}
