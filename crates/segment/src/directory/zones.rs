//! What lies between which bounds in each granule.
//!
//! Bounds of numbers are kept in 16 bits: the sign, the exponent and the first four digits of the mantissa of an
//! IEEE 754 double, in an order that is that of the numbers, rounded away from the values. A bound is off by a
//! sixteenth at most, which skips nearly as well as the exact one and takes a quarter of the room.

use std::ops::Range;

use trawl_event::{Kind, Path, RowSet};

use super::{ChunkInfo, Directory, RowGroupInfo};
use crate::index::{Zone, Zones};

/// Least and greatest number of a column in a granule, as [`code`] gives them.
pub(crate) type NumberZone = (u16, u16);

/// The zones of a row group.
#[derive(Debug, Default)]
pub(crate) struct RowGroupZones {
    /// By granule: its first and last event, in nanoseconds, rounded away from them.
    pub(crate) times: Vec<(i64, i64)>,
    /// By granule: the ranks of its levels, a bit each ([`trawl_event::Level::bit`]).
    pub(crate) levels: Vec<u8>,
    /// By column of the file, for those of numbers: where they begin, and the zones of some neighbouring granules;
    /// the others hold no value.
    pub(crate) numbers: Vec<Option<NumberZones>>,
}

/// The zones of a column of numbers.
#[derive(Debug)]
pub(crate) struct NumberZones {
    /// The granules that have a zone.
    pub(crate) granules: Range<u32>,
    /// One for each; `None` for a granule without a value.
    pub(crate) zones: Vec<Option<NumberZone>>,
}

/// Of a granule without a value: the least is greater than the greatest.
pub(crate) const NOTHING: NumberZone = (u16::MAX, 0);

/// The code of a number: greater numbers have no lesser codes, equal ones the same. An integer may be rounded to a
/// double before, which keeps the order too.
pub(crate) fn code(value: f64) -> u16 {
    // The two zeros are equal, so they become one.
    let bits = (value + 0.0).to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    (ordered >> 48) as u16
}

impl NumberZones {
    /// Whether the granule may hold a number of `[low, high]`.
    pub(crate) fn may_hold(&self, granule: u32, low: f64, high: f64) -> bool {
        let place = granule.checked_sub(self.granules.start).map(|place| place as usize);
        match place.and_then(|place| self.zones.get(place)) {
            Some(Some((least, greatest))) => code(low) <= *greatest && *least <= code(high),
            Some(None) | None => false,
        }
    }
}

/// The zones of a row group, with the columns they belong to.
pub(crate) struct GroupZones<'d> {
    directory: &'d Directory,
    group: &'d RowGroupInfo,
}

impl<'d> GroupZones<'d> {
    pub(crate) fn new(directory: &'d Directory, group: &'d RowGroupInfo) -> Self {
        Self { directory, group }
    }

    /// Adds the granules in which a chunk may have a value.
    fn add_valued(&self, chunk: &ChunkInfo, granules: &mut RowSet) {
        let granule_rows = self.group.info.granule_rows;
        for page in self.group.pages(chunk) {
            let (first, last) = (page.valued.start as usize, page.valued.end as usize - 1);
            (first / granule_rows..=last / granule_rows).for_each(|granule| granules.insert(granule));
        }
    }

    /// The granules in which a number of `[low, high]`, or something that may hold or spell one, stands under a name.
    fn numbers(&self, name: &str, low: f64, high: f64) -> RowSet {
        let count = self.group.info.granules();
        let mut found = RowSet::none(count);
        let chunks = self.group.chunks.get(1..).unwrap_or_default();
        for (place, (column, chunk)) in self.directory.columns.iter().zip(chunks).enumerate() {
            let is_same = column.name == name;
            let zones = self.group.zones.numbers.get(place).and_then(Option::as_ref);
            match (column.kind, zones) {
                (Kind::Int | Kind::Float, Some(zones)) if is_same => {
                    let may_hold = |granule: &usize| zones.may_hold(*granule as u32, low, high);
                    (0..count).filter(may_hold).for_each(|granule| found.insert(granule));
                }
                (Kind::Text, _) if is_same => self.add_valued(chunk, &mut found),
                (Kind::Json, _) if is_same || is_below(name, &column.name) => self.add_valued(chunk, &mut found),
                _ => {}
            }
        }
        let rest = &self.directory.rest;
        let in_rest = |(path, kind): &(Path, Kind)| {
            let rest_name = path.name();
            rest_name == name || (*kind == Kind::Json && is_below(name, &rest_name))
        };
        if !rest.is_complete() || rest.iter().any(in_rest) {
            // `_rest` stands behind the columns.
            let chunk = chunks.get(self.directory.columns.len());
            chunk.into_iter().for_each(|chunk| self.add_valued(chunk, &mut found));
        }
        found
    }
}

/// Whether `name` is a path below `parent`.
fn is_below(name: &str, parent: &str) -> bool {
    name.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.'))
}

impl Zones for GroupZones<'_> {
    fn granules(&self, zone: &Zone) -> Option<RowSet> {
        match zone {
            Zone::Number { name, low, high } => Some(self.numbers(name, *low, *high)),
            Zone::Level { ranks } => {
                let mut found = RowSet::none(self.group.info.granules());
                let levels = self.group.zones.levels.iter().enumerate();
                levels.filter(|(_, held)| **held & ranks != 0).for_each(|(granule, _)| found.insert(granule));
                Some(found)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zones(values: &[f64]) -> NumberZones {
        let codes = || values.iter().map(|value| code(*value));
        NumberZones { granules: 3..4, zones: vec![codes().min().zip(codes().max())] }
    }

    proptest! {
        #[test]
        fn no_number_lies_outside_its_zone(values in prop::collection::vec(any::<i64>(), 1..20), bound in any::<i64>()) {
            let zones = zones(&values.iter().map(|value| *value as f64).collect::<Vec<_>>());
            let bound_or_rounded = bound as f64;
            let (any_above, any_below) = (values.iter().any(|v| *v >= bound), values.iter().any(|v| *v <= bound));
            prop_assert!(!any_above || zones.may_hold(3, bound_or_rounded, f64::INFINITY));
            prop_assert!(!any_below || zones.may_hold(3, f64::NEG_INFINITY, bound_or_rounded));
            prop_assert!(!zones.may_hold(4, f64::NEG_INFINITY, f64::INFINITY));
        }

        #[test]
        fn codes_are_in_the_order_of_numbers(one in any::<f64>(), other in any::<f64>()) {
            prop_assert!(one > other || code(one) <= code(other));
        }
    }

    #[test]
    fn a_zone_skips_what_is_clearly_outside() {
        let zones = zones(&[200.0, 304.0]);
        assert!(zones.may_hold(3, 304.0, 304.0) && zones.may_hold(3, -0.0, 250.0));
        assert!(!zones.may_hold(3, 500.0, f64::INFINITY) && !zones.may_hold(3, f64::NEG_INFINITY, 100.0));
        assert_eq!(code(-0.0), code(0.0));
    }
}
