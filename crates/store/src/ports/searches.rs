//! Searches in progress and their result pages: DynamoDB with overflow to S3, or files.

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use trawl_event::{TenantId, Timestamp};

use super::Result;

/// The name of a search: 128 random bits as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SearchId(pub u128);

impl fmt::Display for SearchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for SearchId {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let digits = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match u128::from_str_radix(text, 16) {
            Ok(id) if digits => Ok(Self(id)),
            _ => Err("a search id is 32 hexadecimal digits"),
        }
    }
}

impl TryFrom<String> for SearchId {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SearchId> for String {
    fn from(id: SearchId) -> Self {
        id.to_string()
    }
}

/// Counts the writes of a search's state; a write names the version it read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);

/// The state of searches, as bytes that the coordinator understands.
pub trait Searches: Send + Sync {
    /// Writes the state of a search. `expected` is the version read before, `None` for a new search.
    /// Gives the new version, or `None` when the state is not at `expected` (nothing is written).
    fn put_state(
        &self,
        tenant: &TenantId,
        id: SearchId,
        expected: Option<Version>,
        state: Bytes,
        expires: Timestamp,
    ) -> impl Future<Output = Result<Option<Version>>> + Send;

    /// The state of a search; `None` when there is none (or it expired).
    fn state(&self, tenant: &TenantId, id: SearchId) -> impl Future<Output = Result<Option<(Version, Bytes)>>> + Send;

    /// Writes a result page. Pages never change once the state counts them; writing one again is harmless.
    fn put_page(
        &self,
        tenant: &TenantId,
        id: SearchId,
        page: u32,
        body: Bytes,
    ) -> impl Future<Output = Result<()>> + Send;

    /// A result page; `None` when there is none.
    fn page(&self, tenant: &TenantId, id: SearchId, page: u32) -> impl Future<Output = Result<Option<Bytes>>> + Send;

    /// Removes searches that expired before `now`, pages and all.
    fn remove_expired(&self, now: Timestamp) -> impl Future<Output = Result<()>> + Send;
}

impl<T: Searches> Searches for Arc<T> {
    fn put_state(
        &self,
        tenant: &TenantId,
        id: SearchId,
        expected: Option<Version>,
        state: Bytes,
        expires: Timestamp,
    ) -> impl Future<Output = Result<Option<Version>>> + Send {
        (**self).put_state(tenant, id, expected, state, expires)
    }

    fn state(&self, tenant: &TenantId, id: SearchId) -> impl Future<Output = Result<Option<(Version, Bytes)>>> + Send {
        (**self).state(tenant, id)
    }

    fn put_page(
        &self,
        tenant: &TenantId,
        id: SearchId,
        page: u32,
        body: Bytes,
    ) -> impl Future<Output = Result<()>> + Send {
        (**self).put_page(tenant, id, page, body)
    }

    fn page(&self, tenant: &TenantId, id: SearchId, page: u32) -> impl Future<Output = Result<Option<Bytes>>> + Send {
        (**self).page(tenant, id, page)
    }

    fn remove_expired(&self, now: Timestamp) -> impl Future<Output = Result<()>> + Send {
        (**self).remove_expired(now)
    }
}
