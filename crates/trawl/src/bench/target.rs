//! What is measured: a server, or one started for it whose segments are counted as S3 would.

use anyhow::Context;
use trawl_client::{Client, SearchPage, SearchRequest, ServerStatus};
use trawl_store::model::Usage;

use super::embedded::Embedded;
use crate::search::follow;

/// A server to measure.
#[derive(Clone, Copy)]
pub enum Target<'c> {
    /// One that runs somewhere.
    Server(&'c Client),
    /// One in this process.
    Embedded(&'c Embedded),
}

/// How a search ended, and what it asked of the object store where that could be seen.
pub struct Tracked {
    /// The last answer.
    pub last: SearchPage,
    /// Requests to storage.
    pub usage: Option<Usage>,
}

impl Target<'_> {
    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            Self::Server(client) => client.url().to_owned(),
            Self::Embedded(embedded) => embedded.name(),
        }
    }

    /// What it holds.
    pub fn status(&self) -> anyhow::Result<ServerStatus> {
        self.client().status().with_context(|| format!("cannot measure {}", self.name()))
    }

    /// Runs a search to its end, page after page.
    pub fn search(
        &self,
        request: &SearchRequest,
        on_page: impl FnMut(&mut SearchPage) -> anyhow::Result<()>,
    ) -> anyhow::Result<Tracked> {
        let before = self.usage();
        let client = self.client();
        let search = client.create_search(request)?;
        let last = follow(client, &search.id, on_page)?;
        let usage = self.usage().zip(before).map(|(after, before)| after.since(&before));
        Ok(Tracked { last, usage })
    }

    fn client(&self) -> &Client {
        match self {
            Self::Server(client) => client,
            Self::Embedded(embedded) => embedded.client(),
        }
    }

    fn usage(&self) -> Option<Usage> {
        match self {
            Self::Server(_) => None,
            Self::Embedded(embedded) => Some(embedded.usage()),
        }
    }
}
