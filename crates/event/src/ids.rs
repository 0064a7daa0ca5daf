//! The names of tenants and batches, checked once at the edge.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

/// Longest tenant name, in bytes: it is part of every object key.
pub const MAX_TENANT_BYTES: usize = 64;
/// Longest `Idempotency-Key`, in bytes (the IETF draft leaves the bound to the server).
pub const MAX_IDEMPOTENCY_KEY_BYTES: usize = 256;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a tenant name.
    #[error("a tenant is 1 to {MAX_TENANT_BYTES} of a-z, 0-9, '-' and '_'")]
    Tenant,
    /// Not an idempotency key.
    #[error("an idempotency key is 1 to {MAX_IDEMPOTENCY_KEY_BYTES} visible ASCII characters")]
    IdempotencyKey,
    /// Not a batch id.
    #[error("a batch id is 32 hexadecimal digits")]
    BatchId,
}

/// Whose data it is. Every key, row and object is under one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(Box<str>);

impl TenantId {
    /// The tenant of a server without keys.
    pub fn default_tenant() -> Self {
        Self("default".into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = IdError;

    fn from_str(name: &str) -> Result<Self, IdError> {
        let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if (1..=MAX_TENANT_BYTES).contains(&name.len()) && name.bytes().all(valid) {
            Ok(Self(name.into()))
        } else {
            Err(IdError::Tenant)
        }
    }
}

impl TryFrom<String> for TenantId {
    type Error = IdError;

    fn try_from(name: String) -> Result<Self, IdError> {
        name.parse()
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.0.into()
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What makes two requests the same request: 128 bits, shown as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BatchId(pub u128);

/// What a batch id was made from, so that no caller's key can equal a body's hash.
const FROM_KEY: u8 = 1;
const FROM_BODY: u8 = 2;
const FROM_PART: u8 = 3;
const FROM_REQUEST: u8 = 4;

impl BatchId {
    /// The id of a request that brought an `Idempotency-Key`.
    pub fn from_key(tenant: &TenantId, key: &str) -> Result<Self, IdError> {
        let visible = key.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY_BYTES || !visible {
            return Err(IdError::IdempotencyKey);
        }
        Ok(Self::hash(tenant, FROM_KEY, key.as_bytes()))
    }

    /// The id of a body in which every event brings its own timestamp.
    pub fn from_body(tenant: &TenantId, body: &[u8]) -> Self {
        Self::hash(tenant, FROM_BODY, body)
    }

    /// The id of a body in which every event brings its own timestamp, on a route whose path and query change its events.
    pub fn from_request(tenant: &TenantId, path: &str, query: &str, body: &[u8]) -> Self {
        let mut hasher = Xxh3::new();
        hasher.update(tenant.as_str().as_bytes());
        hasher.update(&[0, FROM_REQUEST]);
        for text in [path, query] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update(body);
        Self(hasher.digest128())
    }

    /// The id of part `index` of a batch that was cut into several; part 0 has the batch's own.
    pub fn part(self, index: usize) -> Self {
        if index == 0 {
            return self;
        }
        let mut hasher = Xxh3::new();
        hasher.update(&self.0.to_le_bytes());
        hasher.update(&[FROM_PART]);
        hasher.update(&(index as u64).to_le_bytes());
        Self(hasher.digest128())
    }

    fn hash(tenant: &TenantId, origin: u8, bytes: &[u8]) -> Self {
        let mut hasher = Xxh3::new();
        hasher.update(tenant.as_str().as_bytes());
        hasher.update(&[0, origin]);
        hasher.update(bytes);
        Self(hasher.digest128())
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for BatchId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        match u128::from_str_radix(&text, 16) {
            Ok(id) if text.len() == 32 => Ok(Self(id)),
            _ => Err(IdError::BatchId),
        }
    }
}

impl From<BatchId> for String {
    fn from(id: BatchId) -> Self {
        id.to_string()
    }
}
