//! One request over HTTP: sent, repeated where that is safe, and read.
// It runs in its caller's process, on its caller's thread and time, never inside a stage.
#![allow(clippy::disallowed_methods)]

use std::io;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use ureq::http::{self, Method, header};
use ureq::{Agent, Body};

use crate::error::{ApiError, Error};
use crate::retry::{Retries, parse_retry_after};

/// Longest time to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for a whole request, unless it says otherwise: API Gateway cuts at 30 s.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(40);
/// Largest answer that is read, in bytes. Lambda's bound is 6 MB; a local server's pages keep to it as well.
const MAX_ANSWER_BYTES: u64 = 64 * 1024 * 1024;
/// Connections kept open for the next request; more callers than this at a time are rare.
const IDLE_CONNECTIONS: usize = 64;
/// What the server sees as `User-Agent`.
const USER_AGENT: &str = concat!("trawl-client/", env!("CARGO_PKG_VERSION"));

/// A request, ready to be sent any number of times.
pub(crate) struct Call<'a> {
    pub method: Method,
    /// Path and query, from the `/` on.
    pub path: String,
    pub headers: Vec<(&'static str, &'a str)>,
    pub body: Option<&'a [u8]>,
    /// Whether doing it twice is the same as doing it once. If not, it is sent again only where the
    /// first attempt certainly had no effect.
    pub repeatable: bool,
    pub timeout: Duration,
}

/// Connections to one server.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    agent: Agent,
    base: String,
    authorization: Option<String>,
    pub(crate) retries: Retries,
}

impl Transport {
    pub(crate) fn new(url: &str, api_key: Option<&str>) -> Result<Self, Error> {
        let base = url.trim().trim_end_matches('/').to_owned();
        let uri: http::Uri = base.parse().map_err(|error: http::uri::InvalidUri| Error::Settings {
            what: format!("address {url:?}"),
            reason: error.to_string(),
        })?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            let reason = "an address begins with http:// or https://".to_owned();
            return Err(Error::Settings { what: format!("address {url:?}"), reason });
        }
        let authorization = api_key.map(|key| format!("Bearer {key}"));
        if authorization.as_deref().is_some_and(|value| http::HeaderValue::from_str(value).is_err()) {
            let reason = "it holds characters that no HTTP header can carry".to_owned();
            return Err(Error::Settings { what: "the API key".to_owned(), reason });
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .max_idle_connections(IDLE_CONNECTIONS)
            .max_idle_connections_per_host(IDLE_CONNECTIONS)
            .user_agent(USER_AGENT)
            .build()
            .into();
        Ok(Self { agent, base, authorization, retries: Retries::default() })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Sends until there is an answer, and reads it as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, Error> {
        let body = self.send(call)?;
        serde_json::from_slice(&body)
            .map_err(|source| Error::Answer { route: format!("{} {}", call.method, call.path), source })
    }

    /// Sends until there is an answer; its body.
    pub(crate) fn send(&self, call: &Call<'_>) -> Result<Vec<u8>, Error> {
        let began = Instant::now();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let failure = match self.attempt(call) {
                Ok(body) => return Ok(body),
                Err(failure) => failure,
            };
            let wait = failure
                .may_repeat(call.repeatable)
                .then(|| self.retries.wait(attempts, began.elapsed(), failure.retry_after(), rand::random()))
                .flatten();
            match wait {
                Some(wait) => std::thread::sleep(wait),
                None => return Err(failure.into_error(&self.base, attempts)),
            }
        }
    }

    fn attempt(&self, call: &Call<'_>) -> Result<Vec<u8>, Failure> {
        let mut request = http::Request::builder().method(&call.method).uri(format!("{}{}", self.base, call.path));
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, *value);
        }
        let response = match call.body {
            Some(body) => self.run(request.body(body), call.timeout),
            None => self.run(request.body(()), call.timeout),
        };
        let mut response = response.map_err(Failure::Transport)?;
        let status = response.status();
        let retry_after =
            response.headers().get(header::RETRY_AFTER).and_then(|value| parse_retry_after(value.to_str().ok()?));
        let body =
            response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec().map_err(Failure::Transport)?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(Failure::Refused(ApiError::from_body(status.as_u16(), retry_after, &body)))
        }
    }

    fn run(
        &self,
        request: http::Result<http::Request<impl ureq::AsSendBody>>,
        timeout: Duration,
    ) -> Result<http::Response<Body>, ureq::Error> {
        let request = self.agent.configure_request(request?).timeout_global(Some(timeout)).build();
        self.agent.run(request)
    }
}

/// How one attempt ended without success.
enum Failure {
    Refused(ApiError),
    Transport(ureq::Error),
}

impl Failure {
    /// Whether another attempt is safe and may end better.
    fn may_repeat(&self, repeatable: bool) -> bool {
        match self {
            // Turned away before anything was done: too many requests, or the stream is throttled.
            Self::Refused(ApiError { status: 429 | 503, .. }) => true,
            // A gateway lost the server's answer: the request may have had its effect.
            Self::Refused(ApiError { status: 502 | 504, .. }) => repeatable,
            Self::Refused(_) => false,
            Self::Transport(error) => match error {
                ureq::Error::ConnectionFailed | ureq::Error::Timeout(ureq::Timeout::Connect) => true,
                ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => true,
                ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::Protocol(_) => repeatable,
                _ => false,
            },
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(error) => error.retry_after,
            Self::Transport(_) => None,
        }
    }

    fn into_error(self, base: &str, attempts: u32) -> Error {
        match self {
            Self::Refused(error) => Error::Api(error),
            Self::Transport(error) => Error::Unreachable { url: base.to_owned(), attempts, source: Box::new(error) },
        }
    }
}

/// Writes `text` so that it can stand as one segment of a path or one value of a query (RFC 3986 §2.3).
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(percent_encode("a-Z_0.~"), "a-Z_0.~");
        assert_eq!(percent_encode("a b/é&=+"), "a%20b%2F%C3%A9%26%3D%2B");
    }

    #[test]
    fn addresses_and_keys_are_checked_at_once() {
        assert!(Transport::new("https://logs.example.com/", Some("k")).is_ok());
        for url in ["", "localhost:8080", "ftp://host", "http://", "http://a b"] {
            assert!(matches!(Transport::new(url, None), Err(Error::Settings { .. })), "{url}");
        }
        assert!(matches!(Transport::new("http://host", Some("a\nb")), Err(Error::Settings { .. })));
    }
}
