//! `GET /v1/fields?from&to`: the paths that occur, with their types and how many events have them.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use trawl_event::{Evidence, TenantId, Timestamp};
use trawl_store::ports::{StoreError, Want, Workers};

use crate::describe::{describe, left_out};
use crate::state::Asked;
use crate::{Coordinator, Ports};

/// The answer to `GET /v1/fields`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldsAnswer {
    /// Events in the segments and batches that were counted: what a field's coverage is a share of.
    pub events: u64,
    /// The fields by name.
    pub fields: Vec<FieldAnswer>,
    /// What could not be read; empty when the list is complete.
    pub missing: Vec<String>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldAnswer {
    /// Its dotted name.
    pub name: String,
    /// How many events have a value of each type: `string`, `int`, `float`, `bool`, `json`.
    pub types: BTreeMap<String, u64>,
}

impl<P: Ports> Coordinator<P> {
    /// Lists the fields of a tenant's events in the segments and batches that overlap a range of time.
    pub async fn fields(&self, tenant: &TenantId, from: Timestamp, to: Timestamp) -> Result<FieldsAnswer, StoreError> {
        let plan = self.plan(tenant, &Asked::everything(from, to), &Evidence::Anything, 0).await?;
        let tasks = plan.tasks.into_iter().enumerate().map(|(index, planned)| {
            let mut task = planned.task;
            task.want = Want::Fields;
            let source = task.source.clone();
            async move { (source, self.attempt(index, task).await.1) }
        });
        let mut ended = stream::iter(tasks).buffer_unordered(self.workers.parallelism().max(1));
        let mut fields: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        let mut missing = Vec::new();
        let mut events = 0;
        while let Some((source, outcome)) = ended.next().await {
            match outcome {
                Ok(result) => {
                    missing.extend(left_out(&source, &result));
                    events += result.events_matched;
                    for field in result.fields {
                        *fields.entry(field.name).or_default().entry(field.kind).or_default() += field.events;
                    }
                }
                Err(error) => missing.push(format!("{}: {error}", describe(&source))),
            }
        }
        missing.sort();
        let fields = fields.into_iter().map(|(name, types)| FieldAnswer { name, types }).collect();
        Ok(FieldsAnswer { events, fields, missing })
    }
}
