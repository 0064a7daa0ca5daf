//! `POST /v1/context`: what happened around an event, as two searches that lead away from it.

use http::StatusCode;
use serde_json::Value;
use trawl_api::context::{ContextAnswer, ContextRequest, SearchName};
use trawl_api::search::{MAX_LIMIT, Order};
use trawl_api::{ApiError, ApiResult};
use trawl_event::shred::{SERVICE_NAMES, Shredder, TimeRule};
use trawl_event::{TenantId, Timestamp};
use trawl_query::ast::{Filter, Test};

use crate::request::{check_most, read_json, read_query};
use crate::state::Asked;
use crate::{Allowance, Coordinator, Ports};

/// Largest body: an event and a query.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// Fields that tell which service wrote an event, and where it ran: events that agree in those of them that an event
/// has were written beside it.
const STREAM_FIELDS: [&str; 15] = [
    "service",
    "host",
    "hostname",
    "host.name",
    "pod",
    "container",
    "kubernetes.namespace_name",
    "kubernetes.pod_name",
    "kubernetes.container_name",
    "kubernetes.namespace.name",
    "kubernetes.pod.name",
    "kubernetes.container.name",
    "container.id",
    "filename",
    "log.file.path",
];

impl<P: Ports> Coordinator<P> {
    pub(crate) async fn context(&self, tenant: &TenantId, allowance: &Allowance, body: &[u8]) -> ApiResult {
        let request: ContextRequest = read_json(body, "a request for context", MAX_BODY_BYTES)?;
        check_most("limit", "invalid_limit", request.limit, MAX_LIMIT)?;
        let time = time_of(request.event.get())?;
        let event: Value = serde_json::from_str(request.event.get())
            .map_err(|error| ApiError::bad_request("invalid_event", format!("event: {error}")))?;
        let agreement = agreement(&event, request.fields)?;
        let mut sides = vec![read_query(&request.query)?.filter];
        sides.extend(agreement.iter().map(|(_, filter)| filter.clone()));
        sides.retain(|side| *side != Filter::All);
        let filter = if sides.is_empty() { Filter::All } else { Filter::And(sides) };
        let asked = |from, to, order| Asked {
            query: filter.to_string(),
            limit: request.limit,
            order,
            ..Asked::everything(from, to)
        };
        let before = self.admit(tenant, allowance, asked(Timestamp::MIN, time, Order::Desc)).await?;
        let after = self.admit(tenant, allowance, asked(time, Timestamp::MAX, Order::Asc)).await?;
        let answer = ContextAnswer {
            fields: agreement.into_iter().map(|(name, _)| name).collect(),
            before: SearchName { id: before.to_string() },
            after: SearchName { id: after.to_string() },
        };
        trawl_api::json(StatusCode::ACCEPTED, &answer)
    }
}

/// The time of an event.
fn time_of(event: &str) -> Result<Timestamp, ApiError> {
    let invalid = |reason: String| ApiError::bad_request("invalid_event", format!("event: {reason}"));
    let rule = TimeRule { received: Timestamp::MAX, oldest: Timestamp::MIN, latest: Timestamp::MAX };
    let mut shredder = Shredder::default();
    shredder.push(event.as_bytes(), &rule).map_err(|error| invalid(error.to_string()))?;
    match shredder.finish().timestamps.first() {
        Some(time) if *time < Timestamp::MAX.0 => Ok(Timestamp(*time)),
        _ => Err(invalid("it has no timestamp".into())),
    }
}

/// The fields in which neighbours agree with an event, and the filters that say so.
fn agreement(event: &Value, fields: Option<Vec<String>>) -> Result<Vec<(String, Filter)>, ApiError> {
    let Some(fields) = fields else {
        let known = STREAM_FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), filter_of(event, name)?)));
        return Ok(known.collect());
    };
    let named = fields.into_iter().map(|name| match filter_of(event, &name) {
        Some(filter) => Ok((name, filter)),
        None => {
            let message = format!("the event has no string, number or boolean in its field {name:?}");
            Err(ApiError::bad_request("invalid_fields", message))
        }
    });
    named.collect()
}

/// That a field is what it is in an event.
fn filter_of(event: &Value, name: &str) -> Option<Filter> {
    let names: &[&str] = if name == SERVICE_NAMES[0] { &SERVICE_NAMES } else { &[name] };
    let value = names.iter().find_map(|name| value_at(event, name))?;
    let test = match value {
        Value::String(text) if !text.is_empty() => Test::Is(text.clone()),
        Value::Number(_) | Value::Bool(_) => Test::Is(value.to_string()),
        _ => return None,
    };
    Some(Filter::Field { field: name.to_owned(), test })
}

/// The value at a dotted path, however its keys are nested.
fn value_at<'e>(event: &'e Value, path: &str) -> Option<&'e Value> {
    let object = event.as_object()?;
    object.get(path).or_else(|| {
        let inside =
            |(key, value): (&String, &'e Value)| value_at(value, path.strip_prefix(key.as_str())?.strip_prefix('.')?);
        object.iter().find_map(inside)
    })
}
