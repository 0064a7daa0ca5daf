//! A search followed to its last page.

use std::time::Duration;

use serde_json::Value;
use trawl_client::{Client, Order, Progress, SearchRequest, SearchStatus};

/// How long the server may hold a poll back.
const POLL_WAIT: Duration = Duration::from_secs(5);

/// A limit beyond what any test stores.
pub const ALL: u64 = 1_000_000;

/// What a search gave.
#[derive(Debug)]
pub struct Found {
    /// How it ended.
    pub status: SearchStatus,
    /// The events of all pages, in their order.
    pub events: Vec<Value>,
    /// Rows of the table, if the query makes one.
    pub rows: Vec<Vec<Value>>,
    /// What could not be read.
    pub missing: Vec<Value>,
    /// How many pages had events.
    pub pages: usize,
    /// What it did.
    pub progress: Progress,
}

/// A request for all that matches, newest first.
pub fn all(query: &str) -> SearchRequest {
    SearchRequest { query: query.to_owned(), limit: Some(ALL), ..SearchRequest::default() }
}

/// Runs a search to its end.
pub fn search(client: &Client, request: &SearchRequest) -> Found {
    let query = &request.query;
    let created = client.create_search(request).unwrap_or_else(|error| panic!("{query}: {error}"));
    follow(client, &created.id).unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// Reads a search from its first page to its end.
pub fn follow(client: &Client, id: &str) -> Result<Found, trawl_client::Error> {
    let mut events = Vec::new();
    let mut pages = 0;
    let mut cursor: Option<String> = None;
    loop {
        let page = client.poll(id, cursor.as_deref(), POLL_WAIT)?;
        pages += usize::from(!page.events.is_empty());
        let parsed = page.events.iter().map(|event| serde_json::from_str::<Value>(event.get()));
        events.extend(parsed.map(|event| event.expect("an event is JSON")));
        if page.next_cursor.is_some() {
            cursor = page.next_cursor;
            continue;
        }
        let cells = |row: Vec<Box<serde_json::value::RawValue>>| {
            row.iter().map(|cell| serde_json::from_str(cell.get()).expect("a cell is JSON")).collect()
        };
        let rows = page.aggregates.map(|table| table.rows.into_iter().map(cells).collect()).unwrap_or_default();
        return Ok(Found { status: page.status, events, rows, missing: page.missing, pages, progress: page.progress });
    }
}

/// Finds everything that matches, and insists that nothing is missing.
pub fn find(client: &Client, query: &str) -> Vec<Value> {
    complete(search(client, &all(query)), query).events
}

/// How many events match, by the server's own count.
pub fn count(client: &Client, query: &str) -> u64 {
    let query = format!("{query} | stats count()");
    let found = complete(search(client, &all(&query)), &query);
    found.rows[0][0].as_u64().expect("a count is a whole number")
}

/// The result of a search that must have read everything.
pub fn complete(found: Found, query: &str) -> Found {
    let Found { status, missing, .. } = &found;
    assert_eq!(*status, SearchStatus::Complete, "{query}: missing {missing:?}");
    found
}

/// The same request, oldest first.
pub fn oldest_first(request: SearchRequest) -> SearchRequest {
    SearchRequest { order: Order::Asc, ..request }
}
