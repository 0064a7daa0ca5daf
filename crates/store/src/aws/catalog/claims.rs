//! Claims: an item per batch, its places in turn.
//!
//! One conditional update appends a place and gives what stood there before. Forgetting moves a horizon:
//! places that arrived before it count as gone, and the items go by their `ttl`. A batch that is repeated without
//! end keeps its first [`MOST_PLACES`] places: those behind them have more than enough before them.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use trawl_event::Timestamp;

use super::AwsCatalog;
use super::items::{place_of, place_text, time_of};
use crate::aws::error::store_error;
use crate::aws::table::{Item, damaged, key, number, text};
use crate::ports::{Claim, Place, Result};

/// Places of a batch that are kept: a sender that never changes its idempotency key must not fill an item's 400 KB.
const MOST_PLACES: usize = 256;
/// Claims of one call that are under way at once.
const AT_ONCE: usize = 64;

fn horizon_key() -> Item {
    key("horizon", "claims")
}

impl AwsCatalog {
    /// Claims on one batch go out one after the other, in the order given; those on others beside them.
    pub(super) async fn claim_all(&self, claims: Vec<Claim>) -> Result<Vec<Vec<Place>>> {
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        let horizon = match self.table.get(horizon_key()).await? {
            Some(item) => time_of(&item, "at")?,
            None => Timestamp::MIN,
        };
        let mut by_batch: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, claim) in claims.iter().enumerate() {
            by_batch.entry((&claim.tenant, claim.batch.0)).or_default().push(index);
        }
        let each: Vec<_> =
            by_batch.into_values().map(|indices| self.claim_in_turn(&claims, indices, horizon)).collect();
        let found: Vec<Vec<(usize, Vec<Place>)>> = stream::iter(each).buffer_unordered(AT_ONCE).try_collect().await?;
        let mut answers: Vec<(usize, Vec<Place>)> = found.into_iter().flatten().collect();
        answers.sort_unstable_by_key(|(index, _)| *index);
        Ok(answers.into_iter().map(|(_, earlier)| earlier).collect())
    }

    async fn claim_in_turn(
        &self,
        claims: &[Claim],
        indices: Vec<usize>,
        horizon: Timestamp,
    ) -> Result<Vec<(usize, Vec<Place>)>> {
        let mut earlier = Vec::with_capacity(indices.len());
        for index in indices {
            earlier.push((index, self.claim_one(&claims[index], horizon).await?));
        }
        Ok(earlier)
    }

    async fn claim_one(&self, claim: &Claim, horizon: Timestamp) -> Result<Vec<Place>> {
        let own = claim.place();
        let place = text(place_text(&own));
        let kept_ns = i64::try_from(self.settings.claims_kept.as_nanos()).unwrap_or(i64::MAX);
        let gone_at = claim.arrived.plus_ns(kept_ns).0.div_euclid(1_000_000_000);
        let item_key = key(format!("claim#{}#{:032x}", claim.tenant, claim.batch.0), "claim");
        let update = self.table.client.update_item().table_name(&self.table.name).set_key(Some(item_key.clone()));
        let update = update
            .update_expression(
                "SET places = list_append(if_not_exists(places, :none), :places), \
                 arrived = list_append(if_not_exists(arrived, :none), :arrived), #ttl = :ttl",
            )
            .condition_expression(
                "attribute_not_exists(places) OR (NOT contains(places, :place) AND size(places) < :most)",
            )
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
            .expression_attribute_values(":places", AttributeValue::L(vec![place.clone()]))
            .expression_attribute_values(":place", place)
            .expression_attribute_values(":most", number(MOST_PLACES))
            .expression_attribute_values(":arrived", AttributeValue::L(vec![number(claim.arrived.0)]))
            .expression_attribute_values(":ttl", number(gone_at))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let before = match update.send().await {
            Ok(updated) => updated.attributes,
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                match error.into_err() {
                    UpdateItemError::ConditionalCheckFailedException(failed) if failed.item.is_some() => failed.item,
                    _ => self.table.get(item_key).await?,
                }
            }
            Err(error) => return Err(store_error("claiming a batch", &error)),
        };
        let Some(item) = before.filter(|item| item.contains_key("places")) else { return Ok(Vec::new()) };
        let mut earlier = places_of(&item)?;
        if let Some(turn) = earlier.iter().position(|(place, _)| *place == own) {
            earlier.truncate(turn);
        }
        earlier.retain(|(_, arrived)| *arrived >= horizon);
        Ok(earlier.into_iter().map(|(place, _)| place).collect())
    }

    pub(super) async fn move_horizon(&self, before: Timestamp) -> Result<()> {
        let update = self.table.client.update_item().table_name(&self.table.name).set_key(Some(horizon_key()));
        let update = update
            .update_expression("SET #at = :at")
            .condition_expression("attribute_not_exists(#at) OR #at < :at")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":at", number(before.0));
        match update.send().await {
            Ok(_) => Ok(()),
            // It stands further on already.
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => Ok(()),
            Err(error) => Err(store_error("forgetting claims", &error)),
        }
    }
}

fn places_of(item: &Item) -> Result<Vec<(Place, Timestamp)>> {
    let list = |name: &str| match item.get(name) {
        Some(AttributeValue::L(values)) => Ok(values),
        _ => Err(damaged(item, name)),
    };
    let place = |value: &AttributeValue| value.as_s().ok().and_then(|text| place_of(text));
    let time = |value: &AttributeValue| value.as_n().ok().and_then(|text| text.parse().ok()).map(Timestamp);
    let pairs = list("places")?.iter().zip(list("arrived")?);
    pairs
        .map(|(at, arrived)| Some((place(at)?, time(arrived)?)))
        .collect::<Option<_>>()
        .ok_or_else(|| damaged(item, "places"))
}
