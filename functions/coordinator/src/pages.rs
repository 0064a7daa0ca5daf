//! Final events → stored pages.

use bytes::Bytes;
use trawl_event::TenantId;
use trawl_store::ports::{Result, SearchId, Searches};

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
    stored: u32,
}

impl<'s, Q: Searches> Pages<'s, Q> {
    /// No pages yet.
    pub fn new(searches: &'s Q, tenant: &'s TenantId, id: SearchId) -> Self {
        Self { searches, tenant, id, open: String::new(), open_events: 0, stored: 0 }
    }

    /// Adds an event; stores a page when that fills it.
    pub async fn push(&mut self, json: &str) -> Result<()> {
        if self.open_events >= PAGE_EVENTS || (self.open_events > 0 && self.open.len() + json.len() > PAGE_BYTES) {
            self.flush().await?;
        }
        self.open.push(if self.open_events == 0 { '[' } else { ',' });
        self.open.push_str(json);
        self.open_events += 1;
        Ok(())
    }

    /// Stores what there is as a page.
    pub async fn flush(&mut self) -> Result<()> {
        if self.open_events == 0 {
            return Ok(());
        }
        let mut body = std::mem::take(&mut self.open);
        body.push(']');
        self.searches.put_page(self.tenant, self.id, self.stored, Bytes::from(body)).await?;
        self.open_events = 0;
        self.stored += 1;
        Ok(())
    }

    /// How many pages are stored.
    pub fn stored(&self) -> u32 {
        self.stored
    }
}
