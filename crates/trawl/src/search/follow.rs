//! A search from its first page to its end, and what it says then.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use trawl_client::{Client, Error, SearchPage, SearchStatus};
use trawl_query::{ErrorCode, QueryError};

use crate::output::style;
use crate::units;

/// How long the server may hold a poll back while nothing is new.
const POLL_WAIT: Duration = Duration::from_secs(5);
/// Shortest time between two polls that brought no events, whatever the server does; while counts grow behind a
/// page that is there, it doubles up to [`MAX_POLL_INTERVAL`].
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Longest time between two of them.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The server's name for a search that may have to read more than it was allowed.
const SCAN_TOO_LARGE: &str = "scan_too_large";

/// How a search is followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Following {
    /// The page to begin with; the first without it.
    pub cursor: Option<String>,
    /// Goes on past the limit, until nothing more matches.
    pub past_limit: bool,
    /// Wants to hear of progress between the pages.
    pub watched: bool,
}

/// Polls a search to its end, page after page. Gives the last answer.
pub fn follow(
    client: &Client,
    id: &str,
    mut on_page: impl FnMut(&mut SearchPage) -> anyhow::Result<()>,
) -> anyhow::Result<SearchPage> {
    Following::default().run(client, id, |page, _| on_page(page))
}

impl Following {
    /// As [`follow`]. `on_page` is told, beside each answer, the cursor of what follows it, if anything may. An
    /// answer has events the first time only: a search that goes on counting is asked for its last page again.
    pub fn run(
        self,
        client: &Client,
        id: &str,
        mut on_page: impl FnMut(&mut SearchPage, Option<&str>) -> anyhow::Result<()>,
    ) -> anyhow::Result<SearchPage> {
        let Self { mut cursor, past_limit, watched } = self;
        let (mut given, mut seen, mut pause) = (false, None, MIN_POLL_INTERVAL);
        loop {
            let asked = Instant::now();
            let mut page = client.poll_seen(id, cursor.as_deref(), POLL_WAIT, seen.filter(|_| watched))?;
            seen = Some(page.version);
            if given {
                page.events.clear();
            }
            given |= !page.events.is_empty();
            let next = page.next_cursor.clone().or_else(|| page.more_cursor.clone().filter(|_| past_limit));
            on_page(&mut page, next.as_deref())?;
            if next.is_some() && next != cursor {
                (cursor, given, pause) = (next, false, MIN_POLL_INTERVAL);
                continue;
            }
            if page.status != SearchStatus::Running {
                return Ok(page);
            }
            thread::sleep(pause.saturating_sub(asked.elapsed()));
            if given {
                pause = (pause * 2).min(MAX_POLL_INTERVAL);
            }
        }
    }
}

/// Says why a search ended without a result.
pub fn ending(last: &SearchPage) -> String {
    if last.error.as_ref().is_some_and(|error| error["code"] == SCAN_TOO_LARGE) {
        return too_large(last);
    }
    let mut text = match last.status {
        SearchStatus::Cancelled => "the search was cancelled".to_owned(),
        _ => "the search failed".to_owned(),
    };
    if let Some(error) = &last.error {
        text.push_str(": ");
        text.push_str(error["message"].as_str().unwrap_or(&plain(error)));
    }
    for missing in &last.missing {
        text.push_str("\n  ");
        text.push_str(&plain(missing));
    }
    text
}

/// Says that a search was not run because of `--max-scan`, and what helps.
fn too_large(last: &SearchPage) -> String {
    let Some(estimate) = last.estimate else {
        return "not run: more may have to be read than --max-scan allows".to_owned();
    };
    // So that the amount is enough when it is typed as it stands here.
    let enough = estimate.bytes.div_ceil(1_000_000_000);
    format!(
        "not run: up to {} in {} may have to be read ({} on AWS), more than --max-scan allows\n  \
         a shorter time (--since, --from, --to) or a query with more words reads less; `--explain` says how much\n  \
         `--max-scan {enough}GB` allows this one, `--max-scan none` any",
        units::size(estimate.bytes),
        units::counted(estimate.segments, "segment"),
        units::usd(estimate.usd),
    )
}

/// Names what a search could not read.
pub fn warn_of_missing(missing: &[Value]) {
    let warning = style::WARNING;
    anstream::eprintln!(
        "{warning}incomplete:{warning:#} {} could not be read",
        units::counted(missing.len() as u64, "part")
    );
    for part in missing {
        anstream::eprintln!("  {}", plain(part));
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The server's refusal of a query, with a caret under the column where it gives one.
pub fn explain(error: Error, query: &str) -> anyhow::Error {
    let Some((api, column)) = error.api().and_then(|api| Some((api, api.detail["column"].as_u64()?))) else {
        return error.into();
    };
    let expected = api.detail["expected"].as_str().unwrap_or_default();
    let place = QueryError {
        code: ErrorCode::Syntax,
        message: String::new(),
        column: usize::try_from(column).unwrap_or(1),
        expected: expected.to_owned(),
    };
    // What stands under the caret need not be said twice.
    let said = api.message.strip_suffix(&format!("; expected {expected}")).unwrap_or(&api.message);
    anyhow::anyhow!("{said} ({})\n{}", api.code, place.caret(query))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trawl_client::ApiError;

    use super::*;

    #[test]
    fn a_query_error_points_at_its_column() {
        let api = |detail| ApiError {
            status: 400,
            code: "syntax".into(),
            message: "expected a value".into(),
            detail,
            retry_after: None,
        };
        let text = explain(Error::Api(api(json!({"column": 9}))), "service: ").to_string();
        assert_eq!(text.lines().next(), Some("expected a value (syntax)"));
        assert!(text.lines().nth(2).is_some_and(|line| line.starts_with("          ^")), "{text}");
        assert_eq!(explain(Error::Api(api(Value::Null)), "x").to_string(), "expected a value (syntax, 400)");
    }

    #[test]
    fn what_is_too_large_to_read_says_what_helps() {
        let page = json!({
            "status": "failed",
            "error": {"code": "scan_too_large", "message": "too large"},
            "estimate": {"segments": 300, "bytes": 150_200_000_000_u64, "usd": 0.5},
        });
        let text = ending(&serde_json::from_value(page).unwrap());
        assert!(text.starts_with("not run: up to 150 GB in 300 segments may have to be read ($0.50 on AWS)"), "{text}");
        assert!(text.contains("`--max-scan 151GB` allows this one"), "{text}");
    }
}
