//! Small documents that are written under a condition: API keys, deletions, limits, what was used of them.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use trawl_event::{TenantId, Timestamp};

use super::{Result, StoreError, Version};

/// Most bytes of a document: DynamoDB takes 400 KB, names and all.
pub const MAX_DOCUMENT_BYTES: usize = 380_000;
/// Most bytes of a document's name.
pub const MAX_DOCUMENT_NAME_BYTES: usize = 256;

/// What a document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An API key, by its id: it tells the tenant, so it is under none.
    Key,
    /// A deletion of events, for the record.
    Deletion,
    /// What nobody finds of a tenant's events any more, though it is still there.
    Hidden,
    /// What a tenant may use.
    Limits,
    /// What a tenant used of a limit.
    Usage,
}

impl Kind {
    /// Its name in a store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Deletion => "deletion",
            Self::Hidden => "hidden",
            Self::Limits => "limits",
            Self::Usage => "usage",
        }
    }
}

/// The name of a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentKey {
    /// What it is about.
    pub kind: Kind,
    /// Whose it is; `None` for an API key.
    pub tenant: Option<TenantId>,
    /// Its name among those, without control characters.
    pub name: String,
}

impl DocumentKey {
    /// A document of a tenant.
    pub fn of(tenant: &TenantId, kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, tenant: Some(tenant.clone()), name: name.into() }
    }

    /// The API key with this id.
    pub fn api_key(id: impl Into<String>) -> Self {
        Self { kind: Kind::Key, tenant: None, name: id.into() }
    }

    /// The tenant as it is written: empty for none, which no tenant is.
    pub fn tenant_text(&self) -> &str {
        self.tenant.as_ref().map_or("", TenantId::as_str)
    }
}

impl fmt::Display for DocumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind.as_str(), self.tenant_text(), self.name)
    }
}

/// A document as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name.
    pub key: DocumentKey,
    /// Counts its writes.
    pub version: Version,
    /// What it says.
    pub body: Bytes,
}

/// Documents. Reads are strongly consistent: what was written before is seen.
pub trait Documents: Send + Sync {
    /// Writes a document over the version read before, `None` for a new one. Gives the new version, or `None` when the
    /// document is not at `expected` (nothing is written, or an answer was lost and it was written by this very call). It
    /// may be removed once `expires` is over.
    fn put_document(
        &self,
        key: &DocumentKey,
        expected: Option<Version>,
        body: Bytes,
        expires: Timestamp,
    ) -> impl Future<Output = Result<Option<Version>>> + Send;

    /// A document; `None` when there is none.
    fn document(&self, key: &DocumentKey) -> impl Future<Output = Result<Option<(Version, Bytes)>>> + Send;

    /// All documents of a kind, of one tenant or of all, by tenant and name.
    fn documents(&self, kind: Kind, tenant: Option<&TenantId>) -> impl Future<Output = Result<Vec<Document>>> + Send;

    /// Removes what expired before `now`.
    fn remove_expired_documents(&self, now: Timestamp) -> impl Future<Output = Result<()>> + Send;
}

impl<T: Documents> Documents for Arc<T> {
    fn put_document(
        &self,
        key: &DocumentKey,
        expected: Option<Version>,
        body: Bytes,
        expires: Timestamp,
    ) -> impl Future<Output = Result<Option<Version>>> + Send {
        (**self).put_document(key, expected, body, expires)
    }

    fn document(&self, key: &DocumentKey) -> impl Future<Output = Result<Option<(Version, Bytes)>>> + Send {
        (**self).document(key)
    }

    fn documents(&self, kind: Kind, tenant: Option<&TenantId>) -> impl Future<Output = Result<Vec<Document>>> + Send {
        (**self).documents(kind, tenant)
    }

    fn remove_expired_documents(&self, now: Timestamp) -> impl Future<Output = Result<()>> + Send {
        (**self).remove_expired_documents(now)
    }
}

/// Refuses what no store takes.
pub fn check(key: &DocumentKey, bytes: usize) -> Result<()> {
    let name = &key.name;
    if name.is_empty() || name.len() > MAX_DOCUMENT_NAME_BYTES || name.chars().any(char::is_control) {
        return Err(StoreError::Permanent(format!(
            "the name of a document is 1 to {MAX_DOCUMENT_NAME_BYTES} bytes without control characters"
        )));
    }
    if bytes > MAX_DOCUMENT_BYTES {
        return Err(StoreError::Permanent(format!(
            "document {key} has {bytes} bytes, the limit is {MAX_DOCUMENT_BYTES}"
        )));
    }
    Ok(())
}

/// How often a count that others write too is tried.
const COUNT_ATTEMPTS: usize = 8;

/// Adds to a count that others add to as well; gives the sum. When so many add at once that it stays busy, the sum is right
/// but for this addition.
pub async fn add_to<D: Documents>(documents: &D, key: &DocumentKey, amount: u64, expires: Timestamp) -> Result<u64> {
    let mut sum = amount;
    for _ in 0..COUNT_ATTEMPTS {
        let found = documents.document(key).await?;
        sum = found.as_ref().map_or(0, |(_, body)| counted(body)).saturating_add(amount);
        let version = found.map(|(version, _)| version);
        if documents.put_document(key, version, Bytes::from(sum.to_string()), expires).await?.is_some() {
            break;
        }
    }
    Ok(sum)
}

/// The count in a document; what is damaged counts as nothing.
pub fn counted(body: &[u8]) -> u64 {
    std::str::from_utf8(body).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}
