//! Searches and their result pages in the table, what is too large for it in objects.
//!
//! ```text
//! pk                      sk                       attributes
//! search#<tenant>#<id>    state                    version N · expires N (ns) · ttl N (s) · body B or object S
//! search#<tenant>#<id>    page#<10 digits>         ttl N (s) · body B or object S
//! expiring                <expires>#<tenant>#<id>  which search may be removed then · ttl N (s)
//! ```
//!
//! Bodies are zstd frames. One that is larger than an item may be lies in an object under `searches/` with a
//! name of its own, so that a write which loses a race leaves the winner's body alone.
//! [`Searches::remove_expired`] removes searches when they are due; `ttl` and the bucket's lifecycle rule
//! remove what a crash leaves.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use bytes::Bytes;
use trawl_event::{TenantId, Timestamp};

use super::error::store_error;
use super::table::{Item, Table, binary, damaged, key, number, number_of, text, text_of};
use crate::local::{RandomIds, System};
use crate::ports::{Clock, Ids, Objects, Result, SearchId, Searches, StoreError, Version};

/// Bytes of a body in an item: DynamoDB takes 400 KB, names and all.
const ITEM_BODY_BYTES: usize = 380_000;
/// The level of pages and states: they are read a few times within minutes.
const ZSTD_LEVEL: i32 = 1;
/// Bytes that a body may have unpacked: far more than the coordinator writes.
const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;
/// The prefix of bodies that lie in objects.
pub const PREFIX: &str = "searches/v1/";
/// The partition of what expires, and when.
const EXPIRING: &str = "expiring";
/// The sort key of a search's state.
const STATE: &str = "state";
/// A page may go this long after it was written, and [`TTL_GRACE_S`], if nobody removed it: longer than results are kept.
const PAGE_KEPT_S: i64 = 48 * 3600;
/// An item may go this long after the search expired, in seconds, if nobody removed it.
const TTL_GRACE_S: i64 = 24 * 3600;

/// Searches in a table and a store of objects.
#[derive(Debug)]
pub struct AwsSearches<O> {
    table: Table,
    objects: O,
}

impl<O: Objects> AwsSearches<O> {
    /// Searches in `table`; large bodies in `objects`.
    pub fn new(client: Client, table: impl Into<String>, objects: O) -> Self {
        Self { table: Table { client, name: table.into() }, objects }
    }

    /// Adds a body to an item, which names the object if there has to be one.
    async fn pack(&self, item: &mut Item, tenant: &TenantId, id: SearchId, body: &[u8]) -> Result<Option<String>> {
        let packed = zstd::bulk::compress(body, ZSTD_LEVEL);
        let packed = packed.map_err(|error| StoreError::Permanent(format!("packing a page: {error}")))?;
        if packed.len() <= ITEM_BODY_BYTES {
            item.insert("body".into(), binary(packed));
            return Ok(None);
        }
        let object = format!("{PREFIX}tenant={tenant}/{id}/{:032x}", RandomIds.fresh());
        self.objects.put(&object, packed.into()).await?;
        item.insert("object".into(), text(&object));
        Ok(Some(object))
    }

    async fn unpack(&self, item: &Item) -> Result<Option<Bytes>> {
        let packed = match item.get("body") {
            Some(body) => Bytes::copy_from_slice(body.as_b().map_err(|_| damaged(item, "body"))?.as_ref()),
            None => match self.objects.get(text_of(item, "object")?).await? {
                Some(packed) => packed,
                None => return Ok(None),
            },
        };
        let size = zstd::zstd_safe::get_frame_content_size(&packed).ok().flatten().unwrap_or(0) as usize;
        let body = zstd::bulk::decompress(&packed, size.min(MAX_BODY_BYTES)).map_err(|_| damaged(item, "body"))?;
        Ok(Some(body.into()))
    }

    async fn discard(&self, object: Option<&str>) {
        let Some(object) = object else { return };
        if let Err(error) = self.objects.delete(object).await {
            tracing::debug!(object, %error, "a body that nobody needs stays until it expires");
        }
    }
}

fn partition(tenant: &TenantId, id: SearchId) -> String {
    format!("search#{tenant}#{id}")
}

/// The object that holds the body of an item.
fn object_of(item: &Item) -> Option<&str> {
    item.get("object")?.as_s().ok().map(String::as_str)
}

fn page_name(page: u32) -> String {
    format!("page#{page:010}")
}

fn ttl(expires: Timestamp) -> i64 {
    expires.0.div_euclid(1_000_000_000).saturating_add(TTL_GRACE_S)
}

/// When, as a sort key; times before 1970 come first, all alike.
fn moment(expires: Timestamp) -> String {
    format!("{:020}", expires.0.max(0))
}

impl<O: Objects> Searches for AwsSearches<O> {
    async fn put_state(
        &self,
        tenant: &TenantId,
        id: SearchId,
        expected: Option<Version>,
        state: Bytes,
        expires: Timestamp,
    ) -> Result<Option<Version>> {
        let partition = partition(tenant, id);
        let before = match expected {
            None => None,
            Some(version) => match self.table.get(key(&partition, STATE)).await? {
                Some(item) if number_of::<u64>(&item, "version")? == version.0 => Some(item),
                _ => return Ok(None),
            },
        };
        let known = before.as_ref().map(|item| number_of::<i64>(item, "expires")).transpose()?;
        if known != Some(expires.0) {
            // Before the state: a search that nobody finds when it is due would stay.
            let mut item = key(EXPIRING, format!("{}#{tenant}#{id}", moment(expires)));
            item.insert("tenant".into(), text(tenant.as_str()));
            item.insert("id".into(), text(id.to_string()));
            item.insert("ttl".into(), number(ttl(expires)));
            self.table.put(item).await?;
        }
        let next = Version(expected.map_or(1, |version| version.0 + 1));
        let mut item = key(partition, STATE);
        item.insert("version".into(), number(next.0));
        item.insert("expires".into(), number(expires.0));
        item.insert("ttl".into(), number(ttl(expires)));
        let object = self.pack(&mut item, tenant, id, &state).await?;
        let put = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item));
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match expected {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(version) => put
                .condition_expression("#version = :version")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(version.0)),
        };
        let is_written = match put.send().await {
            Ok(_) => true,
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                // When the answer to the first of two tries was lost, the second meets what that wrote.
                let stands = match error.into_err() {
                    PutItemError::ConditionalCheckFailedException(failed) => failed.item,
                    _ => None,
                };
                object.is_some() && stands.as_ref().and_then(object_of) == object.as_deref()
            }
            Err(error) => return Err(store_error("writing the state of a search", &error)),
        };
        if is_written {
            self.discard(before.as_ref().and_then(object_of)).await;
            Ok(Some(next))
        } else {
            self.discard(object.as_deref()).await;
            Ok(None)
        }
    }

    async fn state(&self, tenant: &TenantId, id: SearchId) -> Result<Option<(Version, Bytes)>> {
        // A body in an object is removed when the next version has been written: then that one is read.
        for _ in 0..4 {
            let Some(item) = self.table.get(key(partition(tenant, id), STATE)).await? else { return Ok(None) };
            if let Some(body) = self.unpack(&item).await? {
                return Ok(Some((Version(number_of(&item, "version")?), body)));
            }
        }
        Err(StoreError::Transient(format!("the state of search {id} changes faster than it can be read")))
    }

    async fn put_page(&self, tenant: &TenantId, id: SearchId, page: u32, body: Bytes) -> Result<()> {
        let mut item = key(partition(tenant, id), page_name(page));
        item.insert("ttl".into(), number(ttl(System.now()).saturating_add(PAGE_KEPT_S)));
        self.pack(&mut item, tenant, id, &body).await?;
        self.table.put(item).await
    }

    async fn page(&self, tenant: &TenantId, id: SearchId, page: u32) -> Result<Option<Bytes>> {
        match self.table.get(key(partition(tenant, id), page_name(page))).await? {
            Some(item) => self.unpack(&item).await,
            None => Ok(None),
        }
    }

    async fn remove_expired(&self, now: Timestamp) -> Result<()> {
        // Those that expire at `now` itself stay.
        for due in self.table.query(EXPIRING, Some(("0", &moment(now)))).await? {
            let tenant: TenantId = text_of(&due, "tenant")?.parse().map_err(|_| damaged(&due, "tenant"))?;
            let id: SearchId = text_of(&due, "id")?.parse().map_err(|_| damaged(&due, "id"))?;
            let partition = partition(&tenant, id);
            let state = self.table.get(key(&partition, STATE)).await?;
            let expires = state.as_ref().map(|item| number_of::<i64>(item, "expires")).transpose()?;
            // One that expires later by now is listed there as well.
            if expires.is_none_or(|expires| expires < now.0) {
                let items = self.table.query(&partition, None).await?;
                for item in &items {
                    self.discard(object_of(item)).await;
                }
                let keys = items.iter().map(|item| Ok(key(&partition, text_of(item, "sk")?)));
                self.table.delete_all(keys.collect::<Result<_>>()?).await?;
            }
            self.table.delete_all(vec![key(EXPIRING, text_of(&due, "sk")?)]).await?;
        }
        Ok(())
    }
}
