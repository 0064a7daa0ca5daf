//! The one DynamoDB table: a partition key `pk` and a sort key `sk`, both strings, and `ttl`, the
//! second since 1970 after which an item may be removed. `template.yaml` makes the same table.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};

use super::error::store_error;
use crate::ports::{Result, StoreError};

/// The partition key.
pub const PK: &str = "pk";
/// The sort key.
pub const SK: &str = "sk";
/// When an item may be removed, in seconds since 1970.
pub const TTL: &str = "ttl";

/// Makes the table where no template does.
pub async fn create_table(client: &Client, table: &str) -> Result<()> {
    let failed = |error| StoreError::Permanent(format!("the schema of table {table}: {error}"));
    let mut request = client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [(PK, KeyType::Hash), (SK, KeyType::Range)] {
        let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        request =
            request.attribute_definitions(attribute.build().map_err(failed)?).key_schema(key.build().map_err(failed)?);
    }
    let made = request.send().await;
    made.map(drop).map_err(|error| store_error(&format!("making table {table}"), &error))
}
