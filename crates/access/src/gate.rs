//! A request → its caller.

use std::sync::Arc;
use std::time::Duration;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, Method, StatusCode};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use trawl_api::{ApiError, ApiResult};
use trawl_event::{TenantId, Timestamp};
use trawl_store::ports::{Clock, Documents, Ids, StoreError};

use crate::credential::{self, Credential, MAX_CREDENTIAL_BYTES};
use crate::key::{ApiKey, KeyId, KeyRecord, PREFIX, Pepper};
use crate::keys::Keys;
use crate::provider::{Brought, Fetch, Provider, TOKEN_ROUTE};
use crate::quota::{Meter, Quota};
use crate::route::{Required, required};
use crate::scope::{Scope, Scopes};

/// How long what is stored of a key counts before it is read again.
const KEY_FRESH: Duration = Duration::from_secs(30);
/// How long it counts while the store does not answer: a revoked key opens nothing after this long, everywhere.
const KEY_STALE: Duration = Duration::from_secs(55);
/// How long a key that does not exist is remembered.
const UNKNOWN_FRESH: Duration = Duration::from_secs(10);
/// Keys remembered at once.
const KEYS_REMEMBERED: usize = 10_000;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose data it reaches.
    pub tenant: TenantId,
    /// What it may do.
    pub scopes: Scopes,
    /// Who it is, for records: `key:<id>`, `token:<subject>`, `deployment key`, `anybody`.
    pub subject: String,
}

impl Caller {
    fn anybody() -> Self {
        Self { tenant: TenantId::default_tenant(), scopes: Scopes::all(), subject: "anybody".into() }
    }

    fn deployment() -> Self {
        Self { subject: "deployment key".into(), ..Self::anybody() }
    }
}

/// What a deployment chooses.
#[derive(Clone, Default)]
pub struct GateSettings {
    /// Whether requests without a credential are let in, as the default tenant and with all scopes.
    pub is_open: bool,
    /// SHA-256 of the deployment's own key, which is an operator's.
    pub deployment_key: Option<[u8; 32]>,
}

impl std::fmt::Debug for GateSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GateSettings")
            .field("is_open", &self.is_open)
            .field("has_deployment_key", &self.deployment_key.is_some())
            .finish()
    }
}

/// A request as the gate sees it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'r> {
    /// Its method.
    pub method: &'r Method,
    /// Its path.
    pub path: &'r str,
    /// What stands behind the `?`.
    pub query: &'r str,
    /// Its headers.
    pub headers: &'r HeaderMap,
    /// Whether the ingest stage answers it.
    pub is_ingest: bool,
}

#[derive(Clone)]
struct Remembered {
    record: Option<Arc<KeyRecord>>,
    at: Timestamp,
}

/// Lets requests in.
pub struct Gate<D, C, F> {
    keys: Keys<D, C>,
    quota: Quota<D, C>,
    clock: C,
    settings: GateSettings,
    provider: Option<Provider<F>>,
    remembered: Cache<KeyId, Remembered>,
}

impl<D, C, F> Gate<D, C, F>
where
    D: Documents + Clone,
    C: Clock + Ids + Clone,
    F: Fetch,
{
    /// A gate that knows the keys in `documents`, and the tokens of `provider`.
    pub fn new(documents: D, clock: C, pepper: Pepper, settings: GateSettings, provider: Option<Provider<F>>) -> Self {
        Self {
            keys: Keys::new(documents.clone(), clock.clone(), pepper),
            quota: Quota::new(documents, clock.clone()),
            clock,
            settings,
            provider,
            remembered: Cache::new(KEYS_REMEMBERED),
        }
    }

    /// The keys it knows.
    pub fn keys(&self) -> &Keys<D, C> {
        &self.keys
    }

    /// Answers `GET /v1/auth` and `POST /v1/auth/token`, for who is nobody yet; `None` for any other route.
    pub async fn answer_open(&self, method: &Method, path: &str, body: &[u8]) -> Option<ApiResult> {
        match (method, path) {
            (&Method::GET | &Method::HEAD, "/v1/auth") => {
                let oidc = match &self.provider {
                    Some(provider) => provider.sign_in().await,
                    None => None,
                };
                let answer = serde_json::json!({"key_required": !self.settings.is_open, "oidc": oidc});
                Some(trawl_api::json(StatusCode::OK, &answer))
            }
            (&Method::POST, TOKEN_ROUTE) => Some(self.tokens(body).await),
            _ => None,
        }
    }

    async fn tokens(&self, body: &[u8]) -> ApiResult {
        let Some(provider) = &self.provider else {
            return Err(ApiError::not_found("no_sign_in", "nobody signs in here: this server takes keys"));
        };
        if body.len() > MAX_CREDENTIAL_BYTES {
            let message = format!("the body has {} bytes, the limit is {MAX_CREDENTIAL_BYTES}", body.len());
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message));
        }
        let mut brought = serde_json::Map::new();
        for (name, value) in form_urlencoded::parse(body) {
            brought.insert(name.into_owned(), value.into_owned().into());
        }
        let brought: Brought = serde_json::from_value(brought.into())
            .map_err(|error| ApiError::bad_request("invalid_request", error.to_string()))?;
        trawl_api::json(StatusCode::OK, &provider.tokens(&brought).await?)
    }

    /// The caller of a request that may do what it asks; `None` where nobody has to be anyone.
    pub async fn admit(&self, asked: &Asked<'_>) -> Result<Option<Caller>, ApiError> {
        let Required::Scope(scope) = required(asked.method, asked.path, asked.is_ingest) else { return Ok(None) };
        let caller = self.caller(asked).await?;
        match caller.scopes.allow(scope) {
            true => Ok(Some(caller)),
            false => Err(forbidden(&caller, scope)),
        }
    }

    /// Who asks, whatever it is that they ask for.
    pub async fn caller(&self, asked: &Asked<'_>) -> Result<Caller, ApiError> {
        let Some(credential) = credential::find(asked.headers, asked.path, asked.query) else {
            return if self.settings.is_open { Ok(Caller::anybody()) } else { Err(missing()) };
        };
        if credential.reveal().starts_with(PREFIX) {
            return self.by_key(&credential).await;
        }
        if self.is_deployment_key(&credential) {
            return Ok(Caller::deployment());
        }
        if let Some(provider) = &self.provider
            && crate::token::looks_like_one(credential.reveal())
        {
            return provider.caller(credential.reveal(), self.clock.now()).await;
        }
        // Clients that must be given some key bring one even where none is asked for.
        if self.settings.is_open { Ok(Caller::anybody()) } else { Err(invalid()) }
    }

    async fn by_key(&self, credential: &Credential) -> Result<Caller, ApiError> {
        let key: ApiKey = credential.reveal().parse().map_err(|_| invalid())?;
        let record = self.record(key.id()).await?.ok_or_else(invalid)?;
        if !self.keys.is_key_of(&key, &record) {
            return Err(invalid());
        }
        // Who has the secret may know what became of the key.
        if record.revoked.is_some() {
            return Err(unauthorized("revoked_api_key", "this API key was revoked"));
        }
        if let Some(expires) = record.grant.expires.filter(|expires| *expires <= self.clock.now()) {
            return Err(unauthorized("expired_api_key", format!("this API key expired at {expires}")));
        }
        if let Some(most) = record.grant.requests_per_second {
            let meter = Meter::Requests(key.id().clone());
            self.quota.admit(&record.grant.tenant, &meter, most, 1).await?;
        }
        let subject = format!("key:{}", record.id);
        Ok(Caller { tenant: record.grant.tenant.clone(), scopes: record.grant.scopes, subject })
    }

    /// What is stored of a key, as it stood at most [`KEY_FRESH`] ago; [`KEY_STALE`] while the store does not answer.
    async fn record(&self, id: &KeyId) -> Result<Option<Arc<KeyRecord>>, ApiError> {
        let now = self.clock.now();
        let remembered = self.remembered.get(id);
        let age = remembered.as_ref().and_then(|known| u64::try_from(now.0.checked_sub(known.at.0)?).ok());
        let age = age.map(Duration::from_nanos);
        if let (Some(known), Some(age)) = (&remembered, age) {
            let fresh = if known.record.is_some() { KEY_FRESH } else { UNKNOWN_FRESH };
            if age < fresh {
                return Ok(known.record.clone());
            }
        }
        match self.keys.record(id).await {
            Ok(record) => {
                let record = record.map(Arc::new);
                self.remembered.insert(id.clone(), Remembered { record: record.clone(), at: now });
                Ok(record)
            }
            Err(error) => match (remembered, age) {
                (Some(known), Some(age)) if age < KEY_STALE && error.is_retryable() => {
                    tracing::warn!(%error, "what is stored of a key cannot be read, going by what was");
                    Ok(known.record)
                }
                _ => Err(unreadable(error)),
            },
        }
    }

    fn is_deployment_key(&self, credential: &Credential) -> bool {
        let Some(hash) = &self.settings.deployment_key else { return false };
        Sha256::digest(credential.reveal().as_bytes())[..].ct_eq(&hash[..]).into()
    }
}

/// The answer to a caller that is not allowed what it asks for.
pub fn forbidden(caller: &Caller, scope: Scope) -> ApiError {
    let allowed: Vec<&str> = caller.scopes.iter().map(Scope::as_str).collect();
    let message = format!("this needs the scope {scope}, and {} has {}", caller.subject, allowed.join(", "));
    ApiError::new(StatusCode::FORBIDDEN, "forbidden", message)
}

fn unreadable(error: StoreError) -> ApiError {
    match error {
        StoreError::Permanent(reason) => ApiError::internal(reason),
        other => ApiError::unavailable("keys_unavailable", other.to_string()),
    }
}

/// 401, and which credential is expected.
pub(crate) fn unauthorized(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, code, message).with_header(WWW_AUTHENTICATE, "Bearer")
}

fn missing() -> ApiError {
    unauthorized("missing_api_key", "this needs a key: expected the header Authorization: Bearer KEY")
}

fn invalid() -> ApiError {
    unauthorized("invalid_api_key", "the API key is not one that is known here")
}
