//! One method per route of the HTTP API.

use std::time::Duration;

use serde_json::Value;
use ureq::http::Method;

use crate::answer::{Health, PushAnswer, SearchCreated, SearchPage, SearchRequest, ServerStatus};
use crate::error::Error;
use crate::retry::Retries;
use crate::transport::{Call, REQUEST_TIMEOUT, Transport, percent_encode};

/// How much longer than the server's own wait an answer to a poll may take.
const POLL_GRACE: Duration = Duration::from_secs(30);
/// Longest time for a local compaction, which answers when it is done.
const COMPACT_TIMEOUT: Duration = Duration::from_secs(3600);

/// How a body is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    #[default]
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Encoding {
    fn header(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// A Trawl server, as its callers see it. Cloning is cheap and shares the connections; any number of
/// threads may call at once.
///
/// Each call is repeated by [`Retries`] while the server is busy (429, 503) or can't be reached, and
/// blocks meanwhile.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
}

impl Client {
    /// A client of the server at `url` (`http://` or `https://`). `api_key` goes along as
    /// `Authorization: Bearer`. Nothing is sent yet.
    pub fn new(url: &str, api_key: Option<&str>) -> Result<Self, Error> {
        Ok(Self { transport: Transport::new(url, api_key)? })
    }

    /// The same client with another patience.
    #[must_use]
    pub fn with_retries(mut self, retries: Retries) -> Self {
        self.transport.retries = retries;
        self
    }

    /// The server's address, as it is used.
    pub fn url(&self) -> &str {
        self.transport.base()
    }

    /// Sends a batch: a JSON object, an array, `{"events":[…]}` or NDJSON, compressed as `encoding` says.
    ///
    /// With an `idempotency_key` (1 to 256 visible ASCII characters) the batch is sent until the server
    /// answers, always under that key, and counts once. Without one, a lost answer is an error: the
    /// batch may or may not have been taken.
    pub fn push(&self, body: &[u8], encoding: Encoding, idempotency_key: Option<&str>) -> Result<PushAnswer, Error> {
        // API Gateway takes what is called JSON for text, which a compressed body is not.
        let kind = if encoding.header().is_some() { "application/x-ndjson" } else { "application/json" };
        let mut headers = vec![("content-type", kind)];
        headers.extend(encoding.header().map(|name| ("content-encoding", name)));
        headers.extend(idempotency_key.map(|key| ("idempotency-key", key)));
        self.transport.json(&Call {
            method: Method::POST,
            path: "/v1/events".to_owned(),
            headers,
            body: Some(body),
            repeatable: idempotency_key.is_some(),
            timeout: REQUEST_TIMEOUT,
        })
    }

    /// Starts a search. Repeating this may start it twice; the one nobody polls expires.
    pub fn create_search(&self, search: &SearchRequest) -> Result<SearchCreated, Error> {
        let route = || "POST /v1/searches".to_owned();
        let body = serde_json::to_vec(search).map_err(|source| Error::Answer { route: route(), source })?;
        self.transport.json(&Call {
            method: Method::POST,
            path: "/v1/searches".to_owned(),
            headers: vec![("content-type", "application/json")],
            body: Some(&body),
            repeatable: true,
            timeout: REQUEST_TIMEOUT,
        })
    }

    /// The page at `cursor` (the first without one). A server with nothing new to say answers after
    /// `wait` (whole seconds) at the latest.
    pub fn poll(&self, id: &str, cursor: Option<&str>, wait: Duration) -> Result<SearchPage, Error> {
        let mut path = format!("/v1/searches/{}?wait={}s", percent_encode(id), wait.as_secs());
        if let Some(cursor) = cursor {
            path.push_str("&cursor=");
            path.push_str(&percent_encode(cursor));
        }
        self.transport.json(&Call { timeout: wait.saturating_add(POLL_GRACE), ..get(path) })
    }

    /// Ends a search. One that has ended already, or is not known, is no error.
    pub fn cancel(&self, id: &str) -> Result<(), Error> {
        let path = format!("/v1/searches/{}", percent_encode(id));
        match self.transport.send(&Call { method: Method::DELETE, ..get(path) }) {
            Ok(_) => Ok(()),
            Err(error) if error.api().is_some_and(|api| api.status == 404) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What the server holds.
    pub fn status(&self) -> Result<ServerStatus, Error> {
        self.transport.json(&get("/v1/status".to_owned()))
    }

    /// Whether the server is up.
    pub fn health(&self) -> Result<Health, Error> {
        let body = self.transport.send(&get("/v1/health".to_owned()))?;
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Health { body })
    }

    /// Paths and types of the fields seen between `from` and `to`, as the server lists them.
    pub fn fields(&self, from: Option<&str>, to: Option<&str>) -> Result<Value, Error> {
        let mut path = "/v1/fields".to_owned();
        let mut separator = '?';
        for (name, value) in [("from", from), ("to", to)] {
            if let Some(value) = value {
                path.push_str(&format!("{separator}{name}={}", percent_encode(value)));
                separator = '&';
            }
        }
        self.transport.json(&get(path))
    }

    /// Persists the tail and compacts, now; answers when both are done. Only `trawl local` offers it.
    pub fn compact(&self) -> Result<Value, Error> {
        let body = self.transport.send(&Call {
            method: Method::POST,
            body: Some(b""),
            timeout: COMPACT_TIMEOUT,
            ..get("/v1/admin/compact".to_owned())
        })?;
        Ok(serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

fn get(path: String) -> Call<'static> {
    Call { method: Method::GET, path, headers: Vec::new(), body: None, repeatable: true, timeout: REQUEST_TIMEOUT }
}
