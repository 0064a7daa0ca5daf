//! The zones of a row group, from what is about to be written.

use std::ops::Range;

use trawl_event::block::Values;
use trawl_event::shred::LEVEL_NAMES;
use trawl_event::{Level, Texts};

use super::zones::{NumberZone, NumberZones, RowGroupZones, code};
use crate::index::build::Placed;

/// Every rank.
const ALL_RANKS: u8 = (1 << Level::ALL.len()) - 1;

/// The zones of rows of these `times`. `columns` are those of the file by place, `others` what goes into `_rest`.
pub(crate) fn zones(
    times: &[i64],
    granule_rows: usize,
    columns: &[Option<&Placed<'_>>],
    others: &[Placed<'_>],
) -> RowGroupZones {
    let of_granule = |times: &[i64]| {
        let (first, last) = (times.iter().copied().min(), times.iter().copied().max());
        (first.unwrap_or_default(), last.unwrap_or_default())
    };
    let mut zones = RowGroupZones {
        times: times.chunks(granule_rows).map(of_granule).collect(),
        levels: vec![0; times.len().div_ceil(granule_rows)],
        numbers: columns.iter().map(|placed| placed.and_then(|placed| numbers(placed, granule_rows))).collect(),
    };
    for placed in columns.iter().flatten().copied().chain(others) {
        add_levels(placed, granule_rows, &mut zones.levels);
    }
    zones
}

/// Calls `each` with every granule that has values and their places among the values of the column.
fn by_granule(placed: &Placed<'_>, granule_rows: usize, mut each: impl FnMut(usize, &[u32])) {
    let mut start = 0;
    while let Some(row) = placed.rows.get(start) {
        let granule = *row as usize / granule_rows;
        let behind = ((granule + 1) * granule_rows) as u64;
        let end = start + placed.rows[start..].partition_point(|row| u64::from(*row) < behind);
        each(granule, &placed.picks[start..end]);
        start = end;
    }
}

/// The zones of a column of numbers.
fn numbers(placed: &Placed<'_>, granule_rows: usize) -> Option<NumberZones> {
    let granule_of = |row: &u32| *row / granule_rows as u32;
    let granules: Range<u32> = granule_of(placed.rows.first()?)..granule_of(placed.rows.last()?) + 1;
    let mut zones: Vec<Option<NumberZone>> = vec![None; granules.len()];
    let mut add = |granule: usize, codes: &mut dyn Iterator<Item = u16>| {
        let widen = |zone: Option<NumberZone>, code: u16| {
            Some(zone.map_or((code, code), |(least, greatest)| (code.min(least), code.max(greatest))))
        };
        zones[granule - granules.start as usize] = codes.fold(None, widen);
    };
    match &placed.column.values {
        Values::Int(values) => by_granule(placed, granule_rows, |granule, picks| {
            add(granule, &mut picks.iter().map(|pick| code(values[*pick as usize] as f64)));
        }),
        Values::Float(values) => by_granule(placed, granule_rows, |granule, picks| {
            add(granule, &mut picks.iter().map(|pick| code(values[*pick as usize])));
        }),
        Values::Text(_) | Values::Bool(_) | Values::Json(_) => return None,
    }
    Some(NumberZones { granules, zones })
}

/// Adds the ranks of a column that is asked for as a level, or may hold one inside.
fn add_levels(placed: &Placed<'_>, granule_rows: usize, levels: &mut [u8]) {
    let name = placed.column.path.name();
    let is_level = LEVEL_NAMES.contains(&name.as_str());
    let holds_level = |below: &&str| below.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.'));
    match &placed.column.values {
        Values::Json(_) if is_level || LEVEL_NAMES.iter().any(holds_level) => {
            by_granule(placed, granule_rows, |granule, _| levels[granule] = ALL_RANKS);
        }
        Values::Text(texts) if is_level => by_granule(placed, granule_rows, |granule, picks| {
            levels[granule] |= ranks_of_texts(texts, picks);
        }),
        Values::Int(values) if is_level => by_granule(placed, granule_rows, |granule, picks| {
            let ranks = picks.iter().filter_map(|pick| Level::of_number(values[*pick as usize]));
            levels[granule] |= ranks.fold(0, |ranks, level| ranks | level.bit());
        }),
        // Only whole floats are levels; they are too rare to be looked at.
        Values::Float(_) if is_level => {
            by_granule(placed, granule_rows, |granule, _| levels[granule] = ALL_RANKS);
        }
        _ => {}
    }
}

fn ranks_of_texts(texts: &Texts, picks: &[u32]) -> u8 {
    let (mut ranks, mut last) = (0, None);
    for pick in picks {
        let text = texts.get(*pick as usize);
        // Like stands beside like.
        if last.replace(text) != Some(text) {
            ranks |= Level::of_text(text).map_or(0, Level::bit);
        }
    }
    ranks
}
