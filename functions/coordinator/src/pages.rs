//! Final events → stored pages.

use bytes::Bytes;
use trawl_event::TenantId;
use trawl_store::ports::{Result, RowKey, SearchId, Searches};

/// Bytes of events in a page, unless a single event has more: with its envelope a page stays
/// below the 400 KB of a DynamoDB item and far below the 6 MB of a Lambda response.
pub const PAGE_BYTES: usize = 350_000;
/// Events in a page.
pub const PAGE_EVENTS: usize = 1000;

/// Collects events into pages and stores them.
pub struct Pages<'s, Q> {
    searches: &'s Q,
    tenant: &'s TenantId,
    id: SearchId,
    /// A JSON array without its closing bracket; empty without events.
    open: String,
    open_events: usize,
    /// The last event of the open page.
    open_last: Option<RowKey>,
    stored: u32,
    /// What is added to a page's place to get its number.
    offset: u32,
    /// The last event of the stored pages, and how many these have.
    stored_last: Option<RowKey>,
    stored_events: u64,
}

impl<'s, Q: Searches> Pages<'s, Q> {
    /// Goes on behind `stored` pages that hold `events` up to `last`; the next ones get the numbers from `offset` on.
    pub fn new(
        searches: &'s Q,
        tenant: &'s TenantId,
        id: SearchId,
        (stored, offset): (u32, u32),
        (stored_last, stored_events): (Option<RowKey>, u64),
    ) -> Self {
        let (open, open_events, open_last) = (String::new(), 0, None);
        Self { searches, tenant, id, open, open_events, open_last, stored, offset, stored_last, stored_events }
    }

    /// Adds an event; stores a page when that fills it.
    pub async fn push(&mut self, json: &str, key: RowKey) -> Result<()> {
        if self.open_events >= PAGE_EVENTS || (self.open_events > 0 && self.open.len() + json.len() > PAGE_BYTES) {
            self.flush().await?;
        }
        self.open.push(if self.open_events == 0 { '[' } else { ',' });
        self.open.push_str(json);
        self.open_events += 1;
        self.open_last = Some(key);
        Ok(())
    }

    /// Stores what there is as a page.
    pub async fn flush(&mut self) -> Result<()> {
        if self.open_events == 0 {
            return Ok(());
        }
        let mut body = std::mem::take(&mut self.open);
        body.push(']');
        let number = self.stored + self.offset;
        self.searches.put_page(self.tenant, self.id, number, Bytes::from(body)).await?;
        self.stored_events += self.open_events as u64;
        self.stored_last = self.open_last;
        self.open_events = 0;
        self.stored += 1;
        Ok(())
    }

    /// The last event of the stored pages, and how many events these hold.
    pub fn reached(&self) -> (Option<RowKey>, u64) {
        (self.stored_last, self.stored_events)
    }

    /// How many pages are stored.
    pub fn stored(&self) -> u32 {
        self.stored
    }
}
