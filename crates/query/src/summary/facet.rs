//! The most frequent values of a field.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use trawl_event::text::fold_into;
use trawl_event::{Block, RowSet};

use super::counts_by;
use crate::value::Cell;

/// Most values that are counted; beyond, the rarest half is dropped.
const MOST_VALUES: usize = 10_000;
/// Longest value that is counted, in bytes: what is longer is no category.
pub const MAX_VALUE_BYTES: usize = 512;

/// Which values to count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacetSpec {
    /// The field.
    pub field: String,
    /// Only values that begin so; letter case is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

impl FacetSpec {
    /// All values of a field.
    pub fn of(field: impl Into<String>) -> Self {
        Self { field: field.into(), prefix: None }
    }
}

/// How often each value of a field occurs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facet {
    #[serde(serialize_with = "by_count", deserialize_with = "from_pairs")]
    counts: HashMap<Cell, u64>,
    /// Events that have the field.
    pub events_with: u64,
    /// Whether values were dropped: counts are then of the events that were counted since, and some values may be
    /// missing that are rarer than those shown.
    pub is_approximate: bool,
}

fn by_count<S: Serializer>(counts: &HashMap<Cell, u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(in_order(counts))
}

fn from_pairs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HashMap<Cell, u64>, D::Error> {
    Ok(Vec::<(Cell, u64)>::deserialize(deserializer)?.into_iter().collect())
}

/// Most frequent first, equals by value.
fn in_order(counts: &HashMap<Cell, u64>) -> Vec<(&Cell, u64)> {
    let mut pairs: Vec<_> = counts.iter().map(|(cell, count)| (cell, *count)).collect();
    pairs.sort_unstable_by_key(|(cell, count)| (Reverse(*count), *cell));
    pairs
}

impl Facet {
    pub(super) fn add(&mut self, spec: &FacetSpec, block: &Block, rows: &RowSet) {
        let prefix = spec.prefix.as_deref().map(folded);
        let (mut without, events) = (0, rows.count() as u64);
        for (cell, count) in counts_by(block, rows, &spec.field) {
            if cell == Cell::Null {
                without = count;
                continue;
            }
            if let Cell::Text(text) = &cell
                && text.len() > MAX_VALUE_BYTES
            {
                self.is_approximate = true;
                continue;
            }
            if prefix.as_deref().is_none_or(|prefix| folded(&cell.to_string()).starts_with(prefix)) {
                *self.counts.entry(cell).or_default() += count;
            }
        }
        self.events_with += events - without;
        self.bound();
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (cell, count) in other.counts {
            *self.counts.entry(cell).or_default() += count;
        }
        self.events_with += other.events_with;
        self.is_approximate |= other.is_approximate;
        self.bound();
    }

    fn bound(&mut self) {
        if self.counts.len() > MOST_VALUES {
            self.keep(MOST_VALUES / 2);
        }
    }

    pub(super) fn keep(&mut self, most: usize) {
        if self.counts.len() <= most {
            return;
        }
        self.is_approximate = true;
        let kept = in_order(&self.counts).into_iter().take(most);
        self.counts = kept.map(|(cell, count)| (cell.clone(), count)).collect();
    }

    /// The most frequent values, and how often each occurs.
    pub fn top(&self, most: usize) -> Vec<(Cell, u64)> {
        let first = in_order(&self.counts).into_iter().take(most);
        first.map(|(cell, count)| (cell.clone(), count)).collect()
    }

    /// How many values are known of.
    pub fn distinct(&self) -> usize {
        self.counts.len()
    }
}

fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}
