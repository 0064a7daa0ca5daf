//! What the catalog keeps of all events of a segment, as row groups are added.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use trawl_event::block::SERVICE;
use trawl_event::zones::Zones;
use trawl_event::{Kind, Texts, Values};

use crate::directory::RowGroupZones;
use crate::index::build::Placed;

/// Most distinct values of a field that are listed, and of the service.
const MAX_VALUES: usize = 16;
const MAX_SERVICES: usize = 64;
/// Most bytes of the values of a field.
const MAX_VALUE_BYTES: usize = 1024;
/// Most bytes of everything that is listed: rows of the catalog stay small.
const MAX_BYTES: usize = 1536;
/// Integers up to here are doubles exactly.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// What is known of a field so far.
#[derive(Default)]
struct Field {
    kinds: BTreeSet<Kind>,
    /// `None` when they are too many.
    values: Option<BTreeSet<String>>,
    /// `None` when they are beyond what is exact.
    numbers: Option<(i64, i64)>,
}

/// The zones of the row groups so far.
#[derive(Default)]
pub(crate) struct Summary {
    levels: u8,
    fields: BTreeMap<String, Field>,
}

impl Summary {
    /// Adds the columns of a row group, those that go into `_rest` included.
    pub(crate) fn push(&mut self, columns: &[Placed<'_>], zones: &RowGroupZones) {
        self.levels |= zones.levels.iter().fold(0, |levels, granule| levels | granule);
        let of_columns = columns.par_iter().filter(|placed| !placed.rows.is_empty()).map(|placed| {
            let name = placed.column.path.name();
            let most = if name == SERVICE { MAX_SERVICES } else { MAX_VALUES };
            let (values, numbers) = match &placed.column.values {
                Values::Text(texts) => (few_texts(texts, &placed.picks, most), None),
                Values::Int(values) => (None, range(placed.picks.iter().map(|pick| values[*pick as usize] as f64))),
                Values::Float(values) => (None, range(placed.picks.iter().map(|pick| values[*pick as usize]))),
                Values::Bool(_) | Values::Json(_) => (None, None),
            };
            (name, Field { kinds: [placed.column.values.kind()].into(), values, numbers })
        });
        for (name, field) in of_columns.collect::<Vec<_>>() {
            let most = if name == SERVICE { MAX_SERVICES } else { MAX_VALUES };
            match self.fields.get_mut(&name) {
                Some(known) => known.add(field, most),
                None => {
                    self.fields.insert(name, field);
                }
            }
        }
    }

    /// The zones; those fields first that are asked for most, as far as there is room.
    pub(crate) fn finish(self) -> Zones {
        let mut zones = Zones { levels: Some(self.levels), ..Zones::default() };
        let is_json = |name: &str| self.fields.get(name).is_some_and(|field| field.kinds.contains(&Kind::Json));
        let may_be_inside = |name: &str| name.match_indices('.').any(|(at, _)| is_json(&name[..at]));
        let mut left = MAX_BYTES;
        let mut names: Vec<&String> = self.fields.keys().collect();
        names.sort_by_key(|name| (name.as_str() != SERVICE, name.len()));
        for name in names {
            let field = &self.fields[name];
            if may_be_inside(name) {
                continue;
            }
            let bytes = name.len() + field.values.iter().flatten().map(|value| value.len() + 3).sum::<usize>() + 24;
            if bytes > left {
                continue;
            }
            let is_only = |kinds: &[Kind]| field.kinds.iter().all(|kind| kinds.contains(kind));
            match (&field.values, field.numbers) {
                (Some(values), _) if is_only(&[Kind::Text]) => {
                    zones.values.insert(name.clone(), values.iter().cloned().collect());
                }
                (_, Some(range)) if is_only(&[Kind::Int, Kind::Float]) => {
                    zones.numbers.insert(name.clone(), range);
                }
                _ => continue,
            }
            left -= bytes;
        }
        zones
    }
}

impl Field {
    fn add(&mut self, other: Self, most: usize) {
        self.kinds.extend(other.kinds);
        self.values = match (self.values.take(), other.values) {
            (Some(mut values), Some(more)) => {
                values.extend(more);
                Some(values).filter(|values| values.len() <= most && bytes_of(values) <= MAX_VALUE_BYTES)
            }
            _ => None,
        };
        self.numbers = match (self.numbers, other.numbers) {
            (Some((least, greatest)), Some((low, high))) => Some((least.min(low), greatest.max(high))),
            _ => None,
        };
    }
}

fn bytes_of(values: &BTreeSet<String>) -> usize {
    values.iter().map(String::len).sum()
}

/// The distinct texts, if they are few.
fn few_texts(texts: &Texts, picks: &[u32], most: usize) -> Option<BTreeSet<String>> {
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let (mut last, mut bytes) = (None, 0);
    for pick in picks {
        let text = texts.get(*pick as usize);
        // Like stands beside like.
        if last.replace(text) == Some(text) || !found.insert(text) {
            continue;
        }
        bytes += text.len();
        if found.len() > most || bytes > MAX_VALUE_BYTES {
            return None;
        }
    }
    Some(found.into_iter().map(str::to_owned).collect())
}

/// Integers that are not above, and not below any of the values.
fn range(values: impl Iterator<Item = f64>) -> Option<(i64, i64)> {
    let (least, greatest) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    (least.abs() < MAX_EXACT && greatest.abs() < MAX_EXACT).then(|| (least.floor() as i64, greatest.ceil() as i64))
}
