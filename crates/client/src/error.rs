//! What can go wrong, with the server's own code and message.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// Why a call gave no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server's address or the API key can't be put into a request.
    #[error("{what}: {reason}")]
    Settings {
        /// What was set: the address or the key.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No complete answer came: nobody listens there, or the connection broke.
    #[error("no answer from {url} ({attempts} attempt{}): {source}", if *attempts == 1 { "" } else { "s" })]
    Unreachable {
        /// The server's address.
        url: String,
        /// How often it was tried.
        attempts: u32,
        /// How the last attempt ended.
        source: Box<ureq::Error>,
    },
    /// The server refused.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The server's answer is not what the API promises.
    #[error("the answer to {route} is not what a trawl server gives: {source}")]
    Answer {
        /// Method and path.
        route: String,
        /// Where the text departs from it.
        source: serde_json::Error,
    },
}

impl Error {
    /// The server's refusal, if that is what happened.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            _ => None,
        }
    }
}

/// A refusal by the server: `{"error":{"code","message","detail"}}` and its HTTP status.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, for programs; `http_<status>` where something before the server answered.
    pub code: String,
    /// What went wrong, for people.
    pub message: String,
    /// What belongs to the code: for a query, the column; null when there is nothing more to say.
    pub detail: Value,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// Reads a refusal from an answer's body, whoever wrote it: the server, or a gateway in front of it.
    pub(crate) fn from_body(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        if let Ok(Envelope { error }) = serde_json::from_slice(body) {
            let Refusal { code, message, detail } = error;
            return Self { status, code, message, detail, retry_after };
        }
        let message = match serde_json::from_slice(body) {
            Ok(GatewayMessage { message }) => message,
            Err(_) => first_line(body),
        };
        Self { status, code: format!("http_{status}"), message, detail: Value::Null, retry_after }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() {
            write!(f, "the server answered {}", self.status)
        } else {
            write!(f, "{} ({}, {})", self.message, self.code, self.status)
        }
    }
}

impl std::error::Error for ApiError {}

#[derive(Deserialize)]
struct Envelope {
    error: Refusal,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
    message: String,
    #[serde(default)]
    detail: Value,
}

/// What API Gateway says when it answers in the server's place.
#[derive(Deserialize)]
struct GatewayMessage {
    message: String,
}

/// Most characters of a foreign answer that an error repeats.
const MAX_QUOTED_CHARS: usize = 200;

fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.lines().next().unwrap_or_default().trim().chars().take(MAX_QUOTED_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_keeps_code_message_and_detail() {
        let body = br#"{"error":{"code":"invalid_query","message":"expected a value","detail":{"column":5}}}"#;
        let error = ApiError::from_body(400, None, body);
        assert_eq!((error.status, error.code.as_str()), (400, "invalid_query"));
        assert_eq!(error.detail, json!({"column": 5}));
        assert_eq!(error.to_string(), "expected a value (invalid_query, 400)");
    }

    #[test]
    fn answers_of_gateways_are_understood() {
        let error = ApiError::from_body(503, None, br#"{"message":"Service Unavailable"}"#);
        assert_eq!(error.to_string(), "Service Unavailable (http_503, 503)");
        let error = ApiError::from_body(502, None, b"<html>bad gateway</html>\n<p>");
        assert_eq!(error.message, "<html>bad gateway</html>");
        assert_eq!(ApiError::from_body(504, None, b"").to_string(), "the server answered 504");
    }
}
