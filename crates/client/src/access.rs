//! Keys and limits, for who manages them.

use serde::{Deserialize, Serialize};
use ureq::http::Method;

use crate::client::{Client, get};
use crate::error::Error;
use crate::transport::{Call, percent_encode};

/// A key to make.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// What it allows: `ingest`, `search`, `admin`, `operator`.
    pub scopes: Vec<String>,
    /// Whose data it opens; the caller's own tenant without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// For how long, as `90d`; for ever without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
    /// Most requests a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u64>,
}

/// A key as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Names it: `trawl_<id>_…`.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Whose data it opens.
    pub tenant: String,
    /// What it allows.
    pub scopes: Vec<String>,
    /// When it was made: RFC 3339.
    pub created: String,
    /// By whom.
    pub created_by: String,
    /// When it ends: RFC 3339.
    #[serde(default)]
    pub expires: Option<String>,
    /// Most requests a second.
    #[serde(default)]
    pub requests_per_second: Option<u64>,
    /// When and by whom it was revoked.
    #[serde(default)]
    pub revoked: Option<Revoked>,
}

/// When and by whom a key was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// When: RFC 3339.
    pub at: String,
    /// By whom.
    pub by: String,
}

/// A key that was made: the only time that it is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedKey {
    /// The key itself, a secret.
    pub key: String,
    /// What is known of it.
    #[serde(flatten)]
    pub listed: Key,
}

impl std::fmt::Debug for CreatedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedKey").field("listed", &self.listed).finish_non_exhaustive()
    }
}

/// All keys that may be seen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KeyList {
    /// By age.
    pub keys: Vec<Key>,
}

/// The limits of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantLimits {
    /// Whose.
    pub tenant: String,
    /// What it may use.
    pub limits: Limits,
}

/// What a tenant may use; what is absent is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Bytes of events a second, decompressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingest_bytes_per_second: Option<u64>,
    /// Events a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingest_events_per_second: Option<u64>,
    /// Searches that run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_searches: Option<u64>,
    /// Stored bytes that one search reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scanned_bytes_per_search: Option<u64>,
    /// Stored bytes that all searches read in a day (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scanned_bytes_per_day: Option<u64>,
}

impl Client {
    /// Makes a key. Never repeated of itself: a lost answer may have made a key that nobody has, which can be revoked.
    pub fn create_key(&self, key: &NewKey) -> Result<CreatedKey, Error> {
        let body = serde_json::to_vec(key).map_err(|source| Error::Answer { route: "POST /v1/keys".into(), source })?;
        self.transport.json(&Call {
            method: Method::POST,
            headers: vec![("content-type", "application/json")],
            body: Some(&body),
            repeatable: false,
            ..get("/v1/keys".to_owned())
        })
    }

    /// The keys of the caller's tenant; an operator sees everybody's.
    pub fn keys(&self) -> Result<KeyList, Error> {
        self.transport.json(&get("/v1/keys".to_owned()))
    }

    /// Revokes a key: within a minute it opens nothing anywhere.
    pub fn revoke_key(&self, id: &str) -> Result<Key, Error> {
        let path = format!("/v1/keys/{}", percent_encode(id));
        self.transport.json(&Call { method: Method::DELETE, ..get(path) })
    }

    /// The limits of a tenant, or of the caller's own.
    pub fn limits(&self, tenant: Option<&str>) -> Result<TenantLimits, Error> {
        self.transport.json(&get(limits_path(tenant)))
    }

    /// Sets the limits of a tenant.
    pub fn set_limits(&self, tenant: &str, limits: &Limits) -> Result<TenantLimits, Error> {
        self.send_json(Method::PUT, limits_path(Some(tenant)), limits)
    }
}

fn limits_path(tenant: Option<&str>) -> String {
    tenant.map_or_else(|| "/v1/limits".to_owned(), |tenant| format!("/v1/limits/{}", percent_encode(tenant)))
}
