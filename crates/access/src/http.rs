//! The routes that manage keys and limits.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use trawl_api::time::parse_duration;
use trawl_api::{ApiError, ApiResult};
use trawl_event::TenantId;
use trawl_store::ports::{Clock, Documents, Ids, StoreError};

use crate::gate::{Caller, forbidden};
use crate::key::{Grant, KeyId, KeyRecord, Revoked};
use crate::keys::{Keys, MAX_NAME_CHARS, NewKey};
use crate::limits::{Limits, TenantLimits};
use crate::scope::{Scope, Scopes, UnknownScope};

/// Most bytes of a request.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// What a key is to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRequest {
    name: String,
    scopes: Vec<String>,
    #[serde(default)]
    tenant: Option<String>,
    /// For how long: `90d`; absent for ever.
    #[serde(default)]
    expires_in: Option<String>,
    #[serde(default)]
    requests_per_second: Option<u64>,
}

/// A key as it is listed: no secret, and no hash.
#[derive(Debug, Serialize)]
struct ListedKey<'r> {
    id: &'r KeyId,
    name: &'r str,
    tenant: &'r TenantId,
    scopes: Scopes,
    created: String,
    created_by: &'r str,
    expires: Option<String>,
    requests_per_second: Option<u64>,
    revoked: Option<RevokedAnswer<'r>>,
}

#[derive(Debug, Serialize)]
struct RevokedAnswer<'r> {
    at: String,
    by: &'r str,
}

impl<'r> From<&'r KeyRecord> for ListedKey<'r> {
    fn from(record: &'r KeyRecord) -> Self {
        let revoked = record.revoked.as_ref();
        Self {
            id: &record.id,
            name: &record.name,
            tenant: &record.grant.tenant,
            scopes: record.grant.scopes,
            created: record.created.to_string(),
            created_by: &record.created_by,
            expires: record.grant.expires.map(|expires| expires.to_string()),
            requests_per_second: record.grant.requests_per_second,
            revoked: revoked.map(|Revoked { at, by }| RevokedAnswer { at: at.to_string(), by }),
        }
    }
}

#[derive(Serialize)]
struct CreatedKey<'r> {
    /// The key itself: nobody can show it again.
    key: String,
    #[serde(flatten)]
    listed: ListedKey<'r>,
}

/// Answers the routes under `/v1/keys` and `/v1/limits`.
pub struct Management<'m, D, C> {
    /// The keys.
    pub keys: &'m Keys<D, C>,
    /// The limits.
    pub limits: &'m TenantLimits<D, C>,
    /// Time.
    pub clock: &'m C,
}

/// Whether [`Management`] answers this path.
pub fn serves(path: &str) -> bool {
    ["/v1/keys", "/v1/limits"]
        .iter()
        .any(|route| path.strip_prefix(route).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

impl<D: Documents, C: Clock + Ids> Management<'_, D, C> {
    /// The answer to a request of `caller`, who is an admin.
    pub async fn handle(&self, caller: &Caller, method: &Method, path: &str, body: &[u8]) -> Response<Bytes> {
        self.answer(caller, method, path, body).await.unwrap_or_else(ApiError::into_response)
    }

    async fn answer(&self, caller: &Caller, method: &Method, path: &str, body: &[u8]) -> ApiResult {
        if path == "/v1/keys" {
            return match *method {
                Method::GET => self.list(caller).await,
                Method::POST => self.create(caller, body).await,
                _ => Err(ApiError::method_not_allowed(method, "GET or POST")),
            };
        }
        if let Some(id) = path.strip_prefix("/v1/keys/") {
            return match *method {
                Method::DELETE => self.revoke(caller, id).await,
                _ => Err(ApiError::method_not_allowed(method, "DELETE")),
            };
        }
        let tenant = match path.strip_prefix("/v1/limits") {
            Some("") => caller.tenant.clone(),
            Some(rest) => read_tenant(rest.trim_start_matches('/'))?,
            None => return Err(ApiError::unknown_route(path)),
        };
        match *method {
            Method::GET => self.get_limits(caller, &tenant).await,
            Method::PUT => self.put_limits(caller, &tenant, body).await,
            _ => Err(ApiError::method_not_allowed(method, "GET or PUT")),
        }
    }

    async fn list(&self, caller: &Caller) -> ApiResult {
        let keys = self.keys.list(reach(caller).as_ref()).await.map_err(store_error)?;
        let keys: Vec<ListedKey<'_>> = keys.iter().map(ListedKey::from).collect();
        trawl_api::json(StatusCode::OK, &serde_json::json!({ "keys": keys }))
    }

    async fn create(&self, caller: &Caller, body: &[u8]) -> ApiResult {
        let request: KeyRequest = read_json(body, "a key to make")?;
        let new = self.read_key(caller, request)?;
        let (key, record) = self.keys.create(new, &caller.subject).await.map_err(store_error)?;
        tracing::info!(id = %record.id, tenant = %record.grant.tenant, by = caller.subject, "an API key was made");
        trawl_api::json(StatusCode::CREATED, &CreatedKey { key: key.reveal(), listed: ListedKey::from(&record) })
    }

    fn read_key(&self, caller: &Caller, request: KeyRequest) -> Result<NewKey, ApiError> {
        let KeyRequest { name, scopes, tenant, expires_in, requests_per_second } = request;
        let name = name.trim().to_owned();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
            let message = format!("a key has a name of 1 to {MAX_NAME_CHARS} characters that says what it is for");
            return Err(ApiError::bad_request("invalid_name", message));
        }
        let scopes: Result<Scopes, UnknownScope> = scopes.iter().map(|scope| scope.parse::<Scope>()).collect();
        let scopes = scopes.map_err(|error| ApiError::bad_request("unknown_scope", error.to_string()))?;
        if scopes.is_empty() {
            let message = "a key has at least one scope: ingest, search, admin or operator";
            return Err(ApiError::bad_request("no_scope", message));
        }
        let tenant = tenant.as_deref().map_or_else(|| Ok(caller.tenant.clone()), read_tenant)?;
        let is_operator = caller.scopes.allow(Scope::Operator);
        if !is_operator && (tenant != caller.tenant || scopes.allow(Scope::Operator)) {
            return Err(forbidden(caller, Scope::Operator));
        }
        let expires = expires_in.map(|text| {
            let duration = parse_duration(&text).filter(|duration| !duration.is_zero());
            let ns = duration.and_then(|duration| i64::try_from(duration.as_nanos()).ok());
            ns.map(|ns| self.clock.now().plus_ns(ns)).ok_or_else(|| {
                let message = format!("expires_in {text:?} is not a duration: expected 90d, 12h or the like");
                ApiError::bad_request("invalid_duration", message)
            })
        });
        if requests_per_second == Some(0) {
            let message = "requests_per_second is at least 1: a key that opens nothing need not be made";
            return Err(ApiError::bad_request("invalid_rate", message));
        }
        let grant = Grant { tenant, scopes, expires: expires.transpose()?, requests_per_second };
        Ok(NewKey { name, grant })
    }

    async fn revoke(&self, caller: &Caller, id: &str) -> ApiResult {
        let unknown = || ApiError::not_found("unknown_key", format!("there is no key {id:?}"));
        let id: KeyId = id.parse().map_err(|_| unknown())?;
        let revoked = self.keys.revoke(&id, reach(caller).as_ref(), &caller.subject).await.map_err(store_error)?;
        let record = revoked.ok_or_else(unknown)?;
        tracing::info!(id = %record.id, tenant = %record.grant.tenant, by = caller.subject, "an API key was revoked");
        trawl_api::json(StatusCode::OK, &ListedKey::from(&record))
    }

    async fn get_limits(&self, caller: &Caller, tenant: &TenantId) -> ApiResult {
        if *tenant != caller.tenant && !caller.scopes.allow(Scope::Operator) {
            return Err(forbidden(caller, Scope::Operator));
        }
        let limits = self.limits.read(tenant).await.map_err(store_error)?;
        trawl_api::json(StatusCode::OK, &serde_json::json!({"tenant": tenant, "limits": limits}))
    }

    async fn put_limits(&self, caller: &Caller, tenant: &TenantId, body: &[u8]) -> ApiResult {
        if !caller.scopes.allow(Scope::Operator) {
            return Err(forbidden(caller, Scope::Operator));
        }
        let limits: Limits = read_json(body, "limits")?;
        self.limits.set(tenant, limits).await.map_err(store_error)?;
        tracing::info!(%tenant, by = caller.subject, "limits were set");
        trawl_api::json(StatusCode::OK, &serde_json::json!({"tenant": tenant, "limits": limits}))
    }
}

/// Whose keys a caller manages; `None` for everybody's.
fn reach(caller: &Caller) -> Option<TenantId> {
    (!caller.scopes.allow(Scope::Operator)).then(|| caller.tenant.clone())
}

fn read_tenant(name: &str) -> Result<TenantId, ApiError> {
    name.parse().map_err(|error: trawl_event::ids::IdError| ApiError::bad_request("invalid_tenant", error.to_string()))
}

fn read_json<'b, T: Deserialize<'b>>(body: &'b [u8], what: &str) -> Result<T, ApiError> {
    if body.len() > MAX_BODY_BYTES {
        let message = format!("the body has {} bytes, the limit is {MAX_BODY_BYTES}", body.len());
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message));
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request("invalid_request", format!("the body is not {what}: {error}")))
}

fn store_error(error: StoreError) -> ApiError {
    match error {
        StoreError::Permanent(reason) => ApiError::internal(reason),
        other => ApiError::unavailable("storage_unavailable", other.to_string()),
    }
}
