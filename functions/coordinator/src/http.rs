//! The routes: which part answers, and what errors look like.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::json;
use trawl_api::time::TimeSpec;
use trawl_api::{ApiError, ApiResult};
use trawl_event::TenantId;
use trawl_query::QueryError;
use trawl_store::ports::StoreError;

use crate::allowance::Allowance;
use crate::saved::SAVED;
use crate::{Coordinator, Ports};

/// A request for one of these routes.
#[derive(Clone, Copy)]
struct Request<'r> {
    tenant: &'r TenantId,
    allowance: &'r Allowance,
    method: &'r Method,
    path: &'r str,
    /// What stands behind the `?`.
    query: &'r str,
    body: &'r [u8],
}

impl<P: Ports> Coordinator<P> {
    /// Answers a request for one of these routes. `query` is what stands behind the `?`.
    pub async fn handle(
        &self,
        tenant: &TenantId,
        method: &Method,
        path: &str,
        query: &str,
        body: &[u8],
    ) -> Response<Bytes> {
        self.handle_within(tenant, &Allowance::default(), method, path, query, body).await
    }

    /// As [`Coordinator::handle`], for a tenant that may search so much.
    pub async fn handle_within(
        &self,
        tenant: &TenantId,
        allowance: &Allowance,
        method: &Method,
        path: &str,
        query: &str,
        body: &[u8],
    ) -> Response<Bytes> {
        let request = Request { tenant, allowance, method, path, query, body };
        self.answer(request).await.unwrap_or_else(ApiError::into_response)
    }

    async fn answer(&self, request: Request<'_>) -> ApiResult {
        let Request { tenant, allowance, method, path, query, body } = request;
        let expected = match path {
            "/v1/searches" | "/v1/queries/parse" | "/v1/context" => Method::POST,
            "/v1/status" | "/v1/fields" | "/v1/tail" | "/v1/saved" => Method::GET,
            _ => return self.answer_named(request).await,
        };
        if method != expected {
            return Err(ApiError::method_not_allowed(method, expected.as_str()));
        }
        match path {
            "/v1/searches" => self.post(tenant, allowance, body).await,
            "/v1/queries/parse" => crate::request::parse_query(body),
            "/v1/context" => self.context(tenant, allowance, body).await,
            "/v1/tail" => self.tail(tenant, query).await,
            "/v1/saved" => self.list_saved(tenant).await,
            "/v1/fields" => self.get_fields(tenant, query).await,
            _ => {
                let status = self.status(tenant).await.map_err(store_error)?;
                trawl_api::json(StatusCode::OK, &status)
            }
        }
    }

    /// Routes with a name in their path.
    async fn answer_named(&self, request: Request<'_>) -> ApiResult {
        let Request { tenant, method, path, query, body, .. } = request;
        if let Some(id) = path.strip_prefix("/v1/searches/") {
            if method != Method::GET && method != Method::DELETE {
                return Err(ApiError::method_not_allowed(method, "GET or DELETE"));
            }
            return match id.parse() {
                Ok(SAVED) | Err(_) => Err(unknown_search(id)),
                Ok(id) if method == Method::GET => self.get(tenant, id, query).await,
                Ok(id) => self.delete(tenant, id).await,
            };
        }
        if let Some(name) = path.strip_prefix("/v1/saved/") {
            let name = decoded(name)?;
            return match *method {
                Method::PUT => self.save_search(tenant, &name, body).await,
                Method::DELETE => self.forget_search(tenant, &name).await,
                _ => Err(ApiError::method_not_allowed(method, "PUT or DELETE")),
            };
        }
        match path.strip_prefix("/v1/fields/").and_then(|rest| rest.strip_suffix("/values")) {
            Some(name) if method == Method::GET => self.get_values(tenant, &decoded(name)?, query).await,
            Some(_) => Err(ApiError::method_not_allowed(method, "GET")),
            None => Err(ApiError::unknown_route(path)),
        }
    }

    async fn get_fields(&self, tenant: &TenantId, query: &str) -> ApiResult {
        let (mut from, mut to) = (None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "from" => from = Some(TimeSpec::Text(value.into_owned())),
                "to" => to = Some(TimeSpec::Text(value.into_owned())),
                _ => return Err(unknown_parameter(&name, "from or to")),
            }
        }
        let (from, to) = self.read_range(from.as_ref(), to.as_ref())?;
        let fields = self.fields(tenant, from, to).await.map_err(store_error)?;
        trawl_api::json(StatusCode::OK, &fields)
    }
}

/// A part of a path without its percent signs.
fn decoded(part: &str) -> Result<String, ApiError> {
    let decoded = percent_encoding::percent_decode_str(part).decode_utf8();
    let decoded = decoded.map_err(|_| ApiError::bad_request("invalid_path", "the path is not UTF-8"))?;
    Ok(decoded.into_owned())
}

pub(crate) fn unknown_parameter(name: &str, expected: &str) -> ApiError {
    ApiError::bad_request("unknown_parameter", format!("unknown parameter {name:?}: expected {expected}"))
}

pub(crate) fn query_error(error: QueryError) -> ApiError {
    let detail = json!({"column": error.column, "expected": error.expected});
    ApiError::bad_request(error.code.as_str(), error.to_string()).with_detail(detail)
}

pub(crate) fn unknown_search(id: &str) -> ApiError {
    ApiError::not_found("unknown_search", format!("there is no search {id:?}"))
}

pub(crate) fn store_error(error: StoreError) -> ApiError {
    match error {
        StoreError::Permanent(reason) => ApiError::internal(reason),
        other => ApiError::unavailable("storage_unavailable", other.to_string()),
    }
}
