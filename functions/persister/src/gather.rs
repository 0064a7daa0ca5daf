//! Records → one block per tenant and day, without batches that belong elsewhere.

use std::collections::BTreeMap;

use trawl_event::batch;
use trawl_event::block::Projection;
use trawl_event::merge::{Merger, rows_between};
use trawl_event::timestamp::{Day, NS_PER_DAY};
use trawl_event::{BatchId, Block, TenantId};
use trawl_store::ports::{Catalog, Claim, Record, ShardId, StoreError};

use crate::dead_letter::DeadLetter;

/// The events of one tenant on one day.
pub struct Group {
    pub tenant: TenantId,
    pub day: Day,
    pub block: Block,
}

/// What a run of records holds.
pub struct Gathered {
    pub groups: Vec<Group>,
    pub dead_letters: Vec<DeadLetter>,
    pub repeated_batches: Vec<BatchId>,
}

/// Decodes first and claims then: a batch that cannot be read must not own its id, since the
/// same batch sent again may be whole.
pub async fn gather<K: Catalog>(catalog: &K, shard: &ShardId, records: &[Record]) -> Result<Gathered, StoreError> {
    let mut dead_letters = Vec::new();
    let mut decoded: Vec<(TenantId, BatchId, Block)> = Vec::new();
    let mut claims = Vec::new();
    for record in records {
        let (batches, mut error) = batch::read_all(&record.data);
        for (ordinal, batch) in batches.into_iter().enumerate() {
            let header = &batch.header;
            match batch.block(&Projection::All) {
                Ok(block) => {
                    claims.push(Claim {
                        tenant: header.tenant.clone(),
                        batch: header.id,
                        shard: shard.clone(),
                        position: record.position,
                        ordinal: ordinal as u32,
                        arrived: record.arrived,
                    });
                    decoded.push((header.tenant.clone(), header.id, block));
                }
                Err(damage) => error = error.or(Some(damage)),
            }
        }
        if let Some(error) = error {
            dead_letters.push(DeadLetter::new(record, error.to_string()));
        }
    }
    let earlier = if claims.is_empty() { Vec::new() } else { catalog.claim(claims).await? };
    let mut mergers: BTreeMap<(TenantId, Day), Merger> = BTreeMap::new();
    let mut repeated_batches = Vec::new();
    for ((tenant, id, block), earlier) in decoded.into_iter().zip(earlier) {
        if earlier.is_empty() {
            append_by_day(&mut mergers, &tenant, &block);
        } else {
            repeated_batches.push(id);
        }
    }
    let group = |((tenant, day), merger): ((TenantId, Day), Merger)| Group { tenant, day, block: merger.finish() };
    let groups = mergers.into_iter().map(group).collect();
    Ok(Gathered { groups, dead_letters, repeated_batches })
}

fn append_by_day(mergers: &mut BTreeMap<(TenantId, Day), Merger>, tenant: &TenantId, block: &Block) {
    let Some((first, last)) = block.time_range() else { return };
    if first.day() == last.day() {
        return mergers.entry((tenant.clone(), first.day())).or_default().append(block);
    }
    let mut days: Vec<i32> = block.timestamps.iter().map(|ns| ns.div_euclid(NS_PER_DAY) as i32).collect();
    days.sort_unstable();
    days.dedup();
    for day in days.into_iter().map(Day) {
        let start = day.start().0;
        let rows = rows_between(block, start, start.saturating_add(NS_PER_DAY));
        mergers.entry((tenant.clone(), day)).or_default().append_rows(block, &rows);
    }
}
