//! `/v1/saved`: searches under a name, for everyone of a tenant.
//!
//! All of them are one document among the states of searches, which are written under the condition that nobody else
//! wrote in between. It has the name [`SAVED`] and does not expire.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trawl_api::saved::{MAX_NAME_CHARS, MAX_SAVED, MAX_SAVED_BYTES, NamedSearch, SavedSearch, SavedSearches};
use trawl_api::{ApiError, ApiResult};
use trawl_event::{TenantId, Timestamp};
use trawl_store::ports::{Clock, SearchId, Searches, StoreError, Version};

use crate::http::store_error;
use crate::request::{read_json, read_query};
use crate::{Coordinator, Ports};

/// The name of the document. No search has it: their names begin with the time.
pub(crate) const SAVED: SearchId = SearchId(0);

#[derive(Default, Serialize, Deserialize)]
struct Document {
    searches: BTreeMap<String, NamedSearch>,
}

impl<P: Ports> Coordinator<P> {
    pub(crate) async fn list_saved(&self, tenant: &TenantId) -> ApiResult {
        let (_, document) = self.saved(tenant).await?;
        trawl_api::json(StatusCode::OK, &SavedSearches { saved: document.searches.into_values().collect() })
    }

    pub(crate) async fn save_search(&self, tenant: &TenantId, name: &str, body: &[u8]) -> ApiResult {
        if name.trim().is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
            let message = format!(
                "a saved search has a name of 1 to {MAX_NAME_CHARS} characters, none of them a control character"
            );
            return Err(ApiError::bad_request("invalid_name", message));
        }
        let search: SavedSearch = read_json(body, "a search to save", MAX_SAVED_BYTES)?;
        read_query(&search.query)?;
        let SavedSearch { query, from, to, columns } = search;
        let updated = self.clock.now().to_string();
        let named = NamedSearch { name: name.to_owned(), query, from, to, columns, updated };
        self.change_saved(tenant, |document| {
            if document.searches.len() >= MAX_SAVED && !document.searches.contains_key(name) {
                let message = format!("{MAX_SAVED} searches are saved, which is the most: delete one first");
                return Err(ApiError::bad_request("too_many_saved_searches", message));
            }
            document.searches.insert(name.to_owned(), named.clone());
            Ok(())
        })
        .await?;
        trawl_api::json(StatusCode::OK, &named)
    }

    pub(crate) async fn forget_search(&self, tenant: &TenantId, name: &str) -> ApiResult {
        self.change_saved(tenant, |document| match document.searches.remove(name) {
            Some(_) => Ok(()),
            None => {
                let message = format!("there is no saved search {name:?}");
                Err(ApiError::not_found("unknown_saved_search", message))
            }
        })
        .await?;
        trawl_api::json(StatusCode::OK, &json!({"deleted": name}))
    }

    async fn saved(&self, tenant: &TenantId) -> Result<(Option<Version>, Document), ApiError> {
        match self.searches.state(tenant, SAVED).await.map_err(store_error)? {
            None => Ok((None, Document::default())),
            Some((version, bytes)) => match serde_json::from_slice(&bytes) {
                Ok(document) => Ok((Some(version), document)),
                Err(error) => Err(ApiError::internal(format!("the saved searches cannot be read: {error}"))),
            },
        }
    }

    /// Changes the document, again on what another wrote in between.
    async fn change_saved(
        &self,
        tenant: &TenantId,
        change: impl Fn(&mut Document) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        loop {
            let (version, mut document) = self.saved(tenant).await?;
            change(&mut document)?;
            let body = serde_json::to_vec(&document).map_err(|error| StoreError::Permanent(error.to_string()));
            let body = Bytes::from(body.map_err(store_error)?);
            let written = self.searches.put_state(tenant, SAVED, version, body, Timestamp::MAX).await;
            if written.map_err(store_error)?.is_some() {
                return Ok(());
            }
        }
    }
}
