//! Which shard a batch goes to: a consistent hash ring of equal slices.
//!
//! The 128-bit hash space is cut into [`SLICES`] equal slices, the *virtual nodes*; every shard
//! owns `SLICES / shards` of them, one more or less:
//!
//! ```text
//!   batch id ── xxh3-128 ──▶ position ── top 14 bits ──▶ slice ── table ──▶ shard
//!   0                                                                   2^128
//!   ├──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┤
//!   │c │a │b │b │c │a │c │b │a │a │c │b │ ...                            │
//! ```
//!
//! Why equal slices and not virtual nodes at random points: the share of a shard with `v` random
//! points varies by `1/sqrt(v)`, so that 64 shards within a few percent of each other would need
//! thousands of points each. With equal slices the shares differ by one slice at most, and finding
//! the owner is one table look-up (O(1)).
//!
//! What is hashed is the *batch* id, not the service: one service can be most of the load, a batch
//! never is. Order between batches carries no meaning here, so nothing is lost by spreading.
//!
//! How slices are dealt out: shards are taken by name, and each newcomer takes from every earlier
//! shard just what that one holds above the new fair share, choosing the slices that score highest
//! for the pair (slice, newcomer). So a shard whose name sorts last (Kinesis names new shards in
//! ascending order, and so does the log on disk) moves exactly its own share and nothing else. The
//! outcome depends on the set of names alone: every process deals alike.

use trawl_event::BatchId;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::ports::{Result, ShardId, StoreError};

/// Slices of the hash space: at 64 shards each owns 256, so shares differ by less than 0.4 %; at
/// 1,000 shards by 6 %. The table takes 32 KiB and is dealt in 4 ms at 64 shards.
pub const SLICES: usize = 1 << SLICE_BITS;
const SLICE_BITS: u32 = 14;

/// A consistent hash ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    shards: Vec<ShardId>,
    /// The owner of each slice, as an index into `shards`; always [`SLICES`] long.
    owners: Box<[u16]>,
}

impl Ring {
    /// The ring of these shards, whatever their order; a name given twice counts once.
    ///
    /// # Errors
    /// `Permanent` when there is no shard, or more than there are slices.
    pub fn new(shards: &[ShardId]) -> Result<Self> {
        let mut names = shards.to_vec();
        names.sort();
        names.dedup();
        if names.is_empty() {
            return Err(StoreError::Permanent("a ring needs at least one shard".into()));
        }
        if names.len() > SLICES {
            return Err(StoreError::Permanent(format!("a ring holds at most {SLICES} shards, not {}", names.len())));
        }
        let owners = deal(&names);
        Ok(Self { shards: names, owners })
    }

    /// The shards, by name.
    pub fn shards(&self) -> &[ShardId] {
        &self.shards
    }

    /// Where a batch stands in the hash space: Kinesis takes it as an explicit hash key.
    /// The id is hashed once more because a caller may choose ids that lie close together.
    pub fn position_of(batch: BatchId) -> u128 {
        xxh3_128(&batch.0.to_be_bytes())
    }

    /// The shard that a batch goes to.
    pub fn shard_of(&self, batch: BatchId) -> &ShardId {
        self.shard_at(Self::position_of(batch))
    }

    /// The shard that owns a position of the hash space.
    pub fn shard_at(&self, position: u128) -> &ShardId {
        // The top 14 bits are below SLICES, the length of the table, and each entry of the table
        // is the index of a shard: neither look-up can fail.
        let slice = (position >> (u128::BITS - SLICE_BITS)) as usize;
        &self.shards[usize::from(self.owners[slice])]
    }
}

/// Deals the slices to shards in ascending order of name, as the module describes.
fn deal(names: &[ShardId]) -> Box<[u16]> {
    let mut owners = vec![0u16; SLICES].into_boxed_slice();
    let mut held: Vec<Vec<u16>> = Vec::with_capacity(names.len());
    held.push((0..SLICES as u16).collect());
    for (newcomer, name) in names.iter().enumerate().skip(1) {
        let seed = xxh3_64(name.0.as_bytes());
        let fair_share = SLICES / (newcomer + 1);
        // This many shards hold one slice more than the fair share: the earliest, so that the rule is total.
        let with_one_more = SLICES % (newcomer + 1);
        let mut taken = Vec::with_capacity(fair_share + 1);
        for (donor, slices) in held.iter_mut().enumerate() {
            let keeps = fair_share + usize::from(donor < with_one_more);
            if slices.len() > keeps {
                slices.select_nth_unstable_by_key(keeps, |slice| score(seed, *slice));
                taken.extend(slices.drain(keeps..));
            }
        }
        for slice in &taken {
            owners[usize::from(*slice)] = newcomer as u16;
        }
        held.push(taken);
    }
    owners
}

/// How much a newcomer wants a slice: the finaliser of SplitMix64 over both, a bijection of the
/// slice for a given seed, so that no two slices tie.
fn score(seed: u64, slice: u16) -> u64 {
    let mut mixed = seed ^ u64::from(slice).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn shards(count: usize) -> Vec<ShardId> {
        (0..count).map(|number| ShardId(format!("shardId-{number:012}"))).collect()
    }

    /// How often each shard owns a slice.
    fn slices_of(ring: &Ring) -> BTreeMap<&ShardId, usize> {
        let mut counts: BTreeMap<_, _> = ring.shards().iter().map(|shard| (shard, 0)).collect();
        for owner in &ring.owners {
            *counts.get_mut(&ring.shards[usize::from(*owner)]).unwrap() += 1;
        }
        counts
    }

    /// The share of the hash space that two rings give to different shards.
    fn moved(left: &Ring, right: &Ring) -> f64 {
        let differ = (0..SLICES as u128)
            .map(|slice| slice << (u128::BITS - SLICE_BITS))
            .filter(|position| left.shard_at(*position) != right.shard_at(*position))
            .count();
        differ as f64 / SLICES as f64
    }

    /// Bytes that each of 1,000 services sends in each of its batches, the load of service `rank`
    /// being proportional to `rank^-1.1`; batches are of 32 to 96 KB.
    fn zipf_load() -> Vec<(u32, Vec<u64>)> {
        const SERVICES: u32 = 1000;
        const EXPONENT: f64 = 1.1;
        const BYTES: f64 = 16e9;
        let weights: Vec<f64> = (1..=SERVICES).map(|rank| f64::from(rank).powf(-EXPONENT)).collect();
        let total: f64 = weights.iter().sum();
        let mut number = 0u64;
        let mut batches_of = |service_bytes: f64| {
            let mut sent = 0.0;
            let mut batches = Vec::new();
            while sent < service_bytes {
                number += 1;
                let bytes = 32_000 + xxh3_64(&number.to_le_bytes()) % 64_000;
                batches.push(bytes);
                sent += bytes as f64;
            }
            batches
        };
        (0..SERVICES).zip(&weights).map(|(service, weight)| (service, batches_of(BYTES * weight / total))).collect()
    }

    /// The fullest shard's bytes over the mean.
    fn imbalance(load: &BTreeMap<&ShardId, u64>, shard_count: usize) -> f64 {
        let mean = load.values().sum::<u64>() as f64 / shard_count as f64;
        load.values().copied().max().unwrap() as f64 / mean
    }

    #[test]
    #[allow(clippy::print_stdout)] // the figures are worth reading beside the verdict
    fn under_a_zipf_load_no_shard_gets_more_than_a_tenth_above_the_mean() {
        let load = zipf_load();
        for shard_count in [8, 64] {
            let ring = Ring::new(&shards(shard_count)).unwrap();
            let mut by_batch = BTreeMap::new();
            let mut by_service = BTreeMap::new();
            let mut batch = 0u64;
            for (service, batches) in &load {
                let service_id = BatchId(xxh3_128(format!("service-{service}").as_bytes()));
                for bytes in batches {
                    batch += 1;
                    let batch_id = BatchId(xxh3_128(format!("batch-{batch}").as_bytes()));
                    *by_batch.entry(ring.shard_of(batch_id)).or_insert(0) += bytes;
                    *by_service.entry(ring.shard_of(service_id)).or_insert(0) += bytes;
                }
            }
            let (spread, hot) = (imbalance(&by_batch, shard_count), imbalance(&by_service, shard_count));
            println!("{shard_count} shards: fullest over mean {spread:.3} by batch, {hot:.2} by service alone");
            assert!(spread <= 1.1, "{shard_count} shards: {spread:.3}");
            assert!(hot > 1.5, "{shard_count} shards: hashing by service is not that even: {hot:.3}");
        }
    }

    #[test]
    fn shards_own_the_same_number_of_slices_give_or_take_one() {
        for count in [1, 2, 3, 7, 8, 60, 64, 1000] {
            let ring = Ring::new(&shards(count)).unwrap();
            let counts = slices_of(&ring);
            let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
            assert!(most - least <= 1, "{count} shards: {least} to {most}");
        }
    }

    #[test]
    fn a_new_shard_takes_its_share_and_moves_nothing_else() {
        for count in [1, 4, 8, 63] {
            let before = Ring::new(&shards(count)).unwrap();
            let after = Ring::new(&shards(count + 1)).unwrap();
            let newcomer = shards(count + 1).pop().unwrap();
            assert_eq!(moved(&before, &after), slices_of(&after)[&newcomer] as f64 / SLICES as f64);
            assert!(moved(&before, &after) <= 1.0 / (count + 1) as f64);
        }
    }

    #[test]
    fn a_shard_anywhere_in_the_order_moves_less_than_three_shares() {
        let all = shards(16);
        let ring = Ring::new(&all).unwrap();
        for gone in 0..all.len() {
            let mut rest = all.clone();
            rest.remove(gone);
            let share = moved(&ring, &Ring::new(&rest).unwrap()) * all.len() as f64;
            assert!(share < 3.0, "without shard {gone} {share:.2} shares move");
        }
    }

    #[test]
    fn a_batch_goes_to_the_same_shard_in_every_process() {
        // Written down once: a change of these moves every batch of a running system.
        let ring = Ring::new(&shards(8)).unwrap();
        let owners: Vec<&str> = (0..6).map(|id| &ring.shard_of(BatchId(id)).0[19..]).collect();
        assert_eq!(owners, ["0", "6", "6", "3", "3", "7"]);
    }

    #[test]
    fn a_ring_without_shards_is_refused() {
        assert!(matches!(Ring::new(&[]), Err(StoreError::Permanent(_))));
    }

    proptest! {
        #[test]
        fn the_order_in_which_shards_are_named_does_not_matter(
            names in proptest::collection::vec("[a-z]{1,3}", 1..20),
            batch in any::<u128>(),
        ) {
            let forward: Vec<ShardId> = names.iter().cloned().map(ShardId).collect();
            let backward: Vec<ShardId> = names.iter().rev().cloned().map(ShardId).collect();
            let (left, right) = (Ring::new(&forward).unwrap(), Ring::new(&backward).unwrap());
            prop_assert_eq!(left.shard_of(BatchId(batch)), right.shard_of(BatchId(batch)));
        }
    }
}
