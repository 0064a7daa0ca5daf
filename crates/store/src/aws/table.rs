//! What catalog and searches do alike with the one table. Reads are strongly consistent and go through all
//! pages; what DynamoDB leaves undone of a batch is tried again.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, KeysAndAttributes, TransactWriteItem, WriteRequest};

use super::error::store_error;
use super::pause;
use super::schema::{PK, SK};
use crate::ports::{Result, StoreError};

/// An item, or its key.
pub type Item = HashMap<String, AttributeValue>;

/// Items in one `BatchGetItem`: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>.
const BATCH_GET_ITEMS: usize = 100;
/// Items in one `BatchWriteItem`.
const BATCH_WRITE_ITEMS: usize = 25;
/// How often a batch that was done in part, or a transaction that met another, is tried.
const ATTEMPTS: u32 = 10;

/// The table.
#[derive(Clone, Debug)]
pub struct Table {
    /// For what is no concern of others.
    pub client: Client,
    /// Its name.
    pub name: String,
}

/// Why a transaction did not take place.
pub enum Refused {
    /// The condition of the item at this place did not hold.
    Condition(usize),
    /// Something else.
    Store(StoreError),
}

/// A string.
pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number.
pub fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Bytes.
pub fn binary(value: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// A key.
pub fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([(PK.to_owned(), text(pk)), (SK.to_owned(), text(sk))])
}

/// A string attribute.
pub fn text_of<'i>(item: &'i Item, name: &str) -> Result<&'i str> {
    match item.get(name) {
        Some(AttributeValue::S(value)) => Ok(value),
        _ => Err(damaged(item, name)),
    }
}

/// A number attribute.
pub fn number_of<N: std::str::FromStr>(item: &Item, name: &str) -> Result<N> {
    match item.get(name) {
        Some(AttributeValue::N(value)) => value.parse().map_err(|_| damaged(item, name)),
        _ => Err(damaged(item, name)),
    }
}

/// Says which attribute of an item is not what was written.
pub fn damaged(item: &Item, name: &str) -> StoreError {
    let part = |name| item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
    StoreError::Permanent(format!("item {} / {}: attribute {name} is missing or damaged", part(PK), part(SK)))
}

impl Table {
    fn doing(&self, what: &str) -> String {
        format!("{what} table {}", self.name)
    }

    /// An item.
    pub async fn get(&self, key: Item) -> Result<Option<Item>> {
        let got = self.client.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true).send().await;
        Ok(got.map_err(|error| store_error(&self.doing("reading"), &error))?.item)
    }

    /// The items of a partition whose sort keys lie in `[from, to]`, in order.
    pub async fn query(&self, pk: &str, range: Option<(&str, &str)>) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let mut request = self.client.query().table_name(&self.name).consistent_read(true);
            request = request.expression_attribute_values(":pk", text(pk)).set_exclusive_start_key(start.take());
            request = match range {
                None => request.key_condition_expression("pk = :pk"),
                Some((from, to)) => request
                    .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                    .expression_attribute_values(":from", text(from))
                    .expression_attribute_values(":to", text(to)),
            };
            let page = request.send().await.map_err(|error| store_error(&self.doing("querying"), &error))?;
            items.extend(page.items.unwrap_or_default());
            match page.last_evaluated_key {
                Some(last) if !last.is_empty() => start = Some(last),
                _ => return Ok(items),
            }
        }
    }

    /// Those of some items that there are, in any order.
    pub async fn get_all(&self, keys: Vec<Item>) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        for keys in keys.chunks(BATCH_GET_ITEMS) {
            let mut left = keys.to_vec();
            for attempt in 0..ATTEMPTS {
                if attempt > 0 {
                    pause(Duration::from_millis(50), Duration::from_secs(2), attempt).await;
                }
                let wanted = KeysAndAttributes::builder().set_keys(Some(std::mem::take(&mut left)));
                let wanted = wanted.consistent_read(true).build();
                let wanted = wanted.map_err(|error| StoreError::Permanent(error.to_string()))?;
                let got = self.client.batch_get_item().request_items(&self.name, wanted).send().await;
                let got = got.map_err(|error| store_error(&self.doing("reading"), &error))?;
                items.extend(got.responses.and_then(|mut tables| tables.remove(&self.name)).unwrap_or_default());
                let undone = got.unprocessed_keys.and_then(|mut tables| tables.remove(&self.name));
                left = undone.map(|undone| undone.keys).unwrap_or_default();
                if left.is_empty() {
                    break;
                }
            }
            if !left.is_empty() {
                return Err(StoreError::Throttled(self.doing("reading")));
            }
        }
        Ok(items)
    }

    /// Writes an item, whatever was there.
    pub async fn put(&self, item: Item) -> Result<()> {
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item)).send().await;
        put.map(drop).map_err(|error| store_error(&self.doing("writing"), &error))
    }

    /// Removes items; those that are not there count as removed.
    pub async fn delete_all(&self, keys: Vec<Item>) -> Result<()> {
        for keys in keys.chunks(BATCH_WRITE_ITEMS) {
            let mut left: Vec<WriteRequest> = Vec::with_capacity(keys.len());
            for key in keys {
                let delete = DeleteRequest::builder().set_key(Some(key.clone())).build();
                let delete = delete.map_err(|error| StoreError::Permanent(error.to_string()))?;
                left.push(WriteRequest::builder().delete_request(delete).build());
            }
            for attempt in 0..ATTEMPTS {
                if attempt > 0 {
                    pause(Duration::from_millis(50), Duration::from_secs(2), attempt).await;
                }
                let request = self.client.batch_write_item().request_items(&self.name, std::mem::take(&mut left));
                let done = request.send().await.map_err(|error| store_error(&self.doing("removing from"), &error))?;
                left = done.unprocessed_items.and_then(|mut tables| tables.remove(&self.name)).unwrap_or_default();
                if left.is_empty() {
                    break;
                }
            }
            if !left.is_empty() {
                return Err(StoreError::Throttled(self.doing("removing from")));
            }
        }
        Ok(())
    }

    /// All or nothing. A transaction that meets another one is tried again.
    pub async fn transact(&self, items: Vec<TransactWriteItem>) -> std::result::Result<(), Refused> {
        let doing = self.doing("a transaction on");
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                pause(Duration::from_millis(20), Duration::from_secs(1), attempt).await;
            }
            let sent = self.client.transact_write_items().set_transact_items(Some(items.clone())).send().await;
            let error = match sent {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let SdkError::ServiceError(service) = &error else {
                return Err(Refused::Store(store_error(&doing, &error)));
            };
            match service.err() {
                TransactWriteItemsError::TransactionCanceledException(cancelled) => {
                    let codes = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None"));
                    let codes: Vec<&str> = codes.collect();
                    if let Some(place) = codes.iter().position(|code| *code == "ConditionalCheckFailed") {
                        return Err(Refused::Condition(place));
                    }
                    let passing = ["None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
                    if let Some(other) = codes.iter().find(|code| !passing.contains(code)) {
                        let message = format!("{doing}: {other}: {}", cancelled.message().unwrap_or_default());
                        return Err(Refused::Store(StoreError::Permanent(message)));
                    }
                }
                TransactWriteItemsError::TransactionInProgressException(_) => {}
                _ => return Err(Refused::Store(store_error(&doing, &error))),
            }
        }
        Err(Refused::Store(StoreError::Throttled(doing)))
    }
}
