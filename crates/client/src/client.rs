//! One method per route of the HTTP API.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Method;

use crate::answer::{Health, PushAnswer, SearchCreated, SearchPage, SearchRequest, ServerStatus};
use crate::counts::{FieldValues, Fields, ValuesRequest};
use crate::error::Error;
use crate::live::{Context, ContextRequest, Explained, NamedSearch, News, Plan, SavedSearch, SavedSearches};
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
    pub(crate) transport: Transport,
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
        self.send_json(Method::POST, "/v1/searches".to_owned(), search)
    }

    /// What a search would read; it is not run.
    pub fn explain(&self, search: &SearchRequest) -> Result<Plan, Error> {
        #[derive(Serialize)]
        struct Explain<'s> {
            #[serde(flatten)]
            search: &'s SearchRequest,
            explain: bool,
        }
        let request = Explain { search, explain: true };
        self.send_json(Method::POST, "/v1/searches".to_owned(), &request).map(|Explained { plan }| plan)
    }

    /// The page at `cursor` (the first without one). A server with nothing new to say answers after
    /// `wait` (whole seconds) at the latest.
    pub fn poll(&self, id: &str, cursor: Option<&str>, wait: Duration) -> Result<SearchPage, Error> {
        self.poll_seen(id, cursor, wait, None)
    }

    /// As [`Client::poll`]; with the version of an earlier page the server also answers once anything has changed
    /// since: progress, counts, a table.
    pub fn poll_seen(
        &self,
        id: &str,
        cursor: Option<&str>,
        wait: Duration,
        seen: Option<u64>,
    ) -> Result<SearchPage, Error> {
        let seen = seen.map(|seen| seen.to_string());
        let path = with_parameters(
            format!("/v1/searches/{}?wait={}s", percent_encode(id), wait.as_secs()),
            &[("cursor", cursor), ("seen", seen.as_deref())],
        );
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

    /// Names and types of the fields seen between `from` and `to`.
    pub fn fields(&self, from: Option<&str>, to: Option<&str>) -> Result<Fields, Error> {
        self.transport.json(&get(with_parameters("/v1/fields".to_owned(), &[("from", from), ("to", to)])))
    }

    /// The most frequent values of a field, as many as the server counts in about 2 s.
    pub fn values(&self, field: &str, request: &ValuesRequest) -> Result<FieldValues, Error> {
        let ValuesRequest { prefix, query, from, to, limit } = request;
        let limit = limit.map(|limit| limit.to_string());
        let path = with_parameters(
            format!("/v1/fields/{}/values", percent_encode(field)),
            &[
                ("prefix", prefix.as_deref()),
                ("query", query.as_deref()),
                ("from", from.as_deref()),
                ("to", to.as_deref()),
                ("limit", limit.as_deref()),
            ],
        );
        self.transport.json(&get(path))
    }

    /// Starts two searches that lead away from an event. Repeating this may start them twice.
    pub fn context(&self, request: &ContextRequest) -> Result<Context, Error> {
        self.send_json(Method::POST, "/v1/context".to_owned(), request)
    }

    /// Events that have arrived since `cursor`, or, without one, the cursor of this moment. Without news the server
    /// answers after `wait` (whole seconds, at most 20). `limit` is the server's when absent, and at most 10,000.
    pub fn tail(&self, query: &str, cursor: Option<&str>, wait: Duration, limit: Option<u64>) -> Result<News, Error> {
        let limit = limit.map(|limit| limit.to_string());
        let path = with_parameters(
            format!("/v1/tail?wait={}s", wait.as_secs()),
            &[("query", Some(query)), ("cursor", cursor), ("limit", limit.as_deref())],
        );
        self.transport.json(&Call { timeout: wait.saturating_add(POLL_GRACE), ..get(path) })
    }

    /// The saved searches by name.
    pub fn saved(&self) -> Result<Vec<NamedSearch>, Error> {
        self.transport.json(&get("/v1/saved".to_owned())).map(|SavedSearches { saved }| saved)
    }

    /// Saves a search, in the place of one that has the name.
    pub fn save(&self, name: &str, search: &SavedSearch) -> Result<NamedSearch, Error> {
        self.send_json(Method::PUT, format!("/v1/saved/{}", percent_encode(name)), search)
    }

    /// Deletes a saved search.
    pub fn forget(&self, name: &str) -> Result<(), Error> {
        let path = format!("/v1/saved/{}", percent_encode(name));
        self.transport.send(&Call { method: Method::DELETE, ..get(path) }).map(drop)
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

    /// Sends what may be sent twice, and reads the answer.
    pub(crate) fn send_json<A: DeserializeOwned>(
        &self,
        method: Method,
        path: String,
        body: &impl Serialize,
    ) -> Result<A, Error> {
        let body =
            serde_json::to_vec(body).map_err(|source| Error::Answer { route: format!("{method} {path}"), source })?;
        self.transport.json(&Call {
            method,
            headers: vec![("content-type", "application/json")],
            body: Some(&body),
            ..get(path)
        })
    }
}

/// A path with the parameters that have a value behind it.
fn with_parameters(mut path: String, parameters: &[(&str, Option<&str>)]) -> String {
    for (name, value) in parameters {
        if let Some(value) = value {
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(name);
            path.push('=');
            path.push_str(&percent_encode(value));
        }
    }
    path
}

pub(crate) fn get<'c>(path: String) -> Call<'c> {
    Call { method: Method::GET, path, headers: Vec::new(), body: None, repeatable: true, timeout: REQUEST_TIMEOUT }
}
