//! Which groups the rows of a block fall into.

use std::collections::HashMap;

use trawl_event::RowSet;

use super::keys::{Codes, Keys, UNKNOWN};
use crate::value::Cell;

/// The groups of a block's rows.
pub(crate) struct Groups {
    /// The values that make each group.
    pub(crate) keys: Vec<Vec<Cell>>,
    /// For each row the groups it is in, as indexes into `keys`: several when it has several values of a field.
    /// `None` when all rows are in the only group.
    members: Option<Codes>,
}

/// More groups than there may be.
pub(super) struct TooMany;

/// Most pairs of codes for which a table is kept, for each row there is: filling it should not outweigh using it.
const PAIRS_PER_ROW: usize = 4;

impl Groups {
    /// Combines the values of all grouping fields.
    pub(super) fn new(fields: Vec<Keys>, most: usize) -> Result<Self, TooMany> {
        let mut groups = Self { keys: vec![Vec::new()], members: None };
        for field in fields {
            groups = match groups.members {
                None => groups.of_one(field, most)?,
                Some(members) => combine(&groups.keys, &members, &field, most)?,
            };
        }
        Ok(groups)
    }

    /// Combines the values of all grouping fields, however many groups there are: at most as many as rows have values.
    pub(crate) fn of(fields: Vec<Keys>) -> Self {
        Self::new(fields, usize::MAX)
            .unwrap_or_else(|TooMany| Self { keys: Vec::new(), members: Some(Codes::default()) })
    }

    /// With one field each of its values is a group: nothing to combine.
    fn of_one(self, field: Keys, most: usize) -> Result<Self, TooMany> {
        if field.cells.len() > most {
            return Err(TooMany);
        }
        let keys = field.cells.into_iter().map(|cell| vec![cell]).collect();
        Ok(Self { keys, members: Some(field.codes) })
    }

    /// The groups of the row at this place in the set of rows.
    pub(super) fn at(&self, place: usize) -> &[u32] {
        match &self.members {
            None => &[0],
            Some(members) => members.at(place),
        }
    }

    /// How many of the rows each group has.
    pub(crate) fn count(&self, rows: &RowSet) -> Vec<u64> {
        let Some(members) = &self.members else { return vec![rows.count() as u64] };
        let mut counts = vec![0; self.keys.len()];
        match members.single() {
            Some(codes) => codes.iter().for_each(|code| counts[*code as usize] += 1),
            None => {
                let codes = (0..members.len()).flat_map(|place| members.at(place));
                codes.for_each(|code| counts[*code as usize] += 1);
            }
        }
        counts
    }

    /// How many of the rows that are `chosen`, too, each group has.
    pub(super) fn count_chosen(&self, rows: &RowSet, chosen: &RowSet) -> Vec<u64> {
        let Some(members) = &self.members else {
            let mut both = rows.clone();
            both.intersect(chosen);
            return vec![both.count() as u64];
        };
        let mut counts = vec![0; self.keys.len()];
        for (place, row) in rows.iter().enumerate() {
            let more = u64::from(chosen.contains(row));
            members.at(place).iter().for_each(|code| counts[*code as usize] += more);
        }
        counts
    }
}

/// The groups of one more field inside each group.
fn combine(keys: &[Vec<Cell>], members: &Codes, field: &Keys, most: usize) -> Result<Groups, TooMany> {
    let mut pairs = Pairs::new(keys.len(), field.cells.len(), members.len());
    let mut codes = Codes::with_capacity(members.len());
    if let (Some(left), Some(right)) = (members.single(), field.codes.single()) {
        left.iter().zip(right).for_each(|(group, value)| codes.push(pairs.code(*group, *value)));
    } else {
        let mut found: Vec<u32> = Vec::new();
        for place in 0..members.len() {
            let (groups, values) = (members.at(place), field.codes.at(place));
            if groups.len().saturating_mul(values.len()) > most {
                return Err(TooMany);
            }
            found.clear();
            for value in values {
                found.extend(groups.iter().map(|group| pairs.code(*group, *value)));
            }
            if pairs.known.len() > most {
                return Err(TooMany);
            }
            codes.push_all(&found);
        }
    }
    if pairs.known.len() > most {
        return Err(TooMany);
    }
    let key = |(group, value): &(u32, u32)| {
        let mut key = keys[*group as usize].clone();
        key.push(field.cells[*value as usize].clone());
        key
    };
    Ok(Groups { keys: pairs.known.iter().map(key).collect(), members: Some(codes) })
}

/// Numbers pairs of codes in the order in which they turn up.
struct Pairs {
    known: Vec<(u32, u32)>,
    /// How many codes the second of a pair may be.
    width: usize,
    codes: PairCodes,
}

enum PairCodes {
    /// One place for each pair there could be.
    Table(Vec<u32>),
    Map(HashMap<(u32, u32), u32>),
}

impl Pairs {
    fn new(height: usize, width: usize, rows: usize) -> Self {
        let codes = match height.checked_mul(width) {
            Some(cells) if cells / PAIRS_PER_ROW <= rows => PairCodes::Table(vec![UNKNOWN; cells]),
            _ => PairCodes::Map(HashMap::new()),
        };
        Self { known: Vec::new(), width, codes }
    }

    #[inline]
    fn code(&mut self, first: u32, second: u32) -> u32 {
        let code = match &mut self.codes {
            PairCodes::Table(table) => &mut table[first as usize * self.width + second as usize],
            PairCodes::Map(map) => map.entry((first, second)).or_insert(UNKNOWN),
        };
        if *code == UNKNOWN {
            *code = self.known.len() as u32;
            self.known.push((first, second));
        }
        *code
    }
}
