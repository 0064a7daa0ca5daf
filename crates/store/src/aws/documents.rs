//! Documents in the table.
//!
//! ```text
//! pk                  sk                 attributes
//! document#<kind>     <tenant>#<name>    version N · body B · expires N (ns) · ttl N (s, where it expires)
//! ```
//!
//! No tenant's name has a `#`, so that the documents of one tenant are a range of sort keys.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use bytes::Bytes;
use trawl_event::{TenantId, Timestamp};

use super::error::store_error;
use super::table::{Item, Table, binary, damaged, key, number, number_of, text_of};
use crate::ports::documents::check;
use crate::ports::{Document, DocumentKey, Documents, Kind, Result, Version};

/// All kinds, to remove what expired of each.
const KINDS: [Kind; 5] = [Kind::Key, Kind::Deletion, Kind::Hidden, Kind::Limits, Kind::Usage];

/// Documents in a table.
#[derive(Debug)]
pub struct AwsDocuments {
    table: Table,
}

impl AwsDocuments {
    /// Documents in `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table { client, name: table.into() } }
    }
}

fn partition(kind: Kind) -> String {
    format!("document#{}", kind.as_str())
}

fn item_key(document: &DocumentKey) -> Item {
    key(partition(document.kind), format!("{}#{}", document.tenant_text(), document.name))
}

fn body_of(item: &Item) -> Result<Bytes> {
    let body = item.get("body").and_then(|body| body.as_b().ok()).ok_or_else(|| damaged(item, "body"))?;
    Ok(Bytes::copy_from_slice(body.as_ref()))
}

fn read(kind: Kind, item: &Item) -> Result<Document> {
    let (tenant, name) = text_of(item, "sk")?.split_once('#').ok_or_else(|| damaged(item, "sk"))?;
    let tenant = match tenant {
        "" => None,
        name => Some(name.parse().map_err(|_| damaged(item, "sk"))?),
    };
    let key = DocumentKey { kind, tenant, name: name.to_owned() };
    Ok(Document { key, version: Version(number_of(item, "version")?), body: body_of(item)? })
}

impl Documents for AwsDocuments {
    async fn put_document(
        &self,
        key: &DocumentKey,
        expected: Option<Version>,
        body: Bytes,
        expires: Timestamp,
    ) -> Result<Option<Version>> {
        check(key, body.len())?;
        let next = Version(expected.map_or(1, |version| version.0 + 1));
        let mut item = item_key(key);
        item.insert("version".into(), number(next.0));
        item.insert("body".into(), binary(body));
        item.insert("expires".into(), number(expires.0));
        if expires != Timestamp::MAX {
            item.insert("ttl".into(), number(expires.0.div_euclid(1_000_000_000).saturating_add(1)));
        }
        let put = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item));
        let put = match expected {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(version) => put
                .condition_expression("#version = :version")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(version.0)),
        };
        match put.send().await {
            Ok(_) => Ok(Some(next)),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => Ok(None),
            Err(error) => Err(store_error("writing a document", &error)),
        }
    }

    async fn document(&self, key: &DocumentKey) -> Result<Option<(Version, Bytes)>> {
        match self.table.get(item_key(key)).await? {
            Some(item) => Ok(Some((Version(number_of(&item, "version")?), body_of(&item)?))),
            None => Ok(None),
        }
    }

    async fn documents(&self, kind: Kind, tenant: Option<&TenantId>) -> Result<Vec<Document>> {
        // `$` follows `#`.
        let range = tenant.map(|tenant| (format!("{tenant}#"), format!("{tenant}$")));
        let range = range.as_ref().map(|(from, to)| (from.as_str(), to.as_str()));
        let items = self.table.query(&partition(kind), range).await?;
        items.iter().map(|item| read(kind, item)).collect()
    }

    async fn remove_expired_documents(&self, now: Timestamp) -> Result<()> {
        for kind in KINDS {
            let mut expired = Vec::new();
            for item in self.table.query(&partition(kind), None).await? {
                if number_of::<i64>(&item, "expires")? < now.0 {
                    expired.push(key(partition(kind), text_of(&item, "sk")?));
                }
            }
            self.table.delete_all(expired).await?;
        }
        Ok(())
    }
}
