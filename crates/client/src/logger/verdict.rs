//! What a failed attempt means for the batch.

use std::io;
use std::time::Duration;

use crate::error::{ApiError, Error};

/// What to do with a batch that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send it again.
    Again {
        /// Not before this.
        retry_after: Option<Duration>,
        /// Whether the server may have taken it all the same.
        is_unknown: bool,
    },
    /// It will never be taken.
    Refused,
}

/// Judges a failed attempt.
///
/// What lies in the settings or in the network (an unknown key, a wrong path, a proxy) is no fault of the batch, and
/// mending it is all that it takes: such a batch is kept. The server's word on the batch itself is final.
pub(crate) fn verdict(error: &Error) -> Verdict {
    let again = |retry_after, is_unknown| Verdict::Again { retry_after, is_unknown };
    match error {
        Error::Api(ApiError { status, code, retry_after, .. }) => match status {
            // The connection broke while the server read.
            400 if code == "incomplete_body" => again(*retry_after, true),
            401 | 403 | 404 | 405 | 407 | 425 | 429 => again(*retry_after, false),
            400..=499 if *status != 408 => Verdict::Refused,
            _ => again(*retry_after, true),
        },
        Error::Unreachable { source, .. } => again(None, !never_arrived(source)),
        // Something answered that is no Trawl server.
        Error::Answer { .. } | Error::Settings { .. } => again(None, true),
    }
}

/// Whether the server can't have heard of the request.
fn never_arrived(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => true,
        ureq::Error::Timeout(timeout) => matches!(timeout, ureq::Timeout::Connect | ureq::Timeout::Resolve),
        ureq::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn of(status: u16, code: &str) -> Verdict {
        let code = code.to_owned();
        let retry_after = Some(Duration::from_secs(2));
        verdict(&Error::Api(ApiError { status, code, message: String::new(), detail: Value::Null, retry_after }))
    }

    #[test]
    fn what_concerns_the_batch_is_final_and_all_else_may_pass() {
        let again = |is_unknown| Verdict::Again { retry_after: Some(Duration::from_secs(2)), is_unknown };
        for status in [400, 413, 415, 422] {
            assert_eq!(of(status, "x"), Verdict::Refused, "{status}");
        }
        for status in [401, 403, 404, 405, 429] {
            assert_eq!(of(status, "x"), again(false), "{status}");
        }
        for status in [302, 408, 500, 502, 503, 504] {
            assert_eq!(of(status, "x"), again(true), "{status}");
        }
        assert_eq!(of(400, "incomplete_body"), again(true));
    }

    #[test]
    fn only_a_connection_that_came_about_leaves_doubt() {
        let unreachable = |source| Error::Unreachable { url: String::new(), attempts: 1, source: Box::new(source) };
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let certain = Verdict::Again { retry_after: None, is_unknown: false };
        let doubtful = Verdict::Again { retry_after: None, is_unknown: true };
        assert_eq!(verdict(&unreachable(ureq::Error::Io(refused))), certain);
        assert_eq!(verdict(&unreachable(ureq::Error::Io(reset))), doubtful);
        assert_eq!(verdict(&unreachable(ureq::Error::Timeout(ureq::Timeout::Global))), doubtful);
    }
}
