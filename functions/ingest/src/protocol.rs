//! The routes of other shippers, and the answers that each expects.
//!
//! A request is routed by its path, decoded by its protocol's decoder, and appended as every batch is. What
//! differs is how an answer says what was taken, and how an error looks: a module for each protocol.
//!
//! * [`Asked`], [`serves`]: which requests ingest answers
//! * [`Ingest::answer`]: answers one
//! * [`refuse`]: an error in the form that the caller's protocol has for it
//! * [`introduce`]: who this is, for whoever serves `/`

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde_json::Value;
use trawl_api::error::RETRY_AFTER_SECONDS;
use trawl_api::{ApiError, ApiResult};
use trawl_event::decode::{self, Decoded, Encoding};
use trawl_event::protocol as decoders;
use trawl_event::{BatchId, TenantId, Timestamp};
use trawl_store::ports::{Clock, Ids, Stream};

use crate::{Admission, Ingest, body_error, counted, encoding, idempotency_key, nothing_acceptable};

mod datadog;
mod elastic;
mod firehose;
mod hec;
mod loki;
mod otlp;

/// What a request asks, apart from its body.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'r> {
    /// Its method.
    pub method: &'r Method,
    /// Its path, as it was sent.
    pub path: &'r str,
    /// What follows the question mark, or nothing.
    pub query: &'r str,
    /// Its headers.
    pub headers: &'r HeaderMap,
}

impl Asked<'_> {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The first value of a parameter of the query that is not empty.
    fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned())
    }

    /// The media type of the body, in lower case and without parameters.
    fn media_type(&self) -> String {
        self.header(CONTENT_TYPE.as_str()).split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// What answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Route<'r> {
    Events,
    Syslog,
    Otlp,
    Bulk { index: Option<Cow<'r, str>> },
    Elastic(elastic::Question<'r>),
    Loki,
    Hec(hec::Endpoint),
    Datadog(datadog::Endpoint),
    Firehose,
}

impl<'r> Route<'r> {
    fn of(asked: &Asked<'r>) -> Option<Self> {
        Some(match asked.path {
            "/v1/events" => Self::Events,
            "/v1/syslog" => Self::Syslog,
            "/v1/logs" => Self::Otlp,
            "/loki/api/v1/push" => Self::Loki,
            "/firehose" => Self::Firehose,
            path => {
                let hec = hec::Endpoint::of(path).map(Self::Hec);
                let datadog = || datadog::Endpoint::of(path).map(Self::Datadog);
                let bulk = || elastic::bulk_index(path).map(|index| Self::Bulk { index });
                let elastic = || elastic::Question::of(asked).map(Self::Elastic);
                hec.or_else(datadog).or_else(elastic).or_else(bulk)?
            }
        })
    }

    /// The methods that are answered.
    fn methods(&self) -> &'static [Method] {
        match self {
            Self::Elastic(question) => question.methods(),
            Self::Bulk { .. } => &[Method::POST, Method::PUT],
            Self::Hec(hec::Endpoint::Health) | Self::Datadog(datadog::Endpoint::Validate) => &[Method::GET],
            _ => &[Method::POST],
        }
    }
}

/// Whether ingest answers this request. `/` is the web UI's unless a client of Elasticsearch asks.
pub fn serves(asked: &Asked<'_>) -> bool {
    Route::of(asked).is_some()
}

/// The answer to a client of Elasticsearch that asks at `/` which server this is, before it sends anything.
/// `None` for any other request.
pub fn introduce(asked: &Asked<'_>) -> Option<ApiResult> {
    let question = elastic::Question::of(asked).filter(|question| *question == elastic::Question::Server)?;
    Some(elastic::answer(asked, &question))
}

/// An error in the form that the protocol of the request has for it; the native form where it has none.
pub fn refuse(asked: &Asked<'_>, error: ApiError) -> Response<Bytes> {
    refuse_at(asked, error, None)
}

fn refuse_at(asked: &Asked<'_>, error: ApiError, now: Option<Timestamp>) -> Response<Bytes> {
    let (status, headers) = (error.status, error.headers.clone());
    let mut response = match Route::of(asked) {
        None | Some(Route::Events | Route::Syslog) => return error.into_response(),
        Some(Route::Otlp) => otlp::refuse(asked, &error),
        Some(Route::Bulk { .. } | Route::Elastic(_)) => elastic::refuse(asked, &error),
        Some(Route::Loki) => loki::refuse(&error),
        Some(Route::Hec(_)) => hec::refuse(&error),
        Some(Route::Datadog(_)) => datadog::refuse(&error),
        Some(Route::Firehose) => firehose::refuse(asked, &error, now),
    };
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// What names a batch so that it counts once.
struct Identity<'b> {
    /// A name that the request brought beside the header for it.
    request_id: Option<&'b str>,
    /// The body as it was decoded.
    body: &'b [u8],
}

impl<S: Stream, C: Clock + Ids, A: Admission> Ingest<S, C, A> {
    /// Answers a request that [`serves`] is true of; any other is an unknown route.
    pub async fn answer(&self, tenant: &TenantId, asked: &Asked<'_>, body: Bytes) -> Response<Bytes> {
        let answered = match Route::of(asked) {
            None => Err(ApiError::unknown_route(asked.path)),
            Some(route) if !route.methods().contains(asked.method) => {
                let methods: Vec<&str> = route.methods().iter().map(Method::as_str).collect();
                Err(ApiError::method_not_allowed(asked.method, &methods.join(" or ")))
            }
            Some(Route::Events) => return self.handle(tenant, asked.headers, body).await,
            Some(route) => self.route(tenant, route, asked, &body).await,
        };
        answered.unwrap_or_else(|error| refuse_at(asked, error, Some(self.clock.now())))
    }

    async fn route(&self, tenant: &TenantId, route: Route<'_>, asked: &Asked<'_>, body: &[u8]) -> ApiResult {
        let received = self.clock.now();
        let rule = self.time_rule(received);
        // Questions have no body.
        match &route {
            Route::Elastic(question) => return elastic::answer(asked, question),
            Route::Hec(hec::Endpoint::Health) => return hec::health(),
            Route::Hec(hec::Endpoint::Ack) => return hec::no_acknowledgements(),
            Route::Datadog(datadog::Endpoint::Validate) => return datadog::valid(),
            _ => {}
        }
        let body = match route {
            // Protobuf for Loki is a block of Snappy, whether or not a header says so as well.
            Route::Loki if !loki::is_json(asked) && encoding(asked.headers)? == Encoding::Snappy => {
                decode::decompress(body, Encoding::Identity)
            }
            _ => decode::decompress(body, encoding(asked.headers)?),
        }
        .map_err(body_error)?;
        let identity = Identity { request_id: None, body: &body };
        match route {
            Route::Otlp => {
                let decoded = match otlp::form(asked)? {
                    otlp::Form::Json => decoders::otlp::decode_json(&body, &rule),
                    otlp::Form::Protobuf => decoders::otlp::decode_protobuf(&body, &rule),
                }
                .map_err(body_error)?;
                self.store(tenant, asked, identity, received, &decoded).await?;
                if let Some(refusal) = self.none_acceptable(asked, &decoded) {
                    return Ok(refusal);
                }
                otlp::answer(asked, &decoded)
            }
            Route::Bulk { index } => {
                let bulk = decoders::bulk::decode(&body, index.as_deref(), &rule).map_err(body_error)?;
                self.store(tenant, asked, identity, received, &bulk.decoded).await?;
                let took_ms = self.clock.now().millis().saturating_sub(received.millis()).max(0);
                Ok(counted(elastic::bulk_answer(asked, &bulk, took_ms), &bulk.decoded))
            }
            Route::Loki => {
                let decoded = match loki::is_json(asked) {
                    true => decoders::loki::decode_json(&body, &rule),
                    false => decoders::loki::decode_protobuf(&body, &rule),
                }
                .map_err(body_error)?;
                self.store(tenant, asked, identity, received, &decoded).await?;
                Ok(loki::answer(&decoded))
            }
            Route::Hec(endpoint) => {
                let defaults = hec::defaults(asked);
                let decoded = match endpoint {
                    hec::Endpoint::Raw => decoders::hec::decode_raw(&body, &defaults, &rule),
                    _ => decoders::hec::decode_events(&body, &defaults, &rule),
                }
                .map_err(body_error)?;
                self.store(tenant, asked, identity, received, &decoded).await?;
                hec::answer(&decoded)
            }
            Route::Datadog(endpoint) => {
                let defaults = datadog::defaults(asked);
                let decoded = match datadog::is_text(asked, &body) {
                    true => decoders::datadog::decode_text(&body, &defaults, &rule),
                    false => decoders::datadog::decode_json(&body, &defaults, &rule),
                }
                .map_err(body_error)?;
                self.store(tenant, asked, identity, received, &decoded).await?;
                if let Some(refusal) = self.none_acceptable(asked, &decoded) {
                    return Ok(refusal);
                }
                datadog::answer(endpoint, &decoded)
            }
            Route::Firehose => {
                let common = firehose::common_attributes(asked)?;
                let delivery = decoders::firehose::decode(&body, common, &rule).map_err(body_error)?;
                let request_id = firehose::request_id(asked).or(delivery.request_id.as_deref());
                let identity = Identity { request_id, ..identity };
                self.store(tenant, asked, identity, received, &delivery.decoded).await?;
                if let Some(refusal) = self.none_acceptable(asked, &delivery.decoded) {
                    return Ok(refusal);
                }
                firehose::answer(request_id.unwrap_or_default(), self.clock.now(), &delivery.decoded)
            }
            _ => {
                let decoded = decoders::syslog::decode(&body, &rule).map_err(body_error)?;
                if decoded.accepted == 0 {
                    return Ok(counted(nothing_acceptable(&decoded).into_response(), &decoded));
                }
                let id = self.store(tenant, asked, identity, received, &decoded).await?;
                Ok(counted(trawl_api::json(StatusCode::ACCEPTED, &crate::answer(&decoded, id))?, &decoded))
            }
        }
    }

    /// The answer when all events of a request were refused.
    fn none_acceptable(&self, asked: &Asked<'_>, decoded: &Decoded) -> Option<Response<Bytes>> {
        let is_none = decoded.accepted == 0 && decoded.rejected > 0;
        is_none.then(|| counted(refuse_at(asked, nothing_acceptable(decoded), Some(self.clock.now())), decoded))
    }

    /// Makes the events of a request durable, if there are any; gives the id of their batch.
    async fn store(
        &self,
        tenant: &TenantId,
        asked: &Asked<'_>,
        identity: Identity<'_>,
        received: Timestamp,
        decoded: &Decoded,
    ) -> Result<BatchId, ApiError> {
        let by_request_id = || identity.request_id.and_then(|id| BatchId::from_key(tenant, id).ok());
        let id = match idempotency_key(tenant, asked.headers)?.or_else(by_request_id) {
            Some(id) => id,
            None if decoded.all_timestamped => BatchId::from_request(tenant, asked.path, asked.query, identity.body),
            None => BatchId(self.clock.fresh()),
        };
        self.append(tenant, id, received, decoded).await?;
        Ok(id)
    }
}

/// What was refused, in a sentence: how many of how many, and why the first. `None` when nothing was.
fn refusals(decoded: &Decoded) -> Option<String> {
    let first = decoded.rejections.first()?;
    let all = decoded.accepted + decoded.rejected;
    Some(format!(
        "{} of {all} events were refused, the others are stored; the first, event {}: {}",
        decoded.rejected, first.index, first.error
    ))
}

fn json(status: StatusCode, body: &Value) -> Response<Bytes> {
    with_body(status, "application/json", Bytes::from(body.to_string()))
}

fn with_body(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
